# SPDX-License-Identifier: Apache-2.0
"""`ide3d`: what a person types. Each command imports its own part alone, so that help comes at once."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

FIRST_ROOM = 600023
"""Far from the rooms of training (from 0) and of evaluation (from 800000); it and the next two are full."""
_INTERRUPTED = 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class UsageError(ValueError):
    """An option has a value that cannot be used."""


@app.callback()
def ide3d() -> None:
    """Metric 3D boxes and spatial answers from RGB frames, for ROS 2 robots."""


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Folder for report.json, pictures, demo.mcap and logs.")],
    recording: Annotated[
        Path | None, typer.Option(help="Folder of a labelled recording, in place of simulated rooms.")
    ] = None,
    bundle: Annotated[
        str, typer.Option(help="Name of an embedded bundle, or path of a bundle folder.")
    ] = "nano",
    rooms: Annotated[int, typer.Option(help="Simulated rooms to visit.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the first room; room i has seed + i.")] = FIRST_ROOM,
    duration: Annotated[
        float, typer.Option(help="Seconds that the camera moves; asking may take longer.")
    ] = 25.0,
) -> None:
    """Let a moving camera drive the ROS nodes, ask them, and compare the replies with the truth."""
    for name, value, least in (("rooms", rooms, 1), ("seed", seed, 0), ("duration", duration, 1.0)):
        if not value >= least:
            raise UsageError(f"--{name} must be at least {least:g}, not {value:g}")
    from rich.console import Console

    from ide3d_ros.cli.demo import DemoSettings, run_demo

    console = Console(markup=False)
    if not console.is_terminal:  # a log has room for the table; 80 columns would fold every cell of it
        console.width = 140
    run_demo(DemoSettings(output, bundle, recording, rooms, seed, duration), console)


def main() -> None:
    """Run the command line; every expected failure ends in one line on stderr and a status that is not 0."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        # Some versions of typer return an exit status, Ctrl-C's among them, and others raise.
        status = app(prog_name="ide3d", standalone_mode=False)
        if status == _INTERRUPTED:
            raise KeyboardInterrupt
        sys.exit(status)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted", _INTERRUPTED)
    except UsageError as error:
        _fail(str(error), 2)
    except Exception as error:
        _fail(*_explained(error))


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _explained(error: Exception) -> tuple[str, int]:
    """Turn an expected failure into its line and exit status; raise any other again, with its traceback."""
    # Bad options: typer carries its own copy of click, whose errors know how to say themselves.
    usage = getattr(error, "format_message", None)
    if usage is not None:
        return usage(), 2
    from ide3d_ros.bundle import BundleError
    from ide3d_ros.cli.demo import DemoError
    from ide3d_ros.cli.demo_client import NoAnswerError
    from ide3d_ros.cli.node_process import NodeEndedError
    from ide3d_ros.recordings import RecordingError

    if isinstance(error, (BundleError, DemoError, NoAnswerError, NodeEndedError, RecordingError)):
        return str(error), 1
    raise error


def _fail(message: str, status: int) -> None:
    print(f"ide3d: {message}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
