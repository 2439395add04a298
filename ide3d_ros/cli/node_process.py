# SPDX-License-Identifier: Apache-2.0
"""One of the package's nodes in a process of its own, from start to a sure end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

# The kernel interrupts the node when its parent dies without a farewell (prctl PR_SET_PDEATHSIG, SIGINT).
_CODE = "import ctypes; ctypes.CDLL(None).prctl(1, 2); from {module} import main; main()"
_PATIENCE_S = 10.0


class NodeEndedError(RuntimeError):
    """A node's process ended although nobody told it to; the sentence holds its last words."""


class NodeProcess:
    """Run a node; its output goes to a log file."""

    def __init__(
        self,
        name: str,
        *,
        params_file: Path,
        parameters: Mapping[str, bool | int | float | str],
        log: Path,
    ) -> None:
        """Start the process.

        Args:
            name: of the node and its module in `ide3d_ros.nodes`.
            params_file: its YAML file.
            parameters: values that go before those of the file.
            log: file for what it prints; replaced.
        """
        self.name = name
        self.log = log
        arguments = ["--ros-args", "--params-file", str(params_file)]
        for key, value in parameters.items():
            # JSON is YAML, and its quotes keep a text that looks like a number a text.
            arguments += ["-p", f"{key}:={json.dumps(value)}"]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                # -P: the installed package, also where the current folder holds its sources.
                [sys.executable, "-P", "-c", _CODE.format(module=f"ide3d_ros.nodes.{name}"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches this program alone, which ends its nodes in order
            )

    @property
    def pid(self) -> int:
        """Return the process's number."""
        return self._process.pid

    def check(self) -> None:
        """Raise NodeEndedError if the process has ended."""
        status = self._process.poll()
        if status is not None:
            said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise NodeEndedError(
                f"the {self.name} node ended with status {status}: "
                f"{said[-1] if said else 'it said nothing'} (log: {self.log})"
            )


def stop_all(processes: Iterable[NodeProcess]) -> None:
    """Interrupt all processes, wait for them together, and kill what does not end."""
    running = [process._process for process in processes]
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    end = time.monotonic() + _PATIENCE_S
    for process in running:
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
