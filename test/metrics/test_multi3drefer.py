# SPDX-License-Identifier: Apache-2.0
"""Expressions fall into Multi3DRefer's five types, and F1 is averaged over each."""

from __future__ import annotations

import pytest

from ide3d_training.metrics.grouping import GroupMean
from ide3d_training.metrics.inputs import MetricInputError
from ide3d_training.metrics.localisation import f1_score, matched_ious
from ide3d_training.metrics.multi3drefer import distractors, eval_type, f1_by_type

SCENE = {1: "chair", 2: "chair", 3: "table", 4: "chair"}


@pytest.mark.parametrize(
    ("targets", "others", "name"),
    [
        (0, 0, "zt_wo_d"),
        (0, 3, "zt_w_d"),
        (1, 0, "st_wo_d"),
        (1, 1, "st_w_d"),
        (2, 0, "mt"),
        (5, 4, "mt"),
    ],
)
def test_type_follows_from_targets_and_distractors(targets, others, name):
    assert eval_type(targets, others) == name


def test_distractors_are_the_others_of_the_class_named():
    assert distractors("chair", {1}, SCENE) == {2, 4}
    assert distractors("table", {3}, SCENE) == set()
    assert distractors("chair", set(), SCENE) == {1, 2, 4}
    assert distractors("sofa", set(), SCENE) == set()


def test_target_outside_the_scene_is_an_error():
    with pytest.raises(MetricInputError, match="9"):
        distractors("chair", {9}, SCENE)


def test_negative_numbers_are_refused():
    with pytest.raises(MetricInputError, match="negative"):
        eval_type(-1, 0)


def test_overall_weighs_expressions_and_not_types():
    found = f1_by_type([1.0, 0.0, 0.5, 0.5], ["zt_wo_d", "mt", "mt", "mt"])
    assert found.overall == GroupMean(0.5, 4)
    assert found.by_type["zt_wo_d"] == GroupMean(1.0, 1)
    assert found.by_type["mt"].mean == pytest.approx(1 / 3)
    assert list(found.by_type) == ["zt_wo_d", "mt"]


def test_zero_target_rule_reaches_the_mean(cube):
    said_nothing = f1_score(matched_ious([], []), 0, 0, 0.5)
    said_something = f1_score(matched_ious([cube(0)], []), 1, 0, 0.5)
    found = f1_by_type([said_nothing, said_something], ["zt_w_d", "zt_w_d"])
    assert found.by_type["zt_w_d"] == GroupMean(0.5, 2)


def test_unknown_type_is_refused():
    with pytest.raises(MetricInputError, match="'zero'"):
        f1_by_type([1.0], ["zero"])
