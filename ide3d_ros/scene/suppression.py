# SPDX-License-Identifier: Apache-2.0
"""Keep one detection for each thing: greedy suppression by oriented 3D overlap.

The exact overlap of two boxes costs more than all the rest, so it is taken only of pairs that a bound, which
is computed for all pairs at once, does not rule out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.iou import iou_bounds, oriented_iou
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
    return suppress_each([detections], threshold)[0]


def suppress_each(lists: Sequence[Iterable[Detection]], threshold: float) -> list[tuple[Detection, ...]]:
    """Do what `suppress_overlaps` does for several lists, which do not see one another.

    Args:
        lists: of detections in any order.
        threshold: oriented IoU from which two boxes are one thing, 0..1.

    Returns:
        The survivors of each list, best score first.
    """
    ordered = [sorted(one, key=lambda detection: -detection.score) for one in lists]
    detections = [detection for one in ordered for detection in one]
    groups: dict[tuple[int, int], int] = {}
    group = np.array(
        [
            groups.setdefault((owner, id(detection.frame)), len(groups))
            for owner, one in enumerate(ordered)
            for detection in one
        ]
    )
    dropped = _overlapped([detection.box for detection in detections], group, threshold)
    left = iter(dropped)
    return [tuple(detection for detection in one if not next(left)) for one in ordered]


def _overlapped(boxes: Sequence[Box3D], group: np.ndarray, threshold: float) -> list[bool]:
    """Tell which boxes overlap an earlier one of their group that does not itself."""
    dropped = [False] * len(boxes)
    first, second = np.nonzero(np.triu(group[:, None] == group[None], 1)) if len(boxes) else ((), ())
    if not len(first):
        return dropped
    bounds, exact = iou_bounds(boxes, first, second)
    near = bounds >= threshold
    # Ordered by the later box, so that what a pair rests on has been decided before.
    pairs = sorted(zip(second[near].tolist(), first[near].tolist(), exact[near].tolist(), strict=True))
    for later, earlier, is_known in pairs:
        if not dropped[later] and not dropped[earlier]:
            dropped[later] = is_known or oriented_iou(boxes[later], boxes[earlier]) >= threshold
    return dropped
