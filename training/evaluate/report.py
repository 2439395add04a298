# SPDX-License-Identifier: Apache-2.0
"""Tables of an evaluation, 80 columns wide: a report, splits side by side, the perturbation suite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from .traits import ORDER

MAIN_FIGURES = {
    "acc@0.25": "Acc@0.25, unique target",
    "acc@0.50": "Acc@0.50, unique target",
    "f1@0.25": "F1@0.25, multi and zero",
    "f1@0.50": "F1@0.50, multi and zero",
    "zero_rejection": "zero targets rejected",
    "positive_detection": "other targets detected",
    "em": "EM, all questions",
}
FORM_FIGURES = {"acc@0.25": "Acc@0.25 by form (number)", "f1@0.25": "F1@0.25 by form (number)"}
DIMENSIONS = {
    "uniqueness": ("acc@0.25", "Acc@0.25 by uniqueness"),
    "distractors": ("acc@0.25", "Acc@0.25 by distractors"),
    "size": ("acc@0.25", "Acc@0.25 by size"),
    "distance": ("acc@0.25", "Acc@0.25 by distance"),
    "visibility": ("acc@0.25", "Acc@0.25 by visible share"),
    "type": ("f1@0.25", "F1@0.25 by type"),
}
DETECTION = {
    "ap3d@0.15": "AP3D@0.15 over categories",
    "ap3d@0.25": "AP3D@0.25 over categories",
    "ap3d@0.50": "AP3D@0.50 over categories",
    "ap3d_any@0.25": "AP3D@0.25, nameless",
}
CAPTIONS = {"cider": "CIDEr@0.5", "bleu4": "BLEU-4@0.5", "meteor": "METEOR@0.5", "rouge_l": "ROUGE-L@0.5"}
DIAGNOSTICS = {
    "right_pixel": "first box within 16 px",
    "right_pixel_acc@0.25": "  Acc@0.25 of those",
    "true_depth_acc@0.25": "Acc@0.25 given true depth",
    "true_pixel_acc@0.25": "Acc@0.25 given true pixel",
    "true_center_acc@0.25": "Acc@0.25 given true centre",
}
LENGTHS = {"depth_error_m": "median depth error, m", "log_depth_error": "median log-depth error"}
DROPS = {"acc@0.25": "Acc@0.25 (drop)", "f1@0.25": "F1@0.25 (drop)", "em": "EM (drop)"}


def source(report: Mapping[str, Any]) -> str:
    """Say in a few words what a report is about."""
    if "recording" in report:
        return f"recording {report['recording']}, {report['frames']} frames"
    return f"split {report['split']}, {report['rooms']} rooms from seed {report['seed']}"


def results_table(report: Mapping[str, Any]) -> Table:
    """Lay out one report as `ide3d-evaluate` writes it.

    Args:
        report: the JSON's content.

    Returns:
        A table for a rich console; figures in percent unless the row names a unit.
    """
    prior = report["prior"]
    expressions, questions = (sum(report[key].values()) for key in ("n_expressions", "n_questions"))
    table = Table(
        title=f"{report['bundle']}: {source(report)}, {expressions} expressions, {questions} questions; "
        f"mode {report['mode']}",
        caption_justify="left",
    )
    table.add_column("%")
    for heading in (report["bundle"], "95 % interval", "prior", "majority"):
        table.add_column(heading, justify="right")
    for key, label in MAIN_FIGURES.items():
        table.add_row(label, _shown(report[key]), _spread(report["interval"], key), _shown(prior[key]))
    for kind, value in report["em_by_kind"].items():
        spread = _spread(report["breakdown"]["question"][kind]["interval"], "em")
        majority = _shown(report["majority"][kind]["em"])
        table.add_row(f"  EM {kind}", _shown(value), spread, _shown(prior["em_by_kind"].get(kind)), majority)
    if report["n_refused"]:
        table.add_row("texts too long to be read", str(report["n_refused"]))
    for key, heading in FORM_FIGURES.items():
        rows = {name: row for name, row in report["by_form"].items() if key in row}
        _add_rows(table, heading, rows, prior["by_form"], key)
    for dimension, (key, heading) in DIMENSIONS.items():
        _add_rows(table, heading, report["breakdown"][dimension], prior["breakdown"][dimension], key)
    _add_numbers(table, report["numbers"])
    _add_detection(table, report["detection"], report["captions"])
    _add_confidence(table, report["confidence"])
    table.add_section()
    for key, label in DIAGNOSTICS.items():
        table.add_row(label, _shown(report["diagnostics"][key]), "", _shown(prior["diagnostics"][key]))
    for key, label in LENGTHS.items():
        table.add_row(label, _shown(report[key], 3), "", _shown(prior[key], 3))
    return table


def splits_table(reports: Mapping[str, Mapping[str, Any]]) -> Table:
    """Lay the reports of several splits out side by side.

    Args:
        reports: by split.

    Returns:
        A table for a rich console with a column for each split; figures in percent.
    """
    first = next(iter(reports.values()))
    table = Table(
        title=f"{first['bundle']}: {first['rooms']} rooms of each split; mode {first['mode']}",
        caption="Columns but the first are the splits test-NAME.",
    )
    table.add_column("%")
    for name in reports:
        table.add_column(name.removeprefix("test-"), justify="right")

    def add(label: str, figure) -> None:
        table.add_row(label, *(_shown(figure(report)) for report in reports.values()))

    for key, label in MAIN_FIGURES.items():
        add(label, lambda report, key=key: report[key])
    for key in ("acc@0.25", "f1@0.25", "em"):
        add(f"  the prior's {MAIN_FIGURES[key].split(',')[0]}", lambda report, key=key: report["prior"][key])
    table.add_section()
    for kind in sorted({kind for report in reports.values() for kind in report["em_by_kind"]}):
        add(f"EM {kind}", lambda report, kind=kind: report["em_by_kind"].get(kind))
    for dimension in ("uniqueness", "size", "distance", "visibility"):
        rows = {name: report["breakdown"][dimension] for name, report in reports.items()}
        table.add_section()
        table.add_row(DIMENSIONS[dimension][1])
        for value in ORDER[dimension]:
            if any(value in values for values in rows.values()):
                cells = (_shown(values.get(value, {}).get("acc@0.25")) for values in rows.values())
                table.add_row(f"  {value}", *cells)
    table.add_section()
    add("AP3D@0.25", lambda report: report["detection"]["ap3d@0.25"])
    if any(report["numbers"]["n"] for report in reports.values()):
        add("MRA of lengths", lambda report: report["numbers"]["mra"])
    return table


def perturbations_table(report: Mapping[str, Any]) -> Table:
    """Lay the perturbation suite out: each figure on the queries that still hold, and its drop on those.

    Args:
        report: one with `perturbations`.

    Returns:
        A table for a rich console; figures in percent, drops in percentage points.
    """
    rows = report["perturbations"]
    reasons: dict[str, list[str]] = {}
    for name, row in rows.items():
        if "reason" in row:
            reasons.setdefault(row["reason"], []).append(name)
    table = Table(
        title=f"{report['bundle']}, perturbed: {source(report)}",
        caption="\n".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items()) or None,
        caption_justify="left",
    )
    table.add_column("perturbation")
    table.add_column("n", justify="right")
    for heading in DROPS.values():
        table.add_column(heading, justify="right")
    for name, row in rows.items():
        if "reason" not in row:
            cells = (f"{_shown(row[key]['after'])} ({_shown(row[key]['drop'])})" for key in DROPS)
            table.add_row(name, str(row["n"]), *cells)
    return table


def _add_rows(
    table: Table, heading: str, rows: Mapping[str, Any], others: Mapping[str, Any], key: str
) -> None:
    if not rows:
        return
    table.add_section()
    table.add_row(heading)
    for name, row in rows.items():
        other = others[name][key]  # the prior was asked the same
        label = f"  {name} ({row['n']})"
        table.add_row(label, _shown(row[key]), _spread(row["interval"], key), _shown(other))


def _add_numbers(table: Table, numbers: Mapping[str, Any]) -> None:
    if not numbers["n"]:
        return
    table.add_section()
    table.add_row(
        f"MRA of lengths ({numbers['n']})", _shown(numbers["mra"]), _spread(numbers["interval"], "mra")
    )
    for kind, row in numbers["by_kind"].items():
        table.add_row(f"  {kind} ({row['n']})", _shown(row["mra"]), _spread(row["interval"], "mra"))
    table.add_row("  a length was said", _shown(numbers["answered"]))
    table.add_row("  median relative error", _shown(numbers["median_relative_error"], 3))


def _add_detection(table: Table, detection: Mapping[str, Any], captions: Mapping[str, Any]) -> None:
    table.add_section()
    table.add_row(f"detection ({detection['objects']} objects)")
    for key, label in DETECTION.items():
        table.add_row(f"  {label}", _shown(detection[key]), _spread(detection["interval"], key))
    if "reason" in captions:
        table.add_row("captions", "-")
        table.caption = f"Captions {captions['reason']}."
        return
    table.add_row(f"captions ({captions['objects']} objects)")
    for key, label in CAPTIONS.items():
        value = captions[key]
        if isinstance(value, str):
            table.caption = f"{value}."
        table.add_row(f"  {label}", "-" if isinstance(value, str) else _shown(value))


def _add_confidence(table: Table, confidence: Mapping[str, Any]) -> None:
    shown = {name: row for name, row in confidence.items() if row is not None}
    if not shown:
        return
    table.add_section()
    for name, row in shown.items():
        table.add_row(f"calibration error, {name}", _shown(row["ece"]))
        table.add_row(f"risk over coverage, {name}", _shown(row["aurc"]))


def _shown(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _spread(intervals: Mapping[str, Any], key: str) -> str:
    ends = intervals.get(key)
    return "" if ends is None else f"{ends[0]:.1f} .. {ends[1]:.1f}"
