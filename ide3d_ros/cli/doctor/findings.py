# SPDX-License-Identifier: Apache-2.0
"""What one check has found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum

MAX_TEXT = 300
"""Longest text of a finding: names and messages in it may come from other machines."""


class Level(Enum):
    """How bad it is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"
    """The check could not be made; the text says why."""


@dataclass(frozen=True)
class Finding:
    """Hold the outcome of one check.

    Attributes:
        check: what was looked at, two or three words.
        level: how bad it is.
        text: what was found.
        fix: what to do, one line; empty when there is nothing to do.
    """

    check: str
    level: Level
    text: str
    fix: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it as JSON's types."""
        return {**asdict(self), "level": self.level.value}


def ok(check: str, text: str) -> Finding:
    """Say that all is well."""
    return Finding(check, Level.OK, plain(text))


def warn(check: str, text: str, fix: str) -> Finding:
    """Say that something works but will give trouble."""
    return Finding(check, Level.WARN, plain(text), plain(fix))


def fail(check: str, text: str, fix: str) -> Finding:
    """Say that something does not work."""
    return Finding(check, Level.FAIL, plain(text), plain(fix))


def skip(check: str, why: str, fix: str = "") -> Finding:
    """Say why a check could not be made."""
    return Finding(check, Level.SKIP, plain(why), plain(fix))


def plain(text: str) -> str:
    """Cut a text to one printable line; what other nodes say may hold anything, terminal codes too."""
    line = "".join(letter if letter.isprintable() else " " for letter in text[: 2 * MAX_TEXT])
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 3] + "..."
