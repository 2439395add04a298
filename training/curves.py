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
)
"""Columns of `curve.csv` that share an axis."""


def plot_curves(source: Path, target: Path, panels: tuple[tuple[str, ...], ...] = PANELS) -> None:
    """Draw `curve.csv` as a picture of up to four panels; columns that were never logged are left out."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    with open(source, newline="") as file:
        rows = list(csv.DictReader(file))
    figure, axes = pyplot.subplots(2, 2, figsize=(12, 8), constrained_layout=True)
    for axis, columns in zip(axes.flat, panels, strict=False):
        for column in columns:
            points = [(int(row["step"]), float(row[column])) for row in rows if row.get(column)]
            if points:
                axis.plot(*zip(*points, strict=True), label=column, linewidth=1)
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
        if axis.has_data():
            axis.legend(fontsize=8)
    figure.savefig(target, dpi=90)
    pyplot.close(figure)
