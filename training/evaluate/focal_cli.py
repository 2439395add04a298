# SPDX-License-Identifier: Apache-2.0
"""`ide3d-focal-study`: compare bundles with and without a virtual camera through other lenses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ide3d_ros.bundle import BundleError, open_bundle
from ide3d_ros.engine import EngineError
from ide3d_ros.scene import Scene
from ide3d_training.command_line import run_command
from ide3d_training.evaluate.focal_study import FACTORS, FocalStudy
from ide3d_training.evaluate.responders import ResponseError, SceneResponder
from ide3d_training.evaluate.seeds import SeedError, first_seeds
from ide3d_training.evaluate.world_frames import world_frames
from ide3d_training.worlds.gl import NoOpenGLError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class UsageError(ValueError):
    """Raised for arguments that cannot be used together."""


@app.command()
def run(
    bundle: Annotated[
        list[str], typer.Option(help="Embedded bundle or bundle folder; give one for each network.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for focal_study.json and focal_study.png.")],
    rooms: Annotated[int, typer.Option(min=1, help="Rooms of the test split, one frame each.")] = 100,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the first room; the split's first if not given.")
    ] = None,
) -> None:
    """Draw the same rooms through lenses of x0.5 to x2 and compare stated with true depth."""
    (first,) = first_seeds(None, seed, rooms).values()
    manifests = [open_bundle(one).manifest for one in bundle]
    pairs = zip(bundle, manifests, strict=True)
    names = [f"{Path(one).name}, {_camera(manifest.focal_virtual)}" for one, manifest in pairs]
    if len(set(names)) < len(names):
        raise UsageError(f"two bundles are called {max(names, key=names.count)!r}: rename a folder")
    sizes = {(m.network.width, m.network.height) for m in manifests}
    if len(sizes) > 1:
        raise UsageError(f"the bundles' images have different sizes, {sorted(sizes)}: compare equal ones")
    output.mkdir(parents=True, exist_ok=True)
    scenes = [SceneResponder(Scene.open(one)) for one in bundle]
    study = FocalStudy(dict(zip(names, scenes, strict=True)))
    frames = world_frames(rooms, first, *sizes.pop())
    for frame in track(frames, "looking through lenses", total=rooms, console=Console(stderr=True)):
        study.add(frame)
    report = {"rooms": rooms, "seed": first, "networks": study.report()}
    (output / "focal_study.json").write_text(json.dumps(report, indent=2, allow_nan=False) + "\n")
    draw(report, output / "focal_study.png")
    Console().print(focal_table(report))


def _camera(focal_virtual: float | None) -> str:
    return "metric depth" if focal_virtual is None else f"virtual camera of {focal_virtual:g} px"


def focal_table(report: dict[str, Any]) -> Table:
    """Lay a study out: each network's accuracy and depth ratio through each lens."""
    table = Table(
        title=f"stated over true depth and Acc@0.25, {report['rooms']} rooms from seed {report['seed']}",
        caption="slope of log ratio over log factor: 0 = depth follows the lens, -1 = not at all",
        caption_justify="left",
    )
    table.add_column("focal length")
    for name in report["networks"]:
        table.add_column(name, justify="right")
    for factor in FACTORS:
        lenses = [one["lenses"].get(f"{factor:g}") for one in report["networks"].values()]
        table.add_row(f"x{factor:g}", *(_cell(lens) for lens in lenses))
    slopes = [one["slope"] for one in report["networks"].values()]
    table.add_row("slope", *("-" if slope is None else f"{slope:+.2f}" for slope in slopes))
    return table


def _cell(lens: dict[str, Any] | None) -> str:
    if lens is None:
        return "-"
    ratio = "-" if lens["depth_ratio"] is None else f"{lens['depth_ratio']:.2f}"
    return f"{ratio} of {lens['placed']}; {lens['acc']:.1f} % of {lens['n']}"


def draw(report: dict[str, Any], path: Path) -> None:
    """Draw depth ratio and accuracy over the focal factor, quartiles and 95 % intervals as bars."""
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(FACTORS, [1.0] * len(FACTORS), color="#9a9a9a", linewidth=1, label="depth follows the lens")
    left.plot(
        FACTORS, [1 / f for f in FACTORS], ":", color="#9a9a9a", linewidth=1, label="apparent size alone"
    )
    for number, (name, one) in enumerate(report["networks"].items()):
        color = f"C{number}"
        lenses = {float(factor): lens for factor, lens in one["lenses"].items()}
        placed = {factor: lens for factor, lens in lenses.items() if lens["placed"]}
        left.plot(
            list(placed), [lens["depth_ratio"] for lens in placed.values()], "o-", color=color, label=name
        )
        right.plot(list(lenses), [lens["acc"] for lens in lenses.values()], "o-", color=color, label=name)
        for factor, lens in placed.items():
            left.plot([factor, factor], lens["quartiles"], color=color, linewidth=1)
        for factor, lens in lenses.items():
            right.plot([factor, factor], lens["interval"], color=color, linewidth=1)
    left.set(title="depth of boxes seen in the right place", ylabel="stated / true depth", yscale="log")
    right.set(title="unique targets", ylabel="Acc@0.25, %", ylim=(-2, 102))
    for axis in (left, right):
        axis.set(xlabel="focal length, times the rooms' own", xscale="log")
        axis.set_xticks(FACTORS, [f"x{factor:g}" for factor in FACTORS])
        axis.minorticks_off()
        axis.legend(fontsize=8, frameon=False)
    ticks = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
    left.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run the command line; every expected failure ends in one line on stderr and exit status 2."""
    expected = (UsageError, SeedError, BundleError, EngineError, NoOpenGLError, ResponseError, OSError)
    run_command(app, "ide3d-focal-study", expected)


if __name__ == "__main__":
    main()
