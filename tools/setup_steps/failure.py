# SPDX-License-Identifier: Apache-2.0
"""The one error that ends a set-up, and the running of commands that may cause it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Mapping, Sequence


class SetupError(Exception):
    """The set-up cannot go on; the message names what is missing or failed and the way out."""


def run_logged(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
    """Run a command with its output appended to a file.

    Args:
        command: program and arguments.
        log: file that receives both output streams, after a line with the command itself.
        environment: all environment variables of the command.

    Raises:
        SetupError: if the command fails; the message ends with the last lines of its output.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as output:
        output.write("$ " + " ".join(command) + "\n")
        output.flush()
        code = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, env=dict(environment)
        ).returncode
    if code != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "\n".join("    " + line for line in lines[-15:])
        raise SetupError(
            f"{Path(command[0]).name} failed with exit code {code}:\n{tail}\n  All of its output: {log}"
        )
