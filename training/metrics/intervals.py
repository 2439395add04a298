# SPDX-License-Identifier: Apache-2.0
"""Bootstrap intervals of a mean whose values come in groups (the queries of one room are not independent)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95


def bootstrap_interval(
    values: Sequence[float], groups: Sequence[int], rng: np.random.Generator
) -> tuple[float, float] | None:
    """Return the percentile interval of the mean under resampling of whole groups.

    Args:
        values: one number for each query.
        groups: the room of each query; rooms are drawn with replacement, all queries of a room together.
        rng: draws the resamples.

    Returns:
        Lower and upper end of the 95 % interval; None without values.
    """
    if not len(values):
        return None
    _, room = np.unique(np.asarray(groups), return_inverse=True)
    totals = np.bincount(room, weights=np.asarray(values, dtype=np.float64))
    counts = np.bincount(room).astype(np.float64)
    drawn = rng.integers(len(totals), size=(RESAMPLES, len(totals)))
    means = totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)
