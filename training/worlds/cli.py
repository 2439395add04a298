# SPDX-License-Identifier: Apache-2.0
"""``ide3d-worlds``: look at simulated rooms, render data sets of them."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ide3d_training.command_line import UNUSABLE, fail, run_command
from ide3d_training.worlds.categories import CATEGORIES
from ide3d_training.worlds.gl import NoOpenGLError
from ide3d_training.worlds.motion import MOTIONS
from ide3d_training.worlds.sensor import SENSORS
from ide3d_training.worlds.shards import DatasetError, Settings, prepare_folder, render_dataset
from ide3d_training.worlds.splits import SPLITS, Interval

_NAME = "ide3d-worlds"
_PIPED_WIDTH = 140  # columns, where there is no terminal to ask

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
    _check_least(1, rooms=rooms, views=views)
    _check_picture(out, seed, width, height)
    from ide3d_training.worlds.preview import contact_sheet

    _write_picture(out, contact_sheet(seed, rooms, views, width, height))
    print(f"{out}: rooms {seed} to {seed + rooms - 1}, {views} views each")


@app.command()
def sheet(
    out: Annotated[Path, typer.Option(help="Picture to write (.png or .jpg).")],
    seed: Annotated[int, typer.Option(help="Seed of the first room.")] = 0,
    rooms: Annotated[int, typer.Option(help="Rooms, one frame each.")] = 16,
    columns: Annotated[int, typer.Option(help="Frames in a row.")] = 4,
    width: Annotated[int, typer.Option(help="Width of one frame, pixels.")] = 480,
    height: Annotated[int, typer.Option(help="Height of one frame, pixels.")] = 360,
    sensor: Annotated[str, typer.Option(help=f"Kind of camera: {', '.join(SENSORS)}.")] = "clean",
) -> None:
    """Draw many rooms side by side as a camera sees them, without labels."""
    _check_least(1, rooms=rooms, columns=columns)
    if sensor not in SENSORS:
        raise UsageError(f"--sensor must be one of {', '.join(SENSORS)}, not {sensor!r}")
    _check_picture(out, seed, width, height)
    from ide3d_training.worlds.preview import plain_sheet

    _write_picture(out, plain_sheet(seed, rooms, columns, width, height, sensor))
    print(f"{out}: rooms {seed} to {seed + rooms - 1}")


@app.command()
def splits() -> None:
    """Print which seeds belong to which split, and from where its rooms are looked at."""
    table = Table(box=None, pad_edge=False)
    for column in (
        "split",
        "seeds",
        "height, m",
        "field of view, degrees",
        "distance, m",
        "never in training",
    ):
        table.add_column(column, no_wrap=True)
    lasts = [f".. {split.first - 1:,}" for split in SPLITS[1:]] + ["and above"]
    for split, last in zip(SPLITS, lasts, strict=True):
        camera = split.camera
        unseen = {
            "wordings": split.unseen_wordings,
            "pairs of colour and category": split.unseen_pairs,
            "cameras": camera != SPLITS[0].camera,
            ", ".join(split.room_types): split.room_types != SPLITS[0].room_types,
        }
        table.add_row(
            split.name,
            f"{split.first:,} {last}",
            _ranges(camera.height),
            _ranges(camera.horizontal_fov, 180 / math.pi, 0),
            _ranges(camera.distance, digits=1),
            ", ".join(name for name, holds in unseen.items() if holds),
        )
    Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH).print(table)


def _ranges(intervals: tuple[Interval, ...], scale: float = 1.0, digits: int = 2) -> str:
    return ", ".join(f"{low * scale:.{digits}f}-{high * scale:.{digits}f}" for low, high in intervals)


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
    _check_least(1, samples=samples)
    if category is not None and category not in CATEGORIES:
        raise UsageError(f"--category must be one of {', '.join(CATEGORIES)}, not {category!r}")
    _check_picture(out, seed, width, height)
    from ide3d_training.worlds.catalogue import catalogue_sheet

    _write_picture(out, catalogue_sheet(category, seed, samples, width, height))
    print(f"{out}: {samples} of {category or f'each of {len(CATEGORIES)} kinds of object'}, seed {seed}")


@app.command()
def render(
    rooms: Annotated[int, typer.Option(help="Rooms to render.")],
    out: Annotated[Path, typer.Option(help="Folder of the data set; an interrupted one is continued.")],
    seed: Annotated[int, typer.Option(help="Seed of the first room; room i has seed + i.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes; the result does not depend on it.")] = 1,
    width: Annotated[int, typer.Option(help="Width of the frames, pixels.")] = 256,
    height: Annotated[int, typer.Option(help="Height of the frames, pixels.")] = 192,
    frames_per_room: Annotated[int, typer.Option(help="Frames of each room.")] = 1,
    motion: Annotated[str, typer.Option(help=f"How the camera moves: {', '.join(MOTIONS)}.")] = "views",
    rate_hz: Annotated[float, typer.Option(help="Frames a second while the camera moves.")] = 4.0,
    sensor: Annotated[str, typer.Option(help=f"Kind of camera: {', '.join(SENSORS)}.")] = "clean",
    report: Annotated[
        Path | None, typer.Option("--json", help="Write counts and speed to this file.")
    ] = None,
) -> None:
    """Render a data set: RGB, depth, instance ids and labels, in shards of up to 64 frames."""
    settings = Settings(rooms, seed, width, height, frames_per_room, motion, rate_hz, sensor)
    if workers < 1:
        raise UsageError(f"--workers must be at least 1, not {workers}")
    if report is not None:
        _check_folder(report)
    prepare_folder(out, settings)  # before the progress bar, so that a refusal is one line
    columns = (TextColumn("rendering"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    start = time.perf_counter()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("frames", total=settings.frames)
        drawn = render_dataset(settings, out, workers, lambda frames: progress.advance(task, frames))
    seconds = time.perf_counter() - start
    speed = drawn / seconds
    if report is not None:
        result = {
            **asdict(settings),
            "workers": workers,
            "frames_rendered": drawn,
            "frames_found": settings.frames - drawn,
            "seconds": round(seconds, 3),
            "frames_per_second": round(speed, 2),
        }
        report.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{out}: {settings.frames} frames, {drawn} of them drawn now at {speed:.1f} frames/s")


def _check_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise UsageError(f"--{name} must be at least {least}, not {value}")


def _check_picture(out: Path, seed: int, width: int, height: int) -> None:
    """Refuse before the drawing what could not be drawn, or not written as a picture."""
    _check_least(0, seed=seed)
    _check_least(16, width=width, height=height)
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UsageError(f"--out must end in .png or .jpg, not {out.name!r}")
    _check_folder(out)


def _write_picture(out: Path, image: np.ndarray) -> None:
    """Write an (H, W, 3) RGB image."""
    import cv2

    written, encoded = cv2.imencode(out.suffix, image[..., ::-1])
    if not written:
        raise UsageError(
            f"a sheet of {image.shape[1]}x{image.shape[0]} pixels does not fit into {out.suffix}"
        )
    out.write_bytes(encoded.tobytes())


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
    expected = (UsageError, DatasetError, NoOpenGLError)
    interrupted = "interrupted; finished shards are kept, the same command continues"
    try:
        sys.exit(run_command(app, _NAME, expected, interrupted))
    except OSError as error:
        fail(_NAME, f"{error.filename or 'input/output'}: {error.strerror or error}", UNUSABLE)


if __name__ == "__main__":
    main()
