# SPDX-License-Identifier: Apache-2.0
"""Show what probes found: one table for several runs, and decoded depth beside the truth as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from ide3d_training.evaluate.probe_frames import ProbeFrame


def probe_table(report: Mapping[str, Any]) -> Table:
    """Lay out a report as `ide3d-probe` writes it; figures in percent."""
    asked = report["rooms"]
    table = Table(
        title=f"frozen tokens: fitted on {asked['fitted']} rooms, measured on {asked['measured']} "
        f"others ({asked['source']})",
        caption="AbsRel, delta: linear depth probe. Agree: mean cosine of tokens of two frames in\n"
        "one voxel of 0.1 m; chance: of random tokens of the same frames; above: what is\n"
        "left above it. Random: the same network with random weights.",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 0),
    )
    table.add_column("run, level", no_wrap=True)
    for heading in ("AbsRel", "random", "delta", "agree", "chance", "above", "random"):
        table.add_column(heading, justify="right")
    for name, floor in report["floors"].items():
        table.add_row(name, _shown(floor["abs_rel"]), "", _shown(floor["delta"]))
    for run in report["runs"]:
        table.add_section()
        table.add_row(f"{run['name']} ({run['preset']}, step {run['step']})")
        for level, figures in run["levels"].items():
            depth, views, random = figures["depth"], figures["views"], run["untrained"][level]
            cells = (
                *(depth["abs_rel"], random["depth"]["abs_rel"], depth["delta"]),
                *(
                    views["agreement"],
                    views["chance"],
                    views["above_chance"],
                    random["views"]["above_chance"],
                ),
            )
            table.add_row(f"  {level}", *map(_shown, cells))
    return table


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def draw_depth(frames: Sequence[ProbeFrame], columns: Mapping[str, Sequence[np.ndarray]], path: Path) -> None:
    """Draw frames with their true depth and what was decoded, on one scale a row.

    Args:
        frames: one row each.
        columns: by heading, one depth map (h, w) in metres for each frame; any resolution of the frame's
            field of view.
        path: of the picture.
    """
    from matplotlib.figure import Figure  # takes its time

    figure = Figure(figsize=(2.6 * (len(columns) + 2), 2.1 * len(frames) + 0.3), layout="constrained")
    grid = figure.subplots(len(frames), len(columns) + 2, squeeze=False)
    for number, (row, frame) in enumerate(zip(grid, frames, strict=True)):
        known = frame.depth[frame.depth > 0]
        near, far = np.quantile(known, (0.02, 0.98)) if known.size else (0.0, 1.0)
        truth = np.where(frame.depth > 0, frame.depth, np.nan)
        shown = None
        row[0].imshow(frame.image)
        row[0].set_ylabel(f"room {frame.room}", fontsize=8)
        for axis, maps in zip(
            row[1:], ([truth], *([column[number]] for column in columns.values())), strict=True
        ):
            height, width = frame.depth.shape
            shown = axis.imshow(
                maps[0],
                vmin=near,
                vmax=far,
                cmap="viridis",
                interpolation="nearest",
                extent=(0, width, height, 0),
            )
        figure.colorbar(shown, ax=row[-1], label="m")
        for axis in row:
            axis.set_xticks([])
            axis.set_yticks([])
    for axis, heading in zip(grid[0], ("frame", "true depth", *columns), strict=True):
        axis.set_title(heading, fontsize=9)
    figure.savefig(path, dpi=100)
