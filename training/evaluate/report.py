# SPDX-License-Identifier: Apache-2.0
"""One table of an evaluation: the model beside what one scores without looking."""

from __future__ import annotations

from typing import Any

from rich.table import Table

# Labels are short enough for a terminal of 80 columns.
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
DIAGNOSTICS = {
    "right_pixel": "first box within 16 px",
    "right_pixel_acc@0.25": "  Acc@0.25 of those",
    "true_depth_acc@0.25": "Acc@0.25 given true depth",
    "true_pixel_acc@0.25": "Acc@0.25 given true pixel",
    "true_center_acc@0.25": "Acc@0.25 given true centre",
}
LENGTHS = {"depth_error_m": "median depth error, m", "log_depth_error": "median log-depth error"}


def results_table(report: dict[str, Any]) -> Table:
    """Lay out a report as `ide3d-evaluate` writes it.

    Args:
        report: the JSON's content.

    Returns:
        A table for a rich console; figures in percent unless the row names a unit.
    """
    prior, interval = report["prior"], report["interval"]
    expressions, questions = (sum(report[key].values()) for key in ("n_expressions", "n_questions"))
    table = Table(
        title=f"{report['bundle']}: {report['rooms']} rooms from seed {report['seed']}, "
        f"{expressions} expressions, {questions} questions; mode {report['mode']}"
    )
    table.add_column("%")
    for heading in (report["bundle"], "95 % interval", "prior", "majority"):
        table.add_column(heading, justify="right")
    for key, label in MAIN_FIGURES.items():
        ends = interval.get(key)
        spread = "" if ends is None else f"{ends[0]:.1f} .. {ends[1]:.1f}"
        table.add_row(label, _shown(report[key]), spread, _shown(prior[key]))
    for kind, value in report["em_by_kind"].items():
        usual = report["majority"][kind]
        majority = f"{usual['em']:.1f} ({usual['answer']})"
        table.add_row(f"  EM {kind}", _shown(value), "", _shown(prior["em_by_kind"].get(kind)), majority)
    for key, heading in FORM_FIGURES.items():
        table.add_section()
        table.add_row(heading)
        for name, row in report["by_form"].items():
            if key in row:
                other = prior["by_form"][name][key]  # the prior was asked the same
                table.add_row(f"  {name} ({row['n']})", _shown(row[key]), "", _shown(other))
    table.add_section()
    for key, label in DIAGNOSTICS.items():
        table.add_row(label, _shown(report["diagnostics"][key]), "", _shown(prior["diagnostics"][key]))
    for key, label in LENGTHS.items():
        table.add_row(label, _shown(report[key], 3), "", _shown(prior[key], 3))
    return table


def _shown(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
