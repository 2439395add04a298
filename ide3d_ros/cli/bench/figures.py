# SPDX-License-Identifier: Apache-2.0
"""Sum times up: percentiles, and ratios of cases that took turns in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

PERCENTILES = (50, 95, 99)
_DIGITS = 3  # microseconds


def summary(values_ms: Sequence[float]) -> dict[str, float | int]:
    """Return least value, percentiles and number of some times; only the number where there are none.

    Args:
        values_ms: milliseconds, in any order.
    """
    if not len(values_ms):
        return {"count": 0}
    percentiles = np.percentile(values_ms, PERCENTILES)
    return {
        "min": round(float(min(values_ms)), _DIGITS),
        **{f"p{p}": round(float(value), _DIGITS) for p, value in zip(PERCENTILES, percentiles, strict=True)},
        "count": len(values_ms),
    }


def summaries(times: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float | int]]:
    """Sum up each of several."""
    return {name: summary(values) for name, values in times.items()}


def ratio(part_ms: Sequence[float], whole_ms: Sequence[float]) -> float | None:
    """Divide the median of one case by that of another; None where one was not measured.

    Args:
        part_ms, whole_ms: milliseconds of cases that took turns.
    """
    if not len(part_ms) or not len(whole_ms):
        return None
    return round(float(np.median(part_ms) / np.median(whole_ms)), 4)


def growth(values: Sequence[float]) -> float | None:
    """Compare the last third of a series with its first: the ratio of their medians, 1 when nothing grows.

    Args:
        values: in the order of time; fewer than six say nothing.
    """
    third = len(values) // 3
    if third < 2:
        return None
    return round(float(np.median(values[-third:]) / np.median(values[:third])), 4)
