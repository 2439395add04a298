# SPDX-License-Identifier: Apache-2.0
"""How well boxes match: ScanRefer's Acc@k and Multi3DRefer's F1@k over exact oriented IoU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.iou import iou_matrix, oriented_iou

from .inputs import MetricInputError

THRESHOLDS = (0.25, 0.5)


def first_box_iou(predictions: Sequence[Box3D], truth: Box3D) -> float:
    """Return the IoU of the best-scored prediction with the one true box.

    ScanRefer allows exactly one box for each description, so every prediction after the first is ignored; no
    prediction scores zero. Acc@k is the share of descriptions whose IoU is >= k.

    Args:
        predictions: best score first; may be empty.
        truth: the target's box, in the same frame.

    Returns:
        IoU in 0..1.
    """
    return oriented_iou(predictions[0], truth) if predictions else 0.0


def matched_ious(predictions: Sequence[Box3D], truths: Sequence[Box3D]) -> np.ndarray:
    """Match predictions to truths one to one so that the total IoU is largest.

    Args:
        predictions: P boxes.
        truths: G boxes, in the same frame.

    Returns:
        (min(P, G),) float64 IoU of each matched pair.
    """
    if not predictions or not truths:
        return np.zeros(0)
    ious = iou_matrix(predictions, truths)
    return ious[linear_sum_assignment(ious, maximize=True)]


def f1_score(pair_ious: np.ndarray, predicted: int, expected: int, threshold: float) -> float:
    """Score one expression: F1 = 2 TP / (P + G), TP = matched pairs with IoU >= threshold (Multi3DRefer).

    The matching maximises total IoU, not the number of true positives: that is the benchmark's rule, so one
    matching serves every threshold.

    Args:
        pair_ious: (min(P, G),) from `matched_ious`.
        predicted: P, number of predicted boxes.
        expected: G, number of true boxes.
        threshold: IoU from which a pair counts.

    Returns:
        F1 in 0..1; 1 where nothing is expected and nothing predicted, 0 where exactly one side is empty.

    Raises:
        MetricInputError: if there is not one IoU for each of the min(P, G) pairs.
    """
    if len(pair_ious) != min(predicted, expected):
        raise MetricInputError(
            f"{len(pair_ious)} matched pairs of {predicted} predicted and {expected} true boxes: "
            "give the IoU of all pairs, whatever it is"
        )
    if predicted + expected == 0:
        return 1.0
    return 2.0 * int(np.count_nonzero(pair_ious >= threshold)) / (predicted + expected)
