# SPDX-License-Identifier: Apache-2.0
"""IoU of axis-aligned boxes in closed form, as the benchmarks over ScanNet state their boxes.

Oriented boxes have `ide3d_ros.geometry.iou`.
"""

from __future__ import annotations

import numpy as np

from .inputs import MetricInputError

_EPSILON = 1e-8


def aligned_iou_matrix(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Measure how much each axis-aligned box of one array overlaps each of another.

    IoU = I / (A + B - I + 1e-8), with I the product over the axes of the overlap of [c - d/2, c + d/2].

    Args:
        first: (N, 6) boxes cx cy cz dx dy dz, metres: centre and full side lengths.
        second: (M, 6) boxes in the same frame.

    Returns:
        (N, M) float64 in 0..1; a box with a side of 0 overlaps nothing.

    Raises:
        MetricInputError: if a shape is wrong, a number is not finite or a side is negative.
    """
    first, second = _checked("first", first), _checked("second", second)
    low = np.maximum(
        (first[:, None, :3] - first[:, None, 3:] / 2), (second[None, :, :3] - second[None, :, 3:] / 2)
    )
    high = np.minimum(
        (first[:, None, :3] + first[:, None, 3:] / 2), (second[None, :, :3] + second[None, :, 3:] / 2)
    )
    shared = np.clip(high - low, 0.0, None).prod(axis=-1)
    volumes = first[:, None, 3:].prod(axis=-1) + second[None, :, 3:].prod(axis=-1)
    return shared / (volumes - shared + _EPSILON)


def _checked(name: str, boxes: np.ndarray) -> np.ndarray:
    array = np.asarray(boxes, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 6:
        raise MetricInputError(
            f"{name} boxes are (N, 6) numbers cx cy cz dx dy dz, not of shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise MetricInputError(f"a number of the {name} boxes is not finite")
    if (array[:, 3:] < 0).any():
        raise MetricInputError(f"a side of the {name} boxes is negative: give full side lengths")
    return array
