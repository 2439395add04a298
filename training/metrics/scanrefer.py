# SPDX-License-Identifier: Apache-2.0
"""ScanRefer's Acc@k with its split into unique and multiple (Chen et al., ECCV 2020, arXiv 1912.08830)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .grouping import GroupMean, mean_by_group
from .inputs import MetricInputError, check_same_length, vector_in_unit_range
from .localisation import THRESHOLDS

Split = Literal["unique", "multiple"]

OTHER_CLASS = "otherfurniture"
SCANNET_CLASSES = (
    "wall",
    "floor",
    "cabinet",
    "bed",
    "chair",
    "sofa",
    "table",
    "door",
    "window",
    "bookshelf",
    "picture",
    "counter",
    "desk",
    "curtain",
    "refrigerator",
    "shower curtain",
    "toilet",
    "sink",
    "bathtub",
    OTHER_CLASS,
)
"""ScanNet's 20 classes: 19 of NYU40's and one for all the rest."""


@dataclass(frozen=True)
class Accuracy:
    """Hold Acc@k for one threshold.

    Attributes:
        overall: over all descriptions.
        unique: over those whose target is the only object of its class in the scene; None without any.
        multiple: over the others; None without any.
    """

    overall: GroupMean
    unique: GroupMean | None
    multiple: GroupMean | None


def scannet_class(nyu40_class: str) -> str:
    """Return the one of ScanNet's 20 classes that an NYU40 class belongs to."""
    return nyu40_class if nyu40_class in SCANNET_CLASSES else OTHER_CLASS


def scanrefer_split(target_class: str, scene_classes: Iterable[str]) -> Split:
    """Tell whether a target is the only object of its class.

    Args:
        target_class: the target's class, in the benchmark one of the 20 of `scannet_class`.
        scene_classes: the class of every object in the scene, the target included, in the same naming.

    Raises:
        MetricInputError: if no object of the scene has the target's class.
    """
    count = sum(name == target_class for name in scene_classes)
    if count == 0:
        raise MetricInputError(f"no object of the scene is a {target_class!r}: list the target too")
    return "unique" if count == 1 else "multiple"


def scanrefer_accuracy(
    ious: Sequence[float] | np.ndarray,
    splits: Sequence[Split],
    thresholds: Sequence[float] = THRESHOLDS,
) -> dict[float, Accuracy]:
    """Return Acc@k = share of descriptions with IoU(prediction, target) >= k.

    Args:
        ious: (N,) IoU of each description's single box with its target, from `first_box_iou`; 0 where no box
            was predicted.
        splits: the split of each description, from `scanrefer_split`.
        thresholds: the values of k.

    Returns:
        Shares in 0..1 by threshold.

    Raises:
        MetricInputError: if the lengths differ, there is no description, an IoU lies outside 0..1 or a split
            has another name.
    """
    check_same_length(ious=ious, splits=splits)
    array = vector_in_unit_range("ious", ious)
    unknown = sorted(set(splits) - {"unique", "multiple"})
    if unknown:
        raise MetricInputError(f"{unknown[0]!r} is no split of ScanRefer: give unique or multiple")
    found = {}
    for threshold in thresholds:
        hits = array >= threshold
        rows = mean_by_group(hits, splits)
        overall = GroupMean(float(hits.mean()), len(hits))
        found[threshold] = Accuracy(overall, rows.get("unique"), rows.get("multiple"))
    return found
