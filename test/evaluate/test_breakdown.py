# SPDX-License-Identifier: Apache-2.0
"""Hand-made frames with known scores come out in the right rows of every breakdown."""

from __future__ import annotations

from ide3d_training.evaluate.breakdown import breakdown
from ide3d_training.evaluate.scoring import ExpressionScore, QuestionScore, Scores


def located(iou: float, kind: str = "unique", group: int = 0, **traits: str) -> ExpressionScore:
    f1 = tuple(float(iou >= k) for k in (0.25, 0.5))
    return ExpressionScore(group, kind, "category", True, iou, f1, None, None, traits)


def answered(kind: str, right: bool) -> QuestionScore:
    return QuestionScore(0, kind, "yes", "yes", right)


SCORES = Scores(
    (
        located(0.9, size="small", distance="below 1.5 m", visibility="above 0.9", type="st_wo_d"),
        located(0.3, size="small", distance="2.5 to 4 m", visibility="above 0.9", type="st_w_d", group=1),
        located(0.0, size="large", distance="2.5 to 4 m", visibility="below half", type="st_w_d"),
        located(0.6, kind="multi", type="mt"),
        located(0.0, kind="zero", type="zt_w_d"),
    ),
    (answered("count", True), answered("count", False), answered("color", True)),
)


def test_each_value_has_its_own_figures():
    rows = breakdown(SCORES)
    assert {name: (row["n"], row["acc@0.25"], row["acc@0.50"]) for name, row in rows["size"].items()} == {
        "small": (2, 100.0, 50.0),
        "large": (1, 0.0, 0.0),
    }
    assert {name: row["acc@0.25"] for name, row in rows["distance"].items()} == {
        "below 1.5 m": 100.0,
        "2.5 to 4 m": 50.0,
    }
    assert {name: row["acc@0.50"] for name, row in rows["visibility"].items()} == {
        "below half": 0.0,
        "above 0.9": 50.0,
    }


def test_kinds_are_scored_by_their_own_measure():
    rows = breakdown(SCORES)["kind"]
    assert list(rows) == ["unique", "multi", "zero"]
    assert rows["unique"]["acc@0.25"] == 66.67 and "f1@0.25" not in rows["unique"]
    assert rows["multi"]["f1@0.50"] == 100.0 and rows["zero"]["f1@0.25"] == 0.0


def test_types_are_scored_by_f1_also_for_single_targets():
    rows = breakdown(SCORES)["type"]
    assert {name: row["f1@0.25"] for name, row in rows.items()} == {
        "zt_w_d": 0.0,
        "st_wo_d": 100.0,
        "st_w_d": 50.0,
        "mt": 100.0,
    }


def test_questions_are_broken_down_by_kind():
    rows = breakdown(SCORES)["question"]
    assert {name: (row["n"], row["em"]) for name, row in rows.items()} == {
        "color": (1, 100.0),
        "count": (2, 50.0),
    }
    assert rows["color"]["interval"]["em"] == [100.0, 100.0]


def test_interval_resamples_groups():
    low, high = breakdown(SCORES)["size"]["small"]["interval"]["acc@0.50"]
    assert (low, high) == (0.0, 100.0)


def test_values_stand_in_their_order_and_empty_ones_are_left_out():
    assert list(breakdown(SCORES)["size"]) == ["small", "large"]
    assert breakdown(Scores())["distance"] == {}
