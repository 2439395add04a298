# SPDX-License-Identifier: Apache-2.0
"""Labelled boxes of scenes, detected and true, as the measures of detection compare them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.iou import iou_matrix

from .inputs import MetricInputError, check_same_length, finite_vector


@dataclass(frozen=True)
class LabelledBoxes:
    """Hold the boxes of one scene or frame, true or detected (then in the order of output).

    Attributes:
        boxes: all stated in one frame.
        classes: one for each box.

    Raises:
        MetricInputError: if there is not one class for each box.
    """

    boxes: Sequence[Box3D]
    classes: Sequence[str]

    def __post_init__(self) -> None:
        if len(self.boxes) != len(self.classes):
            raise MetricInputError(f"{len(self.boxes)} boxes, {len(self.classes)} classes: give each box one")


@dataclass(frozen=True)
class ScoredBoxes(LabelledBoxes):
    """Hold the detections of one scene or frame with how sure each is.

    Attributes:
        scores: one for each box, finite, higher where surer.

    Raises:
        MetricInputError: if there is not one class and one score for each box, or a score is not finite.
    """

    scores: Sequence[float]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.boxes) != len(self.scores):
            raise MetricInputError(f"{len(self.boxes)} boxes, {len(self.scores)} scores: give each box one")
        finite_vector("scores", self.scores)


def class_ious(detected: LabelledBoxes, true: LabelledBoxes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Compare the boxes of one class in one scene.

    Args:
        detected: of the scene.
        true: of the same scene.
        name: the class.

    Returns:
        (P,) int indices of the class's detections, in the order of output, and (P, G) float64 oriented IoU of
        each with each of the class's G true boxes.
    """
    indices = np.array([i for i, other in enumerate(detected.classes) if other == name], dtype=np.intp)
    truths = [box for box, other in zip(true.boxes, true.classes, strict=True) if other == name]
    return indices, iou_matrix([detected.boxes[i] for i in indices], truths)


def check_scenes(detections: Sequence[LabelledBoxes], truths: Sequence[LabelledBoxes]) -> None:
    """Check that every scene has its detections and its truth, and that there is something to be found.

    Raises:
        MetricInputError: if not.
    """
    check_same_length(detections=detections, truths=truths)
    if not any(len(true.boxes) for true in truths):
        raise MetricInputError("no true box in any scene: there is nothing to be detected")
