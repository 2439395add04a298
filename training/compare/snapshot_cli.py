# SPDX-License-Identifier: Apache-2.0
"""`ide3d-probe-scores`: whether probes of frozen tokens go with task scores, over the snapshots of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ide3d_training.command_line import run_command
from ide3d_training.compare.snapshot_plot import caption, draw_correlations
from ide3d_training.compare.snapshot_scores import (
    Rooms,
    check_level,
    correlate,
    find_snapshots,
    frame_size,
    measure,
)
from ide3d_training.evaluate.probe_frames import ProbeError, rendered_rooms
from ide3d_training.evaluate.probes import STATES
from ide3d_training.evaluate.responders import ResponseError
from ide3d_training.evaluate.seeds import EVALUATED, SeedError, first_seeds
from ide3d_training.worlds.gl import NoOpenGLError
from ide3d_training.worlds.splits import BY_NAME

PROBED_SPLIT, PROBED_FRAMES = "val", 2
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def run(
    runs: Annotated[
        list[Path], typer.Option("--run", help="Directory of a run trained with keep_every; may be repeated.")
    ],
    rooms: Annotated[int, typer.Option(min=1, help="Rooms that the depth probes are fitted on.")] = 50,
    held_out: Annotated[int, typer.Option(min=1, help="Rooms after them, to measure probes on.")] = 50,
    split: Annotated[str, typer.Option(help="Split that the scores are taken on.")] = "test",
    scored: Annotated[int, typer.Option(min=1, help="Rooms of that split, one frame each.")] = 100,
    level: Annotated[str, typer.Option(help="Level of the tokens that are probed.")] = STATES,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw the snapshots into this file (.png).")] = None,
) -> None:
    """Probe and score every snapshot of some runs, and correlate the two; interrupted, it goes on."""
    for file in (json_file, picture):  # found out now, not after the last snapshot
        if file is not None and (not file.parent.is_dir() or file.is_dir()):
            raise ProbeError(f"cannot write {file}: {file.parent} is no folder, or it is one itself")
    if split not in EVALUATED:
        raise SeedError(f"no split {split!r} is scored: take one of {', '.join(EVALUATED)}")
    seed = first_seeds(split, None, scored)[split]
    found = find_snapshots(runs)
    check_level(found, level)
    size, first = frame_size(found), BY_NAME[PROBED_SPLIT].first
    console = Console(stderr=True)
    with console.status(f"rendering {rooms + held_out} rooms"):
        on = Rooms(
            rendered_rooms(rooms, first, PROBED_FRAMES, size),
            rendered_rooms(held_out, first + rooms, PROBED_FRAMES, size),
            f"{rooms}-{held_out}",
            split,
            scored,
            seed,
        )
    points = [measure(one, on) for one in track(found, "probing and scoring", console=console)]
    correlated = correlate(points, level)
    report = {
        "level": level,
        "rooms": {"fitted": rooms, "measured": held_out, "split": split, "scored": scored},
        "snapshots": points,
        "correlations": correlated,
    }
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if picture is not None:
        draw_correlations(points, correlated, level, picture)
    table = Table(
        title=f"probes of level '{level}' and scores on {split}, over {len(points)} snapshots",
        caption="Intervals (95 %) take snapshots for independent, which those of one run are not. 'Given\n"
        "step': what is left once both are freed of their common growth with training.",
        caption_justify="left",
    )
    for heading in ("probe", "score", "correlation"):
        table.add_column(heading)
    for probe, scores in correlated.items():
        for score, figures in scores.items():
            table.add_row(probe, score, caption(figures))
    Console().print(table)


def main() -> None:
    """Run the command line; every expected failure ends in one line on stderr and exit status 2."""
    expected = (ProbeError, SeedError, ResponseError, NoOpenGLError, FileNotFoundError)
    run_command(app, "ide3d-probe-scores", expected, "interrupted; the same command goes on from here")


if __name__ == "__main__":
    main()
