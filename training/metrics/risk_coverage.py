# SPDX-License-Identifier: Apache-2.0
"""What refusing the least sure answers buys: risk-coverage curve and the area under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .inputs import MetricInputError, check_same_length, finite_vector


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Hold the curve over N answers, surest first.

    Attributes:
        coverage: (N,) float64, i / N for the i surest answers.
        risk: (N,) float64, their mean loss; where answers are equally sure, its expectation over their order.
        area: AURC, the mean of `risk`.
        least_area: AURC of a confidence that puts the same losses in order; `area - least_area` is E-AURC.
    """

    coverage: np.ndarray
    risk: np.ndarray
    area: float
    least_area: float

    def coverage_at(self, risk: float) -> float:
        """Return the largest coverage whose risk is at most the one given; 0 where there is none."""
        within = self.coverage[self.risk <= risk]
        return float(within[-1]) if len(within) else 0.0


def risk_coverage(
    confidences: Sequence[float] | np.ndarray, losses: Sequence[float] | np.ndarray
) -> RiskCoverage:
    """Return the risk that is left when only the surest answers are given.

    risk(i / N) = mean loss of the i surest; AURC = mean over i = 1..N of risk(i / N) (Geifman et al., ICLR
    2019, arXiv 1805.08206).

    Args:
        confidences: (N,) any finite scale, higher where surer.
        losses: (N,) not negative; for right and wrong answers 0 and 1.

    Raises:
        MetricInputError: if the lengths differ, there is no answer, a number is not finite or a loss
            negative.
    """
    check_same_length(confidences=confidences, losses=losses)
    sure, lost = finite_vector("confidences", confidences), finite_vector("losses", losses)
    if (lost < 0).any():
        raise MetricInputError(f"a loss of {lost.min()}: losses are not negative")
    _, level = np.unique(-sure, return_inverse=True)
    order = np.argsort(level, kind="stable")
    # Answers that are equally sure cannot be told apart by a threshold: each stands for their mean loss.
    mean_loss = np.bincount(level, weights=lost) / np.bincount(level)
    kept = np.arange(1, len(sure) + 1)
    risk = np.cumsum(mean_loss[level[order]]) / kept
    least = np.cumsum(np.sort(lost)) / kept
    return RiskCoverage(kept / len(sure), risk, float(risk.mean()), float(least.mean()))
