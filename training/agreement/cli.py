# SPDX-License-Identifier: Apache-2.0
"""`ide3d-agreement`: measure what a conversion costs, on frames and questions of rooms or of a recording."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from ide3d_ros.bundle import Bundle, BundleError, open_bundle
from ide3d_ros.engine import EngineError, select_engine
from ide3d_ros.recordings import RecordingError
from ide3d_ros.scene import Scene
from ide3d_training.command_line import run_command
from ide3d_training.evaluate.posed import PosedFrame
from ide3d_training.evaluate.recording_frames import RecordedFrames
from ide3d_training.evaluate.responders import ResponseError, SceneResponder
from ide3d_training.evaluate.seeds import SeedError, first_seeds
from ide3d_training.evaluate.world_frames import QUESTIONS_PER_FRAME, world_frames
from ide3d_training.export.conversion import rewrite_bundle
from ide3d_training.export.graph_files import read_graphs
from ide3d_training.export.rounding import round_everywhere
from ide3d_training.worlds.gl import NoOpenGLError

from .comparison import FrameAgreement, compare
from .report import agreement_figures, agreement_table, worst_table

QUESTIONS = 1000
ROOMS = -(-QUESTIONS // QUESTIONS_PER_FRAME)
_BELOW_BAR = 1
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class UsageError(ValueError):
    """Raised for an argument that cannot be used."""


@app.command()
def run(
    bundle: Annotated[str, typer.Option(help="The bundle to judge: a name, or the path of a folder.")],
    reference: Annotated[str, typer.Option(help="The bundle that it should agree with.")] = "nano",
    rooms: Annotated[int, typer.Option(help="Simulated rooms, one frame each.", min=1)] = ROOMS,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the first room; the test split's first if not given.")
    ] = None,
    recording: Annotated[
        Path | None, typer.Option(help="A labelled recording whose frames are taken instead of rooms.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Engine of both bundles.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(help="CPU threads of each engine; all cores if not given.", min=1)
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
) -> int:
    """Ask two bundles the same and count how often they agree; the status is 1 below 99 %.

    On a CPU a float16 bundle is run with every rounding that a GPU would make, which the CPU's kernels skip.
    """
    if json_file is not None and not json_file.parent.is_dir():
        raise UsageError(f"cannot write {json_file}: the folder {json_file.parent} does not exist")
    bundles = open_bundle(reference), open_bundle(bundle)
    if recording is not None:
        frames: Iterable[PosedFrame] = RecordedFrames(recording)
        about: dict[str, Any] = {"recording": frames.name, "frames": len(frames)}
    else:
        first = next(iter(first_seeds(None, seed, rooms).values()))
        network = bundles[0].manifest.network
        frames = world_frames(rooms, first, network.width, network.height)
        about = {"rooms": rooms, "seed": first, "frames": rooms}
    with _as_on_a_gpu(bundles[1], engine) as (judged, arithmetic):
        scenes = [
            Scene(one, select_engine(one, engine, threads=threads).engine) for one in (bundles[0], judged)
        ]
        responders = [SceneResponder(scene) for scene in scenes]
        total = FrameAgreement()
        shown = track(frames, "comparing", total=about["frames"], console=Console(stderr=True))
        for frame in shown:
            total += compare(frame, *(responder.respond(frame) for responder in responders))
    report = {
        "reference": _about(bundles[0]),
        "bundle": {**_about(bundles[1]), "arithmetic": arithmetic},
        "engine": str(scenes[1].engine),
        **about,
        **agreement_figures(total),
    }
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    console = Console()
    console.print(f"{_spell(report['bundle'])}, {arithmetic}, against {_spell(report['reference'])}")
    console.print(f"{about['frames']} frames, {report['engine']}")
    console.print(agreement_table(report), worst_table(report))
    return 0 if report["holds"] else _BELOW_BAR


@contextmanager
def _as_on_a_gpu(bundle: Bundle, engine: str) -> Iterator[tuple[Bundle, str]]:
    """Give a float16 bundle the roundings that a CPU leaves out; yield it and how it computes."""
    on_cpu = select_engine(bundle, engine).engine.describe().device == "cpu"
    if bundle.manifest.precision != "float16" or not on_cpu:
        yield bundle, "as the engine computes"
        return
    with tempfile.TemporaryDirectory(prefix="ide3d_agreement_") as folder:
        rounded = rewrite_bundle(bundle, Path(folder), round_everywhere(read_graphs(bundle)), "float16")
        yield rounded, "rounded after every float16 node"


def _about(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    size = sum(file.bytes for file in manifest.files()) / 1e6
    return {"name": bundle.name, "precision": manifest.precision, "megabytes": round(size, 1)}


def _spell(about: dict[str, Any]) -> str:
    return f"bundle '{about['name']}' ({about['precision']}, {about['megabytes']} MB)"


def main() -> None:
    """Run the command line; every expected failure ends in one line on stderr and exit status 2."""
    expected = (UsageError, SeedError, BundleError, EngineError, NoOpenGLError, RecordingError, ResponseError)
    sys.exit(run_command(app, "ide3d-agreement", expected, "interrupted; no report was written"))


if __name__ == "__main__":
    main()
