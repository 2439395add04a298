# SPDX-License-Identifier: Apache-2.0
"""`ide3d-evaluate`: score a bundle on simulated rooms that it was never trained on, or on a recording."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from ide3d_ros.bundle import BundleError
from ide3d_ros.engine import EngineError
from ide3d_ros.recordings import RecordingError
from ide3d_ros.scene import Scene
from ide3d_training.command_line import INTERRUPTED, fail, run_command
from ide3d_training.evaluate.posed import PosedFrame
from ide3d_training.evaluate.recording_frames import RecordedFrames
from ide3d_training.evaluate.report import perturbations_table, results_table, splits_table
from ide3d_training.evaluate.responders import ResponseError, SceneResponder
from ide3d_training.evaluate.robustness import Robustness
from ide3d_training.evaluate.runner import Evaluation
from ide3d_training.evaluate.seeds import ALL, EVALUATED, SeedError, first_seeds
from ide3d_training.evaluate.world_frames import world_frames
from ide3d_training.metrics.baselines import Prior, PriorError
from ide3d_training.worlds.gl import NoOpenGLError

DEFAULT = "nano"
ROOMS = 100
_NAME = "ide3d-evaluate"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class UsageError(ValueError):
    """Raised for an argument with a value that cannot be used."""


class Interrupted(RuntimeError):
    """Raised where Ctrl-C ended an evaluation before its last frame."""


@app.command()
def run(
    bundle: Annotated[
        str | None,
        typer.Option(help="Name of an embedded bundle, or path of a bundle folder; nano if not given."),
    ] = None,
    run_folder: Annotated[
        Path | None,
        typer.Option("--run", help="Score a training run's averaged weights instead, without an export."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help=f"Rooms of one split ({', '.join(EVALUATED)}) or of {ALL} test splits.")
    ] = None,
    rooms: Annotated[
        int | None, typer.Option(help=f"Rooms of each split, one frame each; {ROOMS} if not given.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of the first room, room i has seed + i; the split's first if not given."),
    ] = None,
    recording: Annotated[
        Path | None, typer.Option(help="Score on this labelled recording instead of on rooms.")
    ] = None,
    perturb: Annotated[
        bool,
        typer.Option("--perturb", help="Also score the same frames perturbed, and how far figures drop."),
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Draw the report into this folder.")] = None,
) -> None:
    """Score a bundle: Acc and F1 of its boxes, EM of its answers, and what one scores without looking."""
    if bundle is not None and run_folder is not None:
        raise UsageError("--bundle and --run are two things to score: leave one out")
    if recording is not None and (split, rooms, seed) != (None, None, None):
        raise UsageError("--recording is scored as a whole: leave --split, --rooms and --seed out")
    rooms = ROOMS if rooms is None else rooms
    if rooms < 1:
        raise UsageError(f"--rooms must be at least 1, not {rooms}")
    if perturb and split == ALL:
        raise UsageError(f"--perturb goes with one split, not with {ALL}: name one")
    seeds = first_seeds(split, seed, rooms)
    # Found out now, not after the last frame.
    if json_file is not None:
        _check_writable(json_file)
    if plots is not None:
        _make_folder(plots)
    recorded = None if recording is None else RecordedFrames(recording)
    prior = Prior.load()
    scene = Scene.open(bundle or DEFAULT) if run_folder is None else _open_run(run_folder)
    scored = str(run_folder or bundle or DEFAULT)
    network = scene.bundle.manifest.network
    responder = SceneResponder(scene)

    def begin() -> Evaluation:
        return Evaluation(responder, prior, Robustness() if perturb else None)

    if recorded is not None:
        size = [recorded.camera.width, recorded.camera.height]
        about = {"bundle": scored, "recording": recorded.name, "frames": len(recorded), "image_size": size}
        report = _measured(about, "frames", begin(), recorded)
    else:
        reports = {}
        for name, first in seeds.items():
            size = [network.width, network.height]
            about = {"bundle": scored, "split": name, "rooms": rooms, "seed": first, "image_size": size}
            reports[name] = _measured(about, "rooms", begin(), world_frames(rooms, first, *size))
        together = {"bundle": scored, "split": ALL, "rooms": rooms, "splits": reports}
        report = together if split == ALL else reports[next(iter(seeds))]
    if json_file is not None:
        _write(json_file, json.dumps(report, indent=2, allow_nan=False) + "\n")
    if plots is not None:
        from ide3d_training.evaluate.plots import draw  # matplotlib takes its time

        draw(report, plots)
    _print(report)


def _open_run(folder: Path) -> Scene:
    from ide3d_training.evaluate.run_scene import open_run  # torch takes its time

    try:
        return open_run(folder)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from None


def _measured(
    about: dict[str, Any], count: str, evaluation: Evaluation, frames: Iterable[PosedFrame]
) -> dict[str, Any]:
    """Measure all frames behind a progress bar; Ctrl-C shows what was measured so far and ends.

    Args:
        about: what the report begins with.
        count: the entry of it that holds the number of frames.
        evaluation: new.
        frames: as many.
    """
    total = about[count]
    name = about.get("split") or about["recording"]
    try:
        for frame in track(frames, f"evaluating {name}", total=total, console=Console(stderr=True)):
            evaluation.add(frame)
    except KeyboardInterrupt:
        if evaluation.frames:
            _print({**about, count: evaluation.frames, **evaluation.report()})
        raise Interrupted(
            f"interrupted after {evaluation.frames} of {total} frames; no report was written"
        ) from None
    return {**about, **evaluation.report()}


def _print(report: dict[str, Any]) -> None:
    console = Console()
    console.print(splits_table(report["splits"]) if "splits" in report else results_table(report))
    if "perturbations" in report:
        console.print(perturbations_table(report))


def _write(path: Path, text: str) -> None:
    """Write a file so that it is either whole or not there."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False
    ) as file:
        file.write(text)
    os.chmod(file.name, 0o666 & ~_umask())
    os.replace(file.name, path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _check_writable(path: Path) -> None:
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: the folder {path.parent} does not exist")
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise UsageError(f"cannot draw into {path}: {error.strerror}") from error


def main() -> None:
    """Run the command line; every expected failure ends in one line on stderr and exit status 2."""
    expected = (
        UsageError,
        SeedError,
        BundleError,
        EngineError,
        PriorError,
        NoOpenGLError,
        RecordingError,
        ResponseError,
    )
    try:
        run_command(app, _NAME, expected)
    except Interrupted as error:
        fail(_NAME, str(error), INTERRUPTED)


if __name__ == "__main__":
    main()
