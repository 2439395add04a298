# SPDX-License-Identifier: Apache-2.0
"""Random choices in plain Python values, from one of a room's random streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """Draws single values; much faster than ``Generator.choice``, which is made for arrays.

    Args:
        key: what the stream is seeded with.
    """

    def __init__(self, *key: int) -> None:
        self.rng = np.random.default_rng(key)

    def chance(self, share: float) -> bool:
        """Return True in this share of the cases."""
        return self.rng.random() < share

    def between(self, low: float, high: float) -> float:
        """Return a float drawn uniformly from [low, high)."""
        return low + (high - low) * self.rng.random()

    def whole(self, low: int, high: int) -> int:
        """Return an integer drawn uniformly from low..high, both included."""
        return low + int(self.rng.random() * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options, all equally likely."""
        return options[int(self.rng.random() * len(options))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """Return a key, likely in proportion to its value."""
        at = self.rng.random() * sum(weights.values())
        for option, weight in weights.items():
            at -= weight
            if at < 0.0:
                return option
        return option

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """Return the options in random order."""
        rest = list(options)
        return [rest.pop(int(self.rng.random() * len(rest))) for _ in options]
