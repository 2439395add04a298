# SPDX-License-Identifier: Apache-2.0
"""What every measure asks of its input, so that a wrong list is named instead of averaged away."""

from __future__ import annotations

from collections.abc import Sequence, Sized

import numpy as np


class MetricInputError(ValueError):
    """A measure cannot be taken from what it was given."""


def check_same_length(**lists: Sized) -> int:
    """Return the common length of parallel lists.

    Args:
        **lists: each list under the name that the message gives it.

    Raises:
        MetricInputError: if the lengths differ, or there is nothing to measure.
    """
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        stated = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise MetricInputError(f"{stated}: give one of each for every item, in the same order")
    length = next(iter(lengths.values()))
    if length == 0:
        raise MetricInputError(f"no {' and no '.join(lengths)}: there is nothing to measure")
    return length


def check_references(references: Sequence[Sequence[str]]) -> None:
    """Check that every item has a list of texts to be compared with.

    Raises:
        MetricInputError: if an item has no reference, or a bare text where a list of texts belongs.
    """
    for index, texts in enumerate(references):
        if isinstance(texts, str):
            raise MetricInputError(f"references of item {index} are one text, {texts!r}: put it into a list")
        if not len(texts):
            raise MetricInputError(f"item {index} has no reference: drop the item or give it at least one")


def finite_vector(name: str, values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return values as a (N,) float64 array.

    Raises:
        MetricInputError: if they are not a flat list of finite numbers.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise MetricInputError(f"{name} are a flat list of numbers, not an array of shape {array.shape}")
    wrong = np.flatnonzero(~np.isfinite(array))
    if len(wrong):
        raise MetricInputError(f"{name}[{wrong[0]}] is {array[wrong[0]]}: {name} are finite numbers")
    return array


def vector_in_unit_range(name: str, values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return values as a (N,) float64 array of numbers from 0 to 1.

    Raises:
        MetricInputError: if one lies outside, or they are not a flat list of finite numbers.
    """
    array = finite_vector(name, values)
    wrong = np.flatnonzero((array < 0) | (array > 1))
    if len(wrong):
        raise MetricInputError(f"{name}[{wrong[0]}] is {array[wrong[0]]}: {name} lie in 0..1")
    return array
