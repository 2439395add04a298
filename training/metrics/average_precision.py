# SPDX-License-Identifier: Apache-2.0
"""AP3D: average precision of detection over oriented IoU, by class and on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .detection import LabelledBoxes, ScoredBoxes, check_scenes, class_ious
from .inputs import MetricInputError, vector_in_unit_range

AP_THRESHOLDS = (0.15, 0.25, 0.5)


@dataclass(frozen=True)
class AveragePrecision:
    """Hold AP3D at one IoU threshold, in 0..1.

    Attributes:
        mean: unweighted mean over the classes that occur among the true boxes.
        by_class: AP of each of these classes, by name in alphabetical order.
    """

    mean: float
    by_class: dict[str, float]


def ap3d(
    detections: Sequence[ScoredBoxes],
    truths: Sequence[LabelledBoxes],
    thresholds: Sequence[float] = AP_THRESHOLDS,
) -> dict[float, AveragePrecision]:
    """Return AP3D of detections in any number of scenes.

    For each class, the detections of all scenes go by falling score (ties in the order given). Each takes the
    true box of its class and scene, among those not yet taken, that it overlaps most; with an IoU >= k it is
    a true positive and the box is taken, else a false positive. AP is then `interpolated_area`. Detections of
    a class that no true box has do not enter: its AP is not defined.

    Args:
        detections: one for each scene.
        truths: the true boxes of the same scenes, in the same order.
        thresholds: the values of k, above 0 and up to 1.

    Raises:
        MetricInputError: if the numbers of scenes differ, there is no true box or a threshold is out of
            range.
    """
    check_scenes(detections, truths)
    wrong = [k for k in thresholds if not 0 < k <= 1]
    if wrong:
        raise MetricInputError(f"IoU threshold {wrong[0]}: give one above 0 and up to 1")
    names = sorted({name for true in truths for name in true.classes})
    rows: dict[float, dict[str, float]] = {threshold: {} for threshold in thresholds}
    for name in names:
        compared = _Compared(detections, truths, name)
        for threshold in thresholds:
            hits = compared.true_positives(threshold)
            rows[threshold][name] = interpolated_area(*precision_recall(hits, compared.expected))
    return {k: AveragePrecision(float(np.mean(list(row.values()))), row) for k, row in rows.items()}


def precision_recall(hits: np.ndarray, expected: int) -> tuple[np.ndarray, np.ndarray]:
    """Return precision and recall after each detection.

    Args:
        hits: (P,) bool, true positive or not, surest detection first.
        expected: number of true boxes, at least 1.

    Returns:
        Two (P,) float64.

    Raises:
        MetricInputError: if nothing is expected, or there are more true positives than true boxes.
    """
    found = np.cumsum(np.asarray(hits, dtype=bool))
    if expected < 1 or (len(found) and found[-1] > expected):
        raise MetricInputError(f"{expected} true boxes for {found[-1] if len(found) else 0} true positives")
    return found / np.arange(1, len(found) + 1), found / expected


def interpolated_area(precision: np.ndarray, recall: np.ndarray) -> float:
    """Return AP = sum over the rises of recall of (rise * highest precision at that recall or beyond).

    This is the area under all points of the interpolated curve (PASCAL VOC from 2010 on), not a sample of 11
    or 101 of them. Recall that is never reached adds nothing.

    Args:
        precision: (P,) after each detection, surest first.
        recall: (P,) after each detection, not falling.

    Raises:
        MetricInputError: if the lengths differ, a value lies outside 0..1 or recall falls.
    """
    precision = vector_in_unit_range("precision", precision)
    recall = vector_in_unit_range("recall", recall)
    if len(precision) != len(recall):
        raise MetricInputError(f"{len(precision)} values of precision, {len(recall)} of recall")
    rises = np.diff(recall, prepend=0.0)
    if (rises < 0).any():
        raise MetricInputError("recall falls: give the curve surest detection first")
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(rises @ envelope)


class _Compared:
    """Hold one class's detections in all scenes, surest first, with their IoU to the true boxes.

    Attributes:
        expected: number of the class's true boxes.
    """

    def __init__(self, detections: Sequence[ScoredBoxes], truths: Sequence[LabelledBoxes], name: str) -> None:
        self.expected = 0
        self._offers: list[tuple[int, np.ndarray]] = []
        scores: list[float] = []
        for scene, (detected, true) in enumerate(zip(detections, truths, strict=True)):
            indices, ious = class_ious(detected, true, name)
            self.expected += ious.shape[1]
            self._offers += [(scene, row) for row in ious]
            scores += [detected.scores[i] for i in indices]
        order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
        self._offers = [self._offers[i] for i in order]

    def true_positives(self, threshold: float) -> np.ndarray:
        """Return (P,) bool, whether each detection takes a true box with IoU >= threshold."""
        free: dict[int, np.ndarray] = {}
        hits = np.zeros(len(self._offers), dtype=bool)
        for index, (scene, ious) in enumerate(self._offers):
            untaken = free.setdefault(scene, np.ones(len(ious), dtype=bool))
            if not untaken.any():
                continue
            best = int(np.argmax(np.where(untaken, ious, -1.0)))
            if ious[best] >= threshold:
                hits[index] = True
                untaken[best] = False
        return hits
