# SPDX-License-Identifier: Apache-2.0
"""Training curves of all arms of a study in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

Curve = Sequence[Mapping[str, str]]
PANELS = {
    "pointer": "pointing (loss)",
    "depth": "depth of boxes (loss)",
    "category": "category of tokens (loss)",
    "answer": "answers (loss)",
}
_SMOOTHED = 9
"""Logged rows that are averaged, so that arms can be told apart."""


def draw_curves(curves: Mapping[str, Sequence[Curve]], path: Path) -> None:
    """Draw the terms that all arms share: each seed thin, the mean of the seeds thick.

    Args:
        curves: by arm, the rows of `curve.csv` of each seed.
        path: of the PNG file.
    """
    figure = Figure(figsize=(12, 7.5), layout="constrained")
    for axis, (column, title) in zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True):
        for number, (name, seeds) in enumerate(curves.items()):
            lines = [_line(curve, column) for curve in seeds]
            for steps, values in lines:
                axis.plot(steps, values, color=f"C{number}", linewidth=0.6, alpha=0.5)
            length = min(len(values) for _, values in lines)
            mean = np.mean([values[:length] for _, values in lines], axis=0)
            axis.plot(lines[0][0][:length], mean, color=f"C{number}", linewidth=1.8, label=name)
        axis.set(title=title, xlabel="step")
        axis.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=90)


def _line(curve: Curve, column: str) -> tuple[np.ndarray, np.ndarray]:
    rows = [row for row in curve if row.get(column)]
    steps = np.array([int(row["step"]) for row in rows])
    values = np.array([float(row[column]) for row in rows])
    width = min(_SMOOTHED, max(len(values), 1))
    if not len(values):
        return steps, values
    kernel = np.ones(width)
    # At both ends fewer rows are averaged, instead of zeros with them.
    counts = np.convolve(np.ones(len(values)), kernel, "same")
    return steps, np.convolve(values, kernel, "same") / counts
