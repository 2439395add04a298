# SPDX-License-Identifier: Apache-2.0
"""ROUGE-L, the longest common subsequence of words (Lin, ACL workshop 2004)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .inputs import check_references, check_same_length

BETA = 1.2


def rouge_l(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return ROUGE-L of each item; the corpus figure is the mean.

    F = (1 + b^2) P R / (R + b^2 P), b = 1.2. P = max over references of LCS / words predicted and R = max
    over references of LCS / words of the reference; the two maxima may come from different references, as
    caption evaluations have it. Texts are split at white space.

    Args:
        predictions: N texts; an empty text scores 0.
        references: for each, at least one text.

    Returns:
        (N,) float64 in 0..1.

    Raises:
        MetricInputError: if the lengths differ, there is no item or an item has no reference.
    """
    check_same_length(predictions=predictions, references=references)
    check_references(references)
    return np.array(
        [_score(said.split(), texts) for said, texts in zip(predictions, references, strict=True)]
    )


def _score(words: list[str], references: Sequence[str]) -> float:
    precision = recall = 0.0
    for reference in (text.split() for text in references):
        common = _longest_common_subsequence(words, reference)
        if common:
            precision = max(precision, common / len(words))
            recall = max(recall, common / len(reference))
    if not precision:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def _longest_common_subsequence(first: list[str], second: list[str]) -> int:
    row = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for column, other in enumerate(second, start=1):
            above = row[column]
            row[column] = diagonal + 1 if word == other else max(above, row[column - 1])
            diagonal = above
    return row[-1]
