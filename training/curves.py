# SPDX-License-Identifier: Apache-2.0
"""Draw the curves of a training run."""

from __future__ import annotations

import csv
from pathlib import Path

PANELS = (
    ("loss", "pointer", "answer", "category"),
    ("depth", "val_depth_error"),
    ("offset", "extents", "yaw", "gravity"),
    ("val_pointed", "val_found", "val_rejected", "val_answer"),
    ("depth_map", "depth_map_confidence", "depth_map_gradient", "coarse_depth", "val_depth_map"),
    ("cross_view", "cross_view_consistency", "cross_view_warp"),
    ("alignment",),
    ("query_center", "query_depth", "query_extents", "query_rotation", "query_joint", "query_scale"),
)
"""Columns of `curve.csv` that share an axis."""


def plot_curves(source: Path, target: Path, panels: tuple[tuple[str, ...], ...] = PANELS) -> None:
    """Draw `curve.csv` as a picture; columns that were never logged, or are always 0, are left out."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    with open(source, newline="") as file:
        rows = list(csv.DictReader(file))
    curves = []
    for columns in panels:
        found = {
            column: [(int(row["step"]), float(row[column])) for row in rows if row.get(column)]
            for column in columns
        }
        if shown := {column: points for column, points in found.items() if any(y for _, y in points)}:
            curves.append(shown)
    across = 2 if len(curves) <= 4 else 3
    down = max(1, -(-len(curves) // across))
    figure, axes = pyplot.subplots(
        down, across, figsize=(6 * across, 4 * down), constrained_layout=True, squeeze=False
    )
    for axis in axes.flat[len(curves) :]:
        axis.remove()
    for axis, shown in zip(axes.flat, curves, strict=False):
        for column, points in shown.items():
            dots = "." if len(points) < 10 else None  # one point alone draws no line
            axis.plot(*zip(*points, strict=True), label=column, linewidth=1, marker=dots)
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.savefig(target, dpi=90)
    pyplot.close(figure)
