# SPDX-License-Identifier: Apache-2.0
"""Log lines that say a thing once in a while, and callbacks that cannot end a node."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable

from rclpy.impl.rcutils_logger import RcutilsLogger

LINE_LENGTH = 400


class Reporter:
    """Throttle a node's complaints by what they are about."""

    def __init__(
        self, logger: RcutilsLogger, is_running: Callable[[], bool], *, period_s: float = 5.0
    ) -> None:
        """Make a reporter.

        Args:
            logger: the node's logger.
            is_running: whether the node's context is still open.
            period_s: seconds between two lines about the same thing.
        """
        self._is_running = is_running
        self.last_error = ""
        self._logger = logger
        self._period_s = period_s
        self._last_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def warn(self, about: str, text: str) -> None:
        """Log a warning about a thing, unless one about it was logged a moment ago."""
        if self._is_due(about):
            self._logger.warning(_line(text))

    def error(self, about: str, text: str) -> None:
        """Log an error about a thing, unless one was logged a moment ago, and keep it for diagnostics."""
        self.last_error = _line(text)
        if self._is_due(about):
            self._logger.error(_line(text))

    def fault(self, about: str, error: Exception) -> None:
        """Log an unexpected error, with its traceback at debug level."""
        self.error(about, f"{about}: {type(error).__name__}: {error}")
        self._logger.debug("".join(traceback.format_exception(error)))

    def guarded(self, about: str, callback: Callable[..., None]) -> Callable[..., None]:
        """Wrap a callback, as an exception that leaves one ends the executor and with it the node.

        What fails because Ctrl-C has closed the context meanwhile is no fault.
        """

        def safely(*arguments: object) -> None:
            try:
                callback(*arguments)
            except Exception as error:
                if self._is_running():
                    self.fault(about, error)

        return safely

    def _is_due(self, about: str) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self._last_s.get(about, float("-inf")) < self._period_s:
                return False
            self._last_s[about] = now
            return True


def _line(text: str) -> str:
    """Cut text from outside down to one printable line."""
    cleaned = "".join(letter if letter.isprintable() else " " for letter in text)
    return cleaned if len(cleaned) <= LINE_LENGTH else cleaned[: LINE_LENGTH - 3] + "..."
