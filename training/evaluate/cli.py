# SPDX-License-Identifier: Apache-2.0
"""`ide3d-evaluate`: score a bundle on simulated rooms that it was never trained on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from ide3d_ros.bundle import BundleError, open_bundle
from ide3d_ros.engine import EngineError
from ide3d_ros.scene import Scene
from ide3d_training.evaluate.report import results_table
from ide3d_training.evaluate.responders import ResponseError, SceneResponder
from ide3d_training.evaluate.runner import evaluate
from ide3d_training.evaluate.world_frames import world_frames
from ide3d_training.metrics.baselines import Prior, PriorError
from ide3d_training.worlds.gl import NoOpenGLError

_INTERRUPTED = 130
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class UsageError(ValueError):
    """Raised for an argument with a value that cannot be used."""


@app.command()
def run(
    bundle: Annotated[
        str, typer.Option(help="Name of an embedded bundle, or path of a bundle folder.")
    ] = "nano",
    rooms: Annotated[int, typer.Option(help="Rooms, one frame each.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the first room; room i has seed + i.")] = 800000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
) -> None:
    """Score a bundle: Acc and F1 of its boxes, EM of its answers, and what one scores without looking."""
    for name, value, least in (("rooms", rooms, 1), ("seed", seed, 0)):
        if value < least:
            raise UsageError(f"--{name} must be at least {least}, not {value}")
    if json_file is not None:
        _check_writable(json_file)  # found out now, not after the last room
    prior = Prior.load()
    network = open_bundle(bundle).manifest.network
    responder = SceneResponder(Scene.open(bundle))
    frames = world_frames(rooms, seed, network.width, network.height)
    console = Console(stderr=True)
    report = {
        "bundle": bundle,
        "rooms": rooms,
        "seed": seed,
        "image_size": [network.width, network.height],
        **evaluate(track(frames, "evaluating rooms", total=rooms, console=console), responder, prior),
    }
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    Console().print(results_table(report))


def _check_writable(path: Path) -> None:
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: the folder {path.parent} does not exist")
    try:
        with open(path, "ab"):
            pass
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def main() -> None:
    """Run the command line; every expected failure ends in one line on stderr and exit status 2."""
    try:
        status = app(prog_name="ide3d-evaluate", standalone_mode=False)
    except (UsageError, BundleError, EngineError, PriorError, NoOpenGLError, ResponseError) as error:
        _fail(str(error), 2)
    except Exception as error:
        # Bad options: typer carries its own copy of click, whose errors know how to say themselves.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        _fail(message(), 2)
    if status == _INTERRUPTED:  # typer turns Ctrl-C into this status
        _fail("interrupted", _INTERRUPTED)
    if status:
        sys.exit(status)


def _fail(message: str, status: int) -> None:
    print(f"ide3d-evaluate: {message}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
