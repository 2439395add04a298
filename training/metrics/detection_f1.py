# SPDX-License-Identifier: Apache-2.0
"""Precision, recall and F1 of detections that carry no score, as VG-LLM counts them (arXiv 2505.24625)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .detection import LabelledBoxes, check_scenes, class_ious
from .inputs import MetricInputError
from .scanrefer import SCANNET_CLASSES

F1_MIN_IOU = 0.25


@dataclass(frozen=True)
class DetectionCounts:
    """Hold how one class went in all scenes; each ratio is 0 where its denominator is."""

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """TP / (TP + FP)."""
        return self.true_positives / max(1, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """TP / (TP + FN)."""
        return self.true_positives / max(1, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        return (
            2
            * self.true_positives
            / max(1, 2 * self.true_positives + self.false_positives + self.false_negatives)
        )


@dataclass(frozen=True)
class DetectionF1:
    """Hold macro precision, recall and F1 (each the unweighted mean over the classes), in 0..1."""

    precision: float
    recall: float
    f1: float
    by_class: dict[str, DetectionCounts]


def detection_f1(
    detections: Sequence[LabelledBoxes],
    truths: Sequence[LabelledBoxes],
    classes: Sequence[str] = SCANNET_CLASSES,
    min_iou: float = F1_MIN_IOU,
) -> DetectionF1:
    """Return macro precision, recall and F1 over a fixed list of classes.

    In each scene and class, detections go in the order of output. Each takes the true box of its class, among
    those not yet taken, that it overlaps most, and is a true positive if their IoU > k (not >=, unlike AP3D).
    Counts are summed over scenes before the ratios are taken. A class that occurs nowhere counts as 0.

    Args:
        detections: one for each scene, in the order of output; scores play no part.
        truths: the true boxes of the same scenes, in the same order.
        classes: the classes that the means go over.
        min_iou: k.

    Raises:
        MetricInputError: if the numbers of scenes differ, there is no true box, no class, or a true box of a
            class that is not in the list.
    """
    check_scenes(detections, truths)
    if not classes:
        raise MetricInputError("no classes to average over")
    unlisted = sorted({name for true in truths for name in true.classes} - set(classes))
    if unlisted:
        raise MetricInputError(f"true box of class {unlisted[0]!r}, which is not among the classes {classes}")
    by_class = {name: _counts(detections, truths, name, min_iou) for name in classes}
    return DetectionF1(
        precision=float(np.mean([counts.precision for counts in by_class.values()])),
        recall=float(np.mean([counts.recall for counts in by_class.values()])),
        f1=float(np.mean([counts.f1 for counts in by_class.values()])),
        by_class=by_class,
    )


def _counts(
    detections: Sequence[LabelledBoxes], truths: Sequence[LabelledBoxes], name: str, min_iou: float
) -> DetectionCounts:
    matched = predicted = expected = 0
    for detected, true in zip(detections, truths, strict=True):
        _, ious = class_ious(detected, true, name)
        predicted += ious.shape[0]
        expected += ious.shape[1]
        matched += greedy_matches(ious, min_iou)
    return DetectionCounts(matched, predicted - matched, expected - matched)


def greedy_matches(ious: np.ndarray, min_iou: float) -> int:
    """Count the rows that get a column, each in turn taking the best untaken one above `min_iou`.

    Args:
        ious: (P, G) IoU of each detection, in its order of output, with each true box.
        min_iou: IoU that a pair has to exceed.
    """
    untaken = np.ones(ious.shape[1], dtype=bool)
    for row in ious:
        if not untaken.any():
            break
        best = int(np.argmax(np.where(untaken, row, -1.0)))
        if row[best] > min_iou:
            untaken[best] = False
    return int(np.count_nonzero(~untaken))
