# SPDX-License-Identifier: Apache-2.0
"""Means by group: the breakdown that nearly every benchmark prints beside its overall figure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .inputs import check_same_length, finite_vector

Group = TypeVar("Group", bound=Hashable)


@dataclass(frozen=True)
class GroupMean:
    """Hold the mean of a group's values and how many they are."""

    mean: float
    count: int


def mean_by_group(values: Sequence[float] | np.ndarray, groups: Sequence[Group]) -> dict[Group, GroupMean]:
    """Return the mean of each group's values, groups in the order of their first appearance.

    Args:
        values: (N,) one number for each item.
        groups: the group of each item: a split, a type, a source data set.

    Raises:
        MetricInputError: if the lengths differ, there is no item or a value is not finite.
    """
    check_same_length(values=values, groups=groups)
    array = finite_vector("values", values)
    members: dict[Group, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    return {
        group: GroupMean(float(array[indices].mean()), len(indices)) for group, indices in members.items()
    }
