# SPDX-License-Identifier: Apache-2.0
"""Keep one detection for each thing: greedy suppression by oriented 3D overlap."""

from __future__ import annotations

from collections.abc import Iterable

from ide3d_ros.geometry.iou import iou_matrix
from ide3d_ros.scene.results import Detection


def suppress_overlaps(detections: Iterable[Detection], threshold: float) -> tuple[Detection, ...]:
    """Drop each detection that overlaps a better one of the same frame.

    Boxes of different frames are left alone: without poses they cannot be compared.

    Args:
        detections: in any order.
        threshold: oriented IoU from which two boxes are one thing, 0..1.

    Returns:
        The survivors, best score first.
    """
    kept: list[Detection] = []
    for candidate in sorted(detections, key=lambda detection: -detection.score):
        rivals = [other.box for other in kept if other.frame is candidate.frame]
        if not rivals or iou_matrix([candidate.box], rivals).max() < threshold:
            kept.append(candidate)
    return tuple(kept)
