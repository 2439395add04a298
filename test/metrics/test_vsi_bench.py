# SPDX-License-Identifier: Apache-2.0
"""Answers are scored as VSI-Bench scores them."""

from __future__ import annotations

import pytest

from ide3d_training.metrics.grouping import GroupMean
from ide3d_training.metrics.inputs import MetricInputError
from ide3d_training.metrics.vsi_bench import (
    CHOICE_TYPES,
    NUMERIC_TYPES,
    TASKS,
    choice_score,
    first_word,
    mean_relative_accuracy,
    numeric_score,
    question_score,
    vsi_bench_scores,
)


@pytest.mark.parametrize(
    ("said", "word"),
    [("B. the left one", "B"), ("3.5 meters", "3.5"), ("4...", "4"), ("A\n", "A"), (" A", ""), ("", "")],
)
def test_only_the_first_word_counts(said, word):
    assert first_word(said) == word


def test_choice_ignores_case_but_not_brackets():
    assert choice_score("b.", "B") == 1.0
    assert choice_score("C", "B") == 0.0
    assert choice_score("(B)", "B") == 0.0


@pytest.mark.parametrize(
    ("predicted", "accuracy"),
    [
        (10.0, 1.0),
        (10.2, 1.0),  # off by 2 %, within all of 50 %, 45 %, ..., 5 %
        (10.7, 0.9),  # within all but 5 %
        (8.7, 0.8),  # off by 13 %: not within 10 % and 5 %
        (15.0, 0.1),  # off by exactly 50 %, which counts
        (15.1, 0.0),
        (0.0, 0.0),
        (float("nan"), 0.0),
        (float("inf"), 0.0),
    ],
)
def test_relative_accuracy_worked_by_hand(predicted, accuracy):
    assert mean_relative_accuracy(predicted, 10.0) == pytest.approx(accuracy)


@pytest.mark.parametrize("truth", [0.0, -1.0, float("nan"), float("inf")])
def test_relative_accuracy_needs_a_truth_above_zero(truth):
    with pytest.raises(MetricInputError, match="above 0"):
        mean_relative_accuracy(1.0, truth)


def test_number_is_read_from_the_first_word_or_scores_zero():
    assert numeric_score("10 chairs", 10.0) == 1.0
    assert numeric_score("ten", 10.0) == 0.0
    assert numeric_score("about 10", 10.0) == 0.0
    assert numeric_score("", 10.0) == 0.0


def test_rule_follows_from_the_question_type():
    assert question_score("a", "A", "route_planning") == 1.0
    assert question_score("2.0", "2", "object_counting") == 1.0
    with pytest.raises(MetricInputError, match="'colour'"):
        question_score("red", "red", "colour")
    with pytest.raises(MetricInputError, match="'two'"):
        question_score("2", "two", "object_counting")


def one_of_each(said: dict[str, str]) -> tuple[list[str], list[str], list[str]]:
    types = [*NUMERIC_TYPES, *CHOICE_TYPES]
    truths = ["10" if name in NUMERIC_TYPES else "A" for name in types]
    return [said.get(name, "wrong") for name in types], truths, types


def test_directions_count_as_one_task_of_eight():
    said = {"object_rel_direction_easy": "A", "object_rel_direction_hard": "A", "object_counting": "10.7"}
    scores = vsi_bench_scores(*one_of_each(said))
    assert len(TASKS) == 8 and set(scores.by_task) == set(TASKS)
    assert scores.by_task["object_rel_direction"] == pytest.approx(2 / 3)
    assert scores.by_task["object_counting"] == pytest.approx(0.9)
    assert scores.overall == pytest.approx((2 / 3 + 0.9) / 8)


def test_difficulties_weigh_alike_however_many_questions_each_has():
    said, truths, types = one_of_each({"object_rel_direction_easy": "A"})
    scores = vsi_bench_scores([*said, "A"], [*truths, "A"], [*types, "object_rel_direction_easy"])
    assert scores.by_type["object_rel_direction_easy"] == GroupMean(1.0, 2)
    assert scores.by_task["object_rel_direction"] == pytest.approx(1 / 3)


def test_overall_is_not_given_where_a_task_is_missing():
    scores = vsi_bench_scores(["A", "10"], ["A", "10"], ["object_rel_direction_easy", "object_counting"])
    assert scores.by_task == {"object_counting": 1.0}
    assert scores.overall is None
