# SPDX-License-Identifier: Apache-2.0
"""Long work that Ctrl-C and SIGTERM end cleanly."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stoppable() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list, for the work to look at between two steps."""
    stop: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, lambda said, _: stop.append(said)) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
