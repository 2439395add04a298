# SPDX-License-Identifier: Apache-2.0
"""SQA3D: EM by type of question (Ma et al., ICLR 2023, arXiv 2210.07474), with LEO's EM-R beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .answers import cleaned_match, refined_match, spoken_refined_match
from .grouping import GroupMean, mean_by_group
from .inputs import check_references, check_same_length

QUESTION_TYPES = ("what", "is", "how", "can", "which", "other")


@dataclass(frozen=True)
class TypedMatches:
    """Hold a share of right answers: over all questions, and by type where a type occurs."""

    overall: GroupMean
    by_type: dict[str, GroupMean]


@dataclass(frozen=True)
class SQA3DScores:
    """Hold shares of right answers, in 0..1.

    Attributes:
        em: equal to an answer once both are cleaned.
        em_refined: LEO's EM-R: one within the other; an empty prediction counts as right, as published.
        em_refined_spoken: the same, but an empty prediction is wrong.
    """

    em: TypedMatches
    em_refined: TypedMatches
    em_refined_spoken: TypedMatches


def question_type(question: str) -> str:
    """Return the type of a question, one of QUESTION_TYPES: what it starts with, whatever the case."""
    start = question.lstrip().lower()
    return next((name for name in QUESTION_TYPES[:-1] if start.startswith(name)), "other")


def sqa3d_scores(
    predictions: Sequence[str], answers: Sequence[Sequence[str]], questions: Sequence[str]
) -> SQA3DScores:
    """Score answers to situated questions.

    Args:
        predictions: N answers.
        answers: for each, the annotated ones, at least one.
        questions: the questions, without their situation: their first word gives the type.

    Returns:
        Shares in 0..1.

    Raises:
        MetricInputError: if the lengths differ, there is no question or one has no answer.
    """
    check_same_length(predictions=predictions, answers=answers, questions=questions)
    check_references(answers)
    types = [question_type(question) for question in questions]

    def typed(matches: Callable[[str, Sequence[str]], bool]) -> TypedMatches:
        right = np.array([matches(said, texts) for said, texts in zip(predictions, answers, strict=True)])
        rows = mean_by_group(right, types)
        by_type = {name: rows[name] for name in QUESTION_TYPES if name in rows}
        return TypedMatches(GroupMean(float(right.mean()), len(right)), by_type)

    return SQA3DScores(typed(cleaned_match), typed(refined_match), typed(spoken_refined_match))
