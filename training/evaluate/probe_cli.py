# SPDX-License-Identifier: Apache-2.0
"""`ide3d-probe`: what the frozen tokens of training runs know of depth and of the places they see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from ide3d_ros.network import NetworkConfig
from ide3d_training.command_line import run_command
from ide3d_training.evaluate.probe_frames import ProbeError, ProbeFrame, rendered_rooms, stored_rooms
from ide3d_training.evaluate.probe_report import draw_depth, probe_table
from ide3d_training.evaluate.probed_run import ProbedRun
from ide3d_training.evaluate.probes import (
    STATES,
    DepthProbe,
    depth_floors,
    frozen_tokens,
    level_names,
    probe_network,
    token_places,
)
from ide3d_training.worlds.gl import NoOpenGLError
from ide3d_training.worlds.shards import DatasetError
from ide3d_training.worlds.splits import BY_NAME, split_of

SPLIT = "val"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def run(
    runs: Annotated[
        list[Path],
        typer.Option("--run", help="Directory of a training run; may be repeated to compare runs."),
    ],
    rooms: Annotated[int, typer.Option(min=1, help="Rooms that the depth probes are fitted on.")] = 100,
    held_out: Annotated[int, typer.Option(min=1, help="Rooms after them, to measure on.")] = 100,
    seed: Annotated[
        int | None,
        typer.Option(help=f"Seed of the first room to render; the first of split {SPLIT} if not given."),
    ] = None,
    frames: Annotated[int, typer.Option(min=2, help="Frames of each room to render.")] = 2,
    data: Annotated[
        Path | None, typer.Option(help="Take rooms of this data set instead (by `ide3d-worlds render`).")
    ] = None,
    level: Annotated[str, typer.Option(help="Level of the tokens in the picture.")] = STATES,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw depth decoded by the probe of each run beside the truth (.png).")
    ] = None,
    shown: Annotated[int, typer.Option(min=1, help="Held-out rooms in the picture.")] = 4,
) -> None:
    """Probe frozen tokens: a linear depth probe, and agreement of two views of one place."""
    for file in (json_file, picture):  # found out now, not after the last room
        if file is not None and (not file.parent.is_dir() or file.is_dir()):
            raise ProbeError(f"cannot write {file}: {file.parent} is no folder, or it is one itself")
    if data is not None and seed is not None:
        raise ProbeError("--data holds its own rooms: leave --seed out")
    opened = [ProbedRun.open(directory) for directory in runs]
    sizes = {(one.network.config.width, one.network.config.height) for one in opened}
    if len(sizes) > 1:
        raise ProbeError(f"the runs read frames of different sizes, {sorted(sizes)}: probe them one by one")
    levels = set.intersection(*(set(level_names(one.network.config)) for one in opened))
    if picture is not None and level not in levels:
        raise ProbeError(f"no level {level!r} in every run; levels: {', '.join(sorted(levels))}")
    found, source = _rooms(rooms + held_out, seed, frames, data, sizes.pop())
    names = list(dict.fromkeys(frame.room for frame in found))
    fitted = [frame for frame in found if frame.room in set(names[:rooms])]
    measured = [frame for frame in found if frame.room in set(names[rooms:])]

    report = {
        "rooms": {"source": source, "fitted": rooms, "measured": held_out, "frames": len(found)},
        "floors": _floors(opened[0].network.config, fitted, measured),
        "runs": [],
    }
    columns: dict[str, list[np.ndarray]] = {}
    pictured = [next(frame for frame in measured if frame.room == room) for room in names[rooms:][:shown]]
    named = len({one.name for one in opened}) == len(opened)
    for one, directory in zip(track(opened, "probing", console=Console(stderr=True)), runs, strict=True):
        heading = one.name if named else str(directory)
        figures, probes = probe_network(one.network, fitted, measured)
        report["runs"].append(
            {
                "name": heading,
                "preset": one.preset,
                "step": one.step,
                "levels": figures,
                "untrained": probe_network(one.untrained(), fitted, measured)[0],
            }
        )
        if picture is not None:
            columns[f"{heading}: probe"] = _decoded(one, probes[level], level, pictured)
            if (validated := one.validated_depth(pictured)) is not None:
                columns[f"{heading}: validator"] = validated
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if picture is not None:
        draw_depth(pictured, columns, picture)
    Console().print(probe_table(report))


def _rooms(
    count: int, seed: int | None, frames: int, data: Path | None, size: tuple[int, int]
) -> tuple[list[ProbeFrame], str]:
    """Return frames of some rooms, and where they come from in a few words."""
    if data is not None:
        found = stored_rooms(data, count)
        return found, f"first rooms of {data.name}, split {split_of(found[0].room).name}"
    first = BY_NAME[SPLIT].first if seed is None else seed
    if first < 0 or split_of(first) != split_of(first + count - 1):
        raise ProbeError(
            f"rooms {first} to {first + count - 1} do not lie in one split: take other seeds or fewer"
        )
    with Console(stderr=True).status(f"rendering {count} rooms"):
        found = rendered_rooms(count, first, frames, size)
    return found, f"split {split_of(first).name}, from seed {first}"


def _floors(config: NetworkConfig, fitted: list[ProbeFrame], measured: list[ProbeFrame]) -> dict:
    return depth_floors(token_places(fitted, config), token_places(measured, config))


def _decoded(run: ProbedRun, probe: DepthProbe, level: str, frames: list[ProbeFrame]) -> list[np.ndarray]:
    """Return the metric depth (rows, columns) that a run's tokens state in some frames."""
    config = run.network.config
    stated = np.exp(probe.read(frozen_tokens(run.network, frames)[level]))
    focal = np.array([frame.intrinsics[1, 1] for frame in frames])[:, None]
    return list((stated * focal / config.focal_virtual).reshape(-1, config.rows, config.columns))


def main() -> None:
    """Run the command line; every expected failure ends in one line on stderr and exit status 2."""
    expected = (ProbeError, DatasetError, NoOpenGLError, FileNotFoundError)
    run_command(app, "ide3d-probe", expected, "interrupted; nothing was written")


if __name__ == "__main__":
    main()
