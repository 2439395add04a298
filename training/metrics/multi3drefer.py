# SPDX-License-Identifier: Apache-2.0
"""Multi3DRefer's F1@k over its five types of expression (Zhang et al., ICCV 2023, arXiv 2309.05251)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .grouping import GroupMean, mean_by_group
from .inputs import MetricInputError, check_same_length, vector_in_unit_range

Key = TypeVar("Key", bound=Hashable)

EVAL_TYPES = ("zt_wo_d", "zt_w_d", "st_wo_d", "st_w_d", "mt")
"""Zero target and single target, without and with distractors; multiple targets."""


@dataclass(frozen=True)
class TypedF1:
    """Hold F1@k for one threshold: over all expressions, and by type where a type occurs."""

    overall: GroupMean
    by_type: dict[str, GroupMean]


def distractors(
    named_class: str, targets: AbstractSet[Key], scene_classes: Mapping[Key, str]
) -> frozenset[Key]:
    """Return the objects that could be taken for a target: of the class named, but not meant.

    Args:
        named_class: the class that the expression names.
        targets: ids of the objects that it means; may be empty.
        scene_classes: class by id of every object in the scene.

    Raises:
        MetricInputError: if a target is no object of the scene.
    """
    missing = targets - scene_classes.keys()
    if missing:
        raise MetricInputError(f"target {sorted(map(str, missing))[0]} is no object of the scene")
    return frozenset(key for key, name in scene_classes.items() if name == named_class and key not in targets)


def eval_type(targets: int, distractors: int) -> str:
    """Return the type of an expression.

    No target gives zt, one gives st, each `_wo_d` without and `_w_d` with an object of the named class that
    is not meant; several targets give mt whatever else is there.

    Args:
        targets: number of objects that the expression means.
        distractors: number of other objects of the class that it names.

    Raises:
        MetricInputError: if a number is negative.
    """
    if targets < 0 or distractors < 0:
        raise MetricInputError(f"{targets} targets and {distractors} distractors: neither can be negative")
    if targets > 1:
        return "mt"
    return ("st" if targets else "zt") + ("_w_d" if distractors else "_wo_d")


def f1_by_type(f1: Sequence[float] | np.ndarray, types: Sequence[str]) -> TypedF1:
    """Average the F1 of expressions over all of them and by type.

    Args:
        f1: (N,) F1 of each expression at one threshold, from `localisation.f1_score`.
        types: the type of each expression, from `eval_type`.

    Returns:
        Means over expressions, in 0..1; `overall` weighs expressions equally, not types.

    Raises:
        MetricInputError: if the lengths differ, there is no expression, an F1 lies outside 0..1 or a type is
            not one of the five.
    """
    check_same_length(f1=f1, types=types)
    array = vector_in_unit_range("f1", f1)
    unknown = sorted(set(types) - set(EVAL_TYPES))
    if unknown:
        raise MetricInputError(f"{unknown[0]!r} is no type of Multi3DRefer: give one of {EVAL_TYPES}")
    rows = mean_by_group(array, types)
    return TypedF1(
        GroupMean(float(array.mean()), len(array)), {name: rows[name] for name in EVAL_TYPES if name in rows}
    )
