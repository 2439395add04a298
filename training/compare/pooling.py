# SPDX-License-Identifier: Apache-2.0
"""Join what several seeds of a method scored, and compare two methods on the same rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ide3d_training.metrics.intervals import LEVEL, RESAMPLES, bootstrap_interval

Cases = Sequence[tuple[int, float]]
"""(room, value) of every query that a figure is the mean of."""
_SEED = 0


@dataclass(frozen=True)
class Figure:
    """Hold one figure of one method.

    Attributes:
        mean: over the seeds.
        interval: 95 %, rooms resampled as wholes, each with the queries of all seeds: it says how much other
            rooms would change the mean, and `per_seed` how much other seeds would.
        per_seed: in the order of the seeds.
    """

    mean: float
    interval: tuple[float, float]
    per_seed: tuple[float, ...]


@dataclass(frozen=True)
class Gain:
    """Hold how far one method is above another, with the 95 % interval of that difference."""

    mean: float
    interval: tuple[float, float]


def pooled(seeds: Sequence[Cases]) -> Figure | None:
    """Join the cases of several seeds; None where nothing was asked."""
    if not all(seeds):
        return None
    rooms, values = _joined(seeds)
    ends = bootstrap_interval(values, rooms, np.random.default_rng(_SEED))
    means = tuple(float(np.mean([value for _, value in cases])) for cases in seeds)
    return Figure(float(np.mean(means)), ends, means)


def gain(seeds: Sequence[Cases], reference: Sequence[Cases]) -> Gain | None:
    """Compare two methods room by room, which takes the rooms' own difficulty out of the interval.

    Args:
        seeds: of the method.
        reference: of the method that it is compared with, on the same rooms.

    Returns:
        The difference of the means; None where nothing was asked.
    """
    if not all(seeds) or not all(reference):
        return None
    one, other = _joined(seeds), _joined(reference)
    rooms = np.unique([*one[0], *other[0]])
    drawn = np.random.default_rng(_SEED).integers(len(rooms), size=(RESAMPLES, len(rooms)))

    def resampled(cases: tuple[list[int], list[float]]) -> np.ndarray:
        place = np.searchsorted(rooms, cases[0])
        totals = np.bincount(place, weights=cases[1], minlength=len(rooms))
        counts = np.bincount(place, minlength=len(rooms))
        return totals[drawn].sum(axis=1) / np.maximum(counts[drawn].sum(axis=1), 1)

    low, high = np.quantile(resampled(one) - resampled(other), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Gain(float(np.mean(one[1]) - np.mean(other[1])), (float(low), float(high)))


def _joined(seeds: Sequence[Cases]) -> tuple[list[int], list[float]]:
    together = [case for cases in seeds for case in cases]
    return [int(room) for room, _ in together], [float(value) for _, value in together]
