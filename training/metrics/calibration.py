# SPDX-License-Identifier: Apache-2.0
"""Whether confidences mean what they say: reliability diagram and expected calibration error.

The confidences are taken as they are; nothing is fitted to them here (no temperature).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .inputs import MetricInputError, check_same_length, vector_in_unit_range

BINS = 15


@dataclass(frozen=True, eq=False)
class Reliability:
    """Hold the data of a reliability diagram with B bins of equal width.

    Attributes:
        edges: (B + 1,) float64, 0 to 1.
        counts: (B,) int, answers in each bin (lower edge excluded, upper included; 0 is in the first bin).
        confidence: (B,) float64 mean confidence in each bin; NaN where it is empty.
        accuracy: (B,) float64 share of right answers in each bin; NaN where it is empty.
        expected_error: ECE, in 0..1.
        largest_error: MCE, the largest gap of a bin that is not empty.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    expected_error: float
    largest_error: float


def reliability(
    confidences: Sequence[float] | np.ndarray, right: Sequence[bool] | np.ndarray, bins: int = BINS
) -> Reliability:
    """Compare how sure answers were with how often they were right.

    ECE = sum over bins of n_b / N * |accuracy_b - confidence_b|; MCE is the largest of these gaps (Guo et
    al., ICML 2017, arXiv 1706.04599).

    Args:
        confidences: (N,) probability that was given to each answer, 0..1.
        right: (N,) whether it was right; shares in 0..1 are allowed.
        bins: number of bins of equal width, at least 1.

    Raises:
        MetricInputError: if the lengths differ, there is no answer, a number lies outside 0..1 or there is no
            bin.
    """
    check_same_length(confidences=confidences, right=right)
    if bins < 1:
        raise MetricInputError(f"{bins} bins: a reliability diagram has at least one")
    sure = vector_in_unit_range("confidences", confidences)
    hits = vector_in_unit_range("right", right)
    edges = np.linspace(0.0, 1.0, bins + 1)
    index = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1)
    counts = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(index, weights=sure, minlength=bins) / counts
        accuracy = np.bincount(index, weights=hits, minlength=bins) / counts
    filled = counts > 0
    gaps = np.abs(accuracy - confidence)[filled]
    expected = float(gaps @ counts[filled] / len(sure))
    return Reliability(edges, counts, confidence, accuracy, expected, float(gaps.max()))
