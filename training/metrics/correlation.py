# SPDX-License-Identifier: Apache-2.0
"""How two figures go together over several measurements, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_NORMAL_95 = 1.959964
FEWEST = 5
"""Measurements below which no interval is given."""


def correlations(x: Sequence[float], y: Sequence[float], given: Sequence[float]) -> dict[str, Any]:
    """Correlate two figures.

    Intervals treat the measurements as independent of one another. Snapshots of one training run are not, so
    that theirs are too narrow; and what grows with training correlates with everything that does. Therefore
    the partial correlation stands beside: what is left once both are freed of a third figure, linearly.

    Args:
        x, y: one number a measurement.
        given: the third figure, such as the step of each.

    Returns:
        JSON-ready: `n`; `pearson`, `spearman` and `pearson_given`, each with `r` and a 95 % `interval` (by
        Fisher's z; for ranks with the standard error of Bonett and Wright). None for what does not exist: `r`
        of a figure that never changes, an interval of fewer than `FEWEST`.
    """
    a, b, c = (np.asarray(values, np.float64) for values in (x, y, given))
    ranks = _pearson(_ranks(a), _ranks(b))
    widening = 1.0 if ranks is None else np.sqrt(1 + ranks**2 / 2)
    return {
        "n": len(a),
        "pearson": _told(_pearson(a, b), len(a), 1.0),
        "spearman": _told(ranks, len(a), widening),
        "pearson_given": _told(_pearson(_freed(a, c), _freed(b, c)), len(a) - 1, 1.0),
    }


def _pearson(a: np.ndarray, b: np.ndarray) -> float | None:
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(np.clip(a @ b / size, -1, 1)) if size > 1e-12 else None


def _ranks(values: np.ndarray) -> np.ndarray:
    """Rank values; equal ones share the mean of their places."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[place]


def _freed(values: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return what a straight line over another figure does not explain."""
    centred = given - given.mean()
    spread = centred @ centred
    values = values - values.mean()
    left = values - centred * (centred @ values / spread) if spread > 0 else values
    # Rounding must not pass for something that is left.
    return np.where(np.abs(left) > 1e-9 * max(np.abs(values).max(), 1e-300), left, 0.0)


def _told(r: float | None, n: int, widening: float) -> dict[str, Any]:
    if r is None or n < FEWEST or abs(r) == 1:
        return {"r": r, "interval": None}
    half = _NORMAL_95 * widening / np.sqrt(n - 3)
    return {"r": r, "interval": [float(np.tanh(np.arctanh(r) + side * half)) for side in (-1, 1)]}
