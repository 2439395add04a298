# SPDX-License-Identifier: Apache-2.0
"""VSI-Bench: mean relative accuracy, multiple choice and the mean over its tasks (arXiv 2412.14171)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .grouping import GroupMean, mean_by_group
from .inputs import MetricInputError, check_same_length

NUMERIC_TYPES = (
    "object_abs_distance",
    "object_counting",
    "object_size_estimation",
    "room_size_estimation",
)
DIRECTION_TYPES = (
    "object_rel_direction_easy",
    "object_rel_direction_medium",
    "object_rel_direction_hard",
)
CHOICE_TYPES = (*DIRECTION_TYPES, "object_rel_distance", "route_planning", "obj_appearance_order")
DIRECTION_TASK = "object_rel_direction"
TASKS = (*NUMERIC_TYPES, DIRECTION_TASK, *CHOICE_TYPES[len(DIRECTION_TYPES) :])
"""The eight tasks: the question types, but the three difficulties of relative direction as one."""

# The benchmark's own expression: decimal fractions are rounded here as they are there, which decides about
# relative errors that lie exactly on a threshold.
_CONFIDENCES = np.linspace(0.5, 0.95, 10)


@dataclass(frozen=True)
class VSIBenchScores:
    """Hold the scores of a set of questions, in 0..1.

    Attributes:
        by_type: mean score of each question type that occurs.
        by_task: mean score of each of TASKS whose types all occur; the three difficulties of relative
            direction weigh alike.
        overall: unweighted mean of the eight tasks; None where one of them is missing.
    """

    by_type: dict[str, GroupMean]
    by_task: dict[str, float]
    overall: float | None


def first_word(prediction: str) -> str:
    """Return what stands before a prediction's first space, without full stops at the end; only it counts."""
    return prediction.split(" ")[0].rstrip(".").strip()


def choice_score(prediction: str, letter: str) -> float:
    """Return 1 where the prediction's first word is the right option's letter, whatever the case, else 0."""
    return float(first_word(prediction).lower() == letter.lower())


def mean_relative_accuracy(prediction: float, truth: float) -> float:
    """Return MRA = mean over t in {0.50, 0.55, ..., 0.95} of [|p - y| / y <= 1 - t].

    The paper writes <, its code <=; this is the code's.

    Args:
        prediction: p; a number that is not finite scores 0.
        truth: y, above 0.

    Raises:
        MetricInputError: if the truth is not a finite number above 0.
    """
    if not (math.isfinite(truth) and truth > 0):
        raise MetricInputError(f"true value {truth}: a relative error needs a finite number above 0")
    if not math.isfinite(prediction):
        return 0.0
    return float((abs(prediction - truth) / truth <= 1 - _CONFIDENCES).mean())


def numeric_score(prediction: str, truth: float) -> float:
    """Return MRA of the number that the prediction's first word states; 0 where it states none.

    Raises:
        MetricInputError: if the truth is not a finite number above 0.
    """
    try:
        number = float(first_word(prediction))
    except ValueError:
        number = math.nan
    return mean_relative_accuracy(number, truth)


def question_score(prediction: str, truth: str, question_type: str) -> float:
    """Score one answer by the rule of its question type.

    Args:
        prediction: the whole text that was generated.
        truth: the right option's letter, or the true number as text.
        question_type: one of NUMERIC_TYPES or CHOICE_TYPES.

    Returns:
        0..1.

    Raises:
        MetricInputError: if the type is not the benchmark's, or a true number is no number above 0.
    """
    if question_type in CHOICE_TYPES:
        return choice_score(prediction, truth)
    if question_type not in NUMERIC_TYPES:
        raise MetricInputError(
            f"{question_type!r} is no question type of VSI-Bench: give one of {NUMERIC_TYPES + CHOICE_TYPES}"
        )
    try:
        number = float(truth)
    except ValueError as error:
        raise MetricInputError(f"true answer {truth!r} to {question_type} is no number") from error
    return numeric_score(prediction, number)


def vsi_bench_scores(
    predictions: Sequence[str], truths: Sequence[str], question_types: Sequence[str]
) -> VSIBenchScores:
    """Score the answers to a set of questions.

    Args:
        predictions: N generated texts.
        truths: the right option's letter or the true number, as text.
        question_types: the type of each question.

    Raises:
        MetricInputError: if the lengths differ, there is no question or `question_score` refuses one.
    """
    check_same_length(predictions=predictions, truths=truths, question_types=question_types)
    scores = [
        question_score(said, truth, kind)
        for said, truth, kind in zip(predictions, truths, question_types, strict=True)
    ]
    by_type = mean_by_group(scores, question_types)
    by_task = {}
    for task in TASKS:
        members = DIRECTION_TYPES if task == DIRECTION_TASK else (task,)
        if all(name in by_type for name in members):
            by_task[task] = float(np.mean([by_type[name].mean for name in members]))
    overall = float(np.mean(list(by_task.values()))) if len(by_task) == len(TASKS) else None
    return VSIBenchScores(by_type, by_task, overall)
