# SPDX-License-Identifier: Apache-2.0
"""Draw a report: accuracy along every dimension, calibration, perturbations, and splits side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .report import source

_MODEL, _PRIOR, _INK = "#1f5fa8", "#9a9a9a", "#333333"
_STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
}
_PANELS = {
    "A": ("distance", "acc@0.25", "distance of the target"),
    "B": ("size", "acc@0.25", "longest side of the target"),
    "C": ("visibility", "acc@0.25", "visible share of the target"),
    "D": ("distractors", "acc@0.25", "others of its category in view"),
    "E": ("kind", None, "kind of expression"),
    "F": ("question", "em", "kind of question"),
}
_PLACES = "AAAABBBBCCCC;DDDEEEFFFFFF"
"""There are many kinds of question, so their panel is the widest."""
_ROOM_FOR_LABELS = 5
_MEASURES = {"acc@0.25": "Acc@0.25, %", "f1@0.25": "F1@0.25, %", "em": "EM, %"}
_DROPS = (("acc@0.25", "Acc@0.25"), ("f1@0.25", "F1@0.25"), ("em", "EM"))


def draw(report: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw a report as PNG files.

    Args:
        report: the JSON's content; of several splits each gets a folder of its own.
        folder: exists.

    Returns:
        What was written: `breakdown.png`, `confidence.png`, with perturbations `perturbations.png`, of
        several splits `splits.png`.
    """
    with rc_context(_STYLE):
        if "splits" in report:
            written = [_draw_splits(report["splits"], folder / "splits.png")]
            for name, one in report["splits"].items():
                (folder / name).mkdir(exist_ok=True)
                written += draw(one, folder / name)
            return written
        written = [_draw_breakdown(report, folder / "breakdown.png")]
        if any(report["confidence"].values()):
            written.append(_draw_confidence(report, folder / "confidence.png"))
        if any("reason" not in row for row in report.get("perturbations", {}).values()):
            written.append(_draw_perturbations(report, folder / "perturbations.png"))
        return written


def _draw_breakdown(report: Mapping[str, Any], path: Path) -> Path:
    figure = Figure(figsize=(12, 6.5), layout="constrained")
    axes = figure.subplot_mosaic(_PLACES)
    for panel, (dimension, measure, title) in _PANELS.items():
        axis = axes[panel]
        rows = report["breakdown"][dimension]
        labels = []
        for place, (name, row) in enumerate(rows.items()):
            key = measure or next(key for key in ("acc@0.25", "f1@0.25") if key in row)
            labels.append(f"{name}\nn = {row['n']}" + (f"\n{_MEASURES[key][:-3]}" if measure is None else ""))
            _mark(axis, place, row[key], row["interval"][key], _MODEL, "o", report["bundle"])
            other = report["prior"]["breakdown"][dimension][name]
            _mark(axis, place + 0.2, other[key], None, _PRIOR, "D", "prior")
        axis.set_title(title)
        if len(labels) > _ROOM_FOR_LABELS:
            slanted = [label.replace("\nn = ", ", ") for label in labels]
            style = {"rotation": 50, "ha": "right", "rotation_mode": "anchor"}
            axis.set_xticks(range(len(labels)), slanted, **style)
        else:
            axis.set_xticks(range(len(labels)), labels)
        axis.set_xlim(-0.5, max(len(labels), 1) - 0.3)
        axis.set_ylim(-3, 103)
        axis.set_ylabel(_MEASURES.get(measure, "%"))
    _legend(axes["A"])
    figure.suptitle(f"{report['bundle']}: {source(report)}; lines are 95 % intervals", color=_INK)
    return _saved(figure, path)


