# SPDX-License-Identifier: Apache-2.0
"""One set-up at a time: `make demo` and `make test` may be started together."""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import Iterator


@contextlib.contextmanager
def exclusive(venv: Path) -> Iterator[None]:
    """Hold the lock of an environment; waits, and says so, while another process holds it.

    Args:
        venv: the environment. The lock file lies beside it, because the environment itself may be cleared
        away.
    """
    venv.parent.mkdir(parents=True, exist_ok=True)
    with (venv.parent / f"{venv.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another set-up of {venv} is running; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        # The kernel releases the lock with the file, also when this process is killed.
        yield
