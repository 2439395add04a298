# SPDX-License-Identifier: Apache-2.0
"""``ide3d-worlds``: look at simulated rooms, render data sets of them."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ide3d_training.worlds.categories import CATEGORIES
from ide3d_training.worlds.gl import NoOpenGLError
from ide3d_training.worlds.shards import DatasetError, Settings, prepare_folder, render_dataset

_INTERRUPTED = 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class UsageError(ValueError):
    """An argument has a value that cannot be used."""


@app.callback()
def worlds() -> None:
    """Simulated rooms with metric ground truth."""


@app.command()
def preview(
    out: Annotated[Path, typer.Option(help="Picture to write (.png or .jpg).")],
    seed: Annotated[int, typer.Option(help="Seed of the first room.")] = 0,
    rooms: Annotated[int, typer.Option(help="Rooms, one row each.")] = 4,
    views: Annotated[int, typer.Option(help="Views of each room, one column each.")] = 3,
    width: Annotated[int, typer.Option(help="Width of one frame, pixels.")] = 480,
    height: Annotated[int, typer.Option(help="Height of one frame, pixels.")] = 360,
) -> None:
    """Draw a contact sheet of rooms with their labelled boxes."""
    for name, value, least in (
        ("rooms", rooms, 1),
        ("views", views, 1),
        ("width", width, 16),
        ("height", height, 16),
        ("seed", seed, 0),
    ):
        if value < least:
            raise UsageError(f"--{name} must be at least {least}, not {value}")
    _check_picture(out)
    from ide3d_training.worlds.preview import contact_sheet

    _write_picture(out, contact_sheet(seed, rooms, views, width, height))
    print(f"{out}: rooms {seed} to {seed + rooms - 1}, {views} views each")


@app.command()
def catalogue(
    out: Annotated[Path, typer.Option(help="Picture to write (.png or .jpg).")],
    category: Annotated[str | None, typer.Option(help="Draw only this kind of object.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the objects.")] = 0,
    samples: Annotated[int, typer.Option(help="Objects of each kind.")] = 6,
    width: Annotated[int, typer.Option(help="Width of one frame, pixels.")] = 256,
    height: Annotated[int, typer.Option(help="Height of one frame, pixels.")] = 192,
) -> None:
    """Draw every kind of object alone, in several styles, colours and materials."""
    for name, value, least in (
        ("samples", samples, 1),
        ("width", width, 16),
        ("height", height, 16),
        ("seed", seed, 0),
    ):
        if value < least:
            raise UsageError(f"--{name} must be at least {least}, not {value}")
    if category is not None and category not in CATEGORIES:
        raise UsageError(f"--category must be one of {', '.join(CATEGORIES)}, not {category!r}")
    _check_picture(out)
    from ide3d_training.worlds.catalogue import catalogue_sheet

    _write_picture(out, catalogue_sheet(category, seed, samples, width, height))
    print(f"{out}: {samples} of {category or f'each of {len(CATEGORIES)} kinds of object'}, seed {seed}")


@app.command()
def render(
    rooms: Annotated[int, typer.Option(help="Rooms to render, one frame each.")],
    out: Annotated[Path, typer.Option(help="Folder of the data set; an interrupted one is continued.")],
    seed: Annotated[int, typer.Option(help="Seed of the first room; room i has seed + i.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes; the result does not depend on it.")] = 1,
    width: Annotated[int, typer.Option(help="Width of the frames, pixels.")] = 256,
    height: Annotated[int, typer.Option(help="Height of the frames, pixels.")] = 192,
    report: Annotated[
        Path | None, typer.Option("--json", help="Write counts and speed to this file.")
    ] = None,
) -> None:
    """Render a data set: RGB, depth, instance ids and labels, in shards of 64 rooms."""
    settings = Settings(rooms=rooms, seed=seed, width=width, height=height)
    if workers < 1:
        raise UsageError(f"--workers must be at least 1, not {workers}")
    if report is not None:
        _check_folder(report)
    prepare_folder(out, settings)  # before the progress bar, so that a refusal is one line
    columns = (TextColumn("rendering"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    start = time.perf_counter()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("frames", total=rooms)
        drawn = render_dataset(settings, out, workers, lambda frames: progress.advance(task, frames))
    seconds = time.perf_counter() - start
    speed = drawn / seconds
    if report is not None:
        result = {
            "rooms": rooms,
            "seed": seed,
            "width": width,
            "height": height,
            "workers": workers,
            "frames_rendered": drawn,
            "frames_found": rooms - drawn,
            "seconds": round(seconds, 3),
            "frames_per_second": round(speed, 2),
        }
        report.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{out}: {rooms} frames, {drawn} of them drawn now at {speed:.1f} frames/s")


def _check_picture(path: Path) -> None:
    """Refuse before the drawing what could not be written as a picture."""
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UsageError(f"--out must end in .png or .jpg, not {path.name!r}")
    _check_folder(path)


def _write_picture(path: Path, sheet: np.ndarray) -> None:
    """Write an (H, W, 3) RGB sheet."""
    import cv2

    written, encoded = cv2.imencode(path.suffix, sheet[..., ::-1])
    if not written:
        raise UsageError(
            f"a sheet of {sheet.shape[1]}x{sheet.shape[0]} pixels does not fit into {path.suffix}"
        )
    path.write_bytes(encoded.tobytes())


def _check_folder(path: Path) -> None:
    """Refuse before the work what could not be written after it."""
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"cannot write {path}: no permission to write into {path.parent}")


def main() -> None:
    """Run the command line; every expected failure ends in one line on stderr and exit status 2."""
    try:
        status = app(prog_name="ide3d-worlds", standalone_mode=False)
    except (UsageError, DatasetError, NoOpenGLError) as error:
        _fail(str(error), 2)
    except OSError as error:
        _fail(f"{error.filename or 'input/output'}: {error.strerror or error}", 2)
    except Exception as error:
        # Bad options: typer carries its own copy of click, whose errors know how to say themselves.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        _fail(message(), 2)
    if status == _INTERRUPTED:  # typer turns Ctrl-C into this status
        _fail("interrupted; finished shards are kept, the same command continues", _INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, status: int) -> None:
    print(f"ide3d-worlds: {message}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
