# SPDX-License-Identifier: Apache-2.0
"""Run a program in several processes on this machine, as `accelerate launch` does on many machines."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

LAUNCHED = ("RANK", "WORLD_SIZE")
"""Variables that tell a process that it is one of several."""


def launched() -> bool:
    """Say whether this process was started as one of several."""
    return all(name in os.environ for name in LAUNCHED) and int(os.environ["WORLD_SIZE"]) > 1


def is_first() -> bool:
    """Say whether this process is the first of several, or alone."""
    return not launched() or os.environ["RANK"] == "0"


def launch(processes: int, command: Sequence[str], *, on_cpu: bool = True) -> int:
    """Run a command in several processes on this machine.

    Args:
        processes: how many.
        command: program and arguments, the same for all.
        on_cpu: whether they compute on CPUs, of which each then gets its share.

    Returns:
        The exit status of the first to fail, as a shell gives it; 0 if none does. One that a signal ended is
        named on stderr.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        # Left alone, every process would start as many threads as there are cores.
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes)),
    }
    if on_cpu:
        shared["ACCELERATE_USE_CPU"] = "true"
    children = [
        subprocess.Popen(command, env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(processes)
    ]

    def pass_on(number: int, _: object) -> None:
        for child in children:
            child.send_signal(number)

    # Ctrl-C reaches the children by itself; they finish their step and save.
    previous = {signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None)}
    previous[signal.SIGTERM] = signal.signal(signal.SIGTERM, pass_on)
    failed = None
    try:
        while any(child.poll() is None for child in children):
            failed = failed or next((child for child in children if child.poll()), None)
            if failed:  # the others would wait for it for ever
                pass_on(signal.SIGKILL, None)
            time.sleep(0.1)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    failed = failed or next((child for child in children if child.returncode), None)
    if failed is None:
        return 0
    if failed.returncode > 0:
        return failed.returncode
    name = signal.Signals(-failed.returncode).name
    print(f"process {children.index(failed)} was ended by {name}, so all were", file=sys.stderr)
    return 128 - failed.returncode


def leave(status: int | str | None) -> NoReturn:
    """End this process with an exit status, after everything is saved.

    A thread of torch's process group that still runs while the interpreter is taken apart ends it with an
    abort (seen once in some dozens of runs), which would look like a failed training; so one of several
    processes is not taken apart.

    Args:
        status: as of `SystemExit`.
    """
    if not launched():
        sys.exit(status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))
