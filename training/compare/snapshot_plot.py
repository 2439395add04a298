# SPDX-License-Identifier: Apache-2.0
"""Draw scores of snapshots over what their tokens know of space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.figure import Figure

from ide3d_training.compare.snapshot_scores import PROBES, SCORES

_TITLES = {"views": "agreement of two views above chance, %", "depth": "delta of the linear depth probe, %"}
_AXES = {"acc@0.25": "Acc@0.25, %", "f1@0.25": "F1@0.25, %", "em": "EM, %"}


def draw_correlations(
    points: Sequence[Mapping[str, Any]], found: Mapping[str, Any], level: str, path: Path
) -> None:
    """Draw a panel for every probe and score, a line through the snapshots of each run.

    Args:
        points: from `snapshot_scores.measure`.
        found: of these, from `snapshot_scores.correlate`.
        level: of the probes.
        path: of the picture; its ending says of which format.
    """
    figure = Figure(figsize=(3.4 * len(SCORES), 3.2 * len(PROBES)), layout="constrained")
    panels = figure.subplots(len(PROBES), len(SCORES), squeeze=False)
    runs = list(dict.fromkeys(point["run"] for point in points))
    for row, probe in zip(panels, PROBES, strict=True):
        for axes, score in zip(row, SCORES, strict=True):
            for number, run in enumerate(runs):
                own = sorted((p for p in points if p["run"] == run), key=lambda point: point["step"])
                pairs = [(p["probes"][level][probe], p["scores"][score]) for p in own]
                pairs = [pair for pair in pairs if None not in pair]
                if pairs:
                    color = colormaps["tab10"](number % 10)
                    axes.plot(
                        *zip(*pairs, strict=True), "o-", color=color, ms=4, lw=0.8, alpha=0.8, label=run
                    )
            axes.set_xlabel(_TITLES[probe], fontsize=8)
            axes.set_ylabel(_AXES[score], fontsize=8)
            if score in found[probe]:
                axes.set_title(caption(found[probe][score]), fontsize=8, loc="left")
    panels[0][0].legend(frameon=False, fontsize=7)
    figure.suptitle(f"snapshots of {len(runs)} runs, level: {level}", fontsize=10)
    figure.savefig(path, dpi=130)


def caption(figures: Mapping[str, Any]) -> str:
    """Say correlations in one line, with their intervals where there are some."""
    names = {"pearson": "r", "spearman": "rho", "pearson_given": "r given step"}
    return (
        "; ".join(f"{short} {_said(figures[name])}" for name, short in names.items()) + f"; n {figures['n']}"
    )


def _said(figure: Mapping[str, Any]) -> str:
    if figure["r"] is None:
        return "-"
    if figure["interval"] is None:
        return f"{figure['r']:.2f}"
    low, high = figure["interval"]
    return f"{figure['r']:.2f} [{low:.2f}, {high:.2f}]"