def _draw_confidence(report: Mapping[str, Any], path: Path) -> Path:
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([0, 100], [0, 100], color=_PRIOR, linewidth=1, linestyle=":")
    for (name, row), style in zip(report["confidence"].items(), ("-o", "--s"), strict=True):
        if row is None:
            continue
        sure = [100 * one["confidence"] for one in row["bins"]]
        true = [100 * one["right"] for one in row["bins"]]
        label = f"{name}: calibration error {row['ece']:.1f}, n = {row['n']}"
        left.plot(sure, true, style, color=_MODEL, markersize=4, linewidth=1, label=label)
        curve = row["risk_coverage"]
        cover, risk = ([100 * value for value in curve[key]] for key in ("coverage", "risk"))
        right.plot(
            cover, risk, style[:-1], color=_MODEL, linewidth=1.3, label=f"{name}: area {row['aurc']:.1f}"
        )
    left.set(title="reliability", xlabel="score, %", ylabel="right, %", xlim=(0, 101), ylim=(-2, 102))
    right.set(
        title="risk over coverage",
        xlabel="share answered, surest first, %",
        ylabel="wrong among them, %",
        xlim=(0, 101),
        ylim=(-2, 102),
    )
    for axis in (left, right):
        _legend(axis)
    figure.suptitle(
        f"{report['bundle']}: {source(report)}; boxes are right from IoU 0.25, answers if EM", color=_INK
    )
    return _saved(figure, path)


def _draw_perturbations(report: Mapping[str, Any], path: Path) -> Path:
    rows = {name: row for name, row in report["perturbations"].items() if "reason" not in row}
    height = 1.4 + 0.36 * len(rows)
    figure = Figure(figsize=(11, height), layout="constrained")
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    for axis, (key, title) in zip(axes, _DROPS, strict=True):
        axis.axvline(0, color=_PRIOR, linewidth=1)
        for place, row in enumerate(rows.values()):
            one = row[key]
            if one["drop"] is None:
                continue
            axis.plot(one["interval"], [place, place], color=_MODEL, linewidth=1.5)
            axis.plot(one["drop"], place, "o", color=_MODEL, markersize=5)
        axis.set(title=title, xlabel="drop, percentage points")
    axes[0].set_yticks(range(len(rows)), [f"{name} (n = {row['n']})" for name, row in rows.items()])
    axes[0].invert_yaxis()
    figure.suptitle(
        f"{report['bundle']}: {source(report)}; drop on the queries that still hold, 95 % intervals",
        color=_INK,
    )
    return _saved(figure, path)


def _draw_splits(reports: Mapping[str, Mapping[str, Any]], path: Path) -> Path:
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    for axis, (key, _) in zip(axes, _DROPS, strict=True):
        for place, report in enumerate(reports.values()):
            _mark(axis, place, report[key], report["interval"][key], _MODEL, "o", report["bundle"])
            _mark(axis, place + 0.2, report["prior"][key], None, _PRIOR, "D", "prior")
        axis.set_xticks(range(len(reports)), [name.removeprefix("test-") for name in reports])
        axis.set(title=_MEASURES[key], ylim=(-3, 103))
    _legend(axes[0])
    first = next(iter(reports.values()))
    figure.suptitle(f"{first['bundle']}: {first['rooms']} rooms of each split, 95 % intervals", color=_INK)
    return _saved(figure, path)


def _mark(
    axis: Axes,
    place: float,
    value: float | None,
    ends: Sequence[float] | None,
    color: str,
    marker: str,
    label: str,
) -> None:
    """Mark a figure with its interval; labels that are there already are not given again."""
    if value is None:
        return
    if ends is not None:
        axis.plot([place, place], ends, color=color, linewidth=1.5)
    known = axis.get_legend_handles_labels()[1]
    size = 6 if marker == "o" else 4
    axis.plot(
        place,
        value,
        marker,
        color=color,
        markersize=size,
        linestyle="none",
        label="_" + label if label in known else label,
    )


def _legend(axis: Axes) -> None:
    if axis.get_legend_handles_labels()[1]:
        axis.legend(fontsize=8, loc="best")


def _saved(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=110)
    return path
