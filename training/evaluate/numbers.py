# SPDX-License-Identifier: Apache-2.0
"""How far answers that are lengths lie from the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ide3d_training.metrics.vsi_bench import mean_relative_accuracy

from .figures import groups_of, interval, percent
from .scoring import QuestionScore


def number_figures(questions: Sequence[QuestionScore]) -> dict[str, Any]:
    """Sum the answers to questions for a length up.

    Args:
        questions: any; those without a length are left out.

    Returns:
        JSON-ready: `n`, `answered` (percent that state a length at all), `mra` (VSI-Bench's mean relative
        accuracy, percent; no length scores 0) with its `interval`, `em` (accepted text or within tolerance)
        and `median_relative_error` over those that state one; `by_kind` with the same. None without any.
    """
    asked = [s for s in questions if s.value_m is not None]
    kinds = sorted({s.kind for s in asked})
    return {
        **_row(asked),
        "by_kind": {kind: _row([s for s in asked if s.kind == kind]) for kind in kinds},
    }


def _row(asked: Sequence[QuestionScore]) -> dict[str, Any]:
    accuracies, errors = [], []
    for score in asked:
        if score.said_m is None:
            accuracies.append(0.0)
            continue
        accuracies.append(mean_relative_accuracy(score.said_m, score.value_m))
        errors.append(abs(score.said_m - score.value_m) / score.value_m)
    return {
        "n": len(asked),
        "answered": percent([s.said_m is not None for s in asked]),
        "mra": percent(accuracies),
        "interval": {"mra": interval(accuracies, groups_of(asked))},
        "em": percent([s.right for s in asked]),
        "median_relative_error": round(float(np.median(errors)), 4) if errors else None,
    }
