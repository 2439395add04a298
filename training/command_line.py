# SPDX-License-Identifier: Apache-2.0
"""How the commands of this package end: expected failures in one message on stderr, Ctrl-C in another."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

INTERRUPTED = 130
"""Exit status after Ctrl-C; typer turns it into this."""
UNUSABLE = 2
"""Exit status of a command that cannot do what it is asked."""


def run_command(
    app: typer.Typer, name: str, expected: tuple[type[Exception], ...], interrupted: str = "interrupted"
) -> int:
    """Run a command line; anything but success leaves the program.

    Args:
        app: the command line.
        name: what the user calls it.
        expected: errors whose sentence is all that the user needs; they end it with UNUSABLE, as bad options.
        interrupted: said after Ctrl-C.

    Returns:
        0, the status of success.
    """
    try:
        status = app(prog_name=name, standalone_mode=False)
    except expected as error:
        fail(name, str(error), UNUSABLE)
    except Exception as error:
        # Bad options: typer carries its own copy of click, whose errors know how to say themselves.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        fail(name, message(), UNUSABLE)
    if status == INTERRUPTED:
        fail(name, interrupted, INTERRUPTED)
    if status:
        sys.exit(status)
    return 0


def fail(name: str, message: str, status: int) -> NoReturn:
    """Leave the program with a message on stderr."""
    print(f"{name}: {message}", file=sys.stderr)
    sys.exit(status)
