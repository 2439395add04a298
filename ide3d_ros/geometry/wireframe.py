# SPDX-License-Identifier: Apache-2.0
"""Edges of boxes as lines in an image."""

from __future__ import annotations

import numpy as np

from ide3d_ros.geometry.box import EDGES, Box3D
from ide3d_ros.geometry.camera import Camera

_NEAR_M = 0.05
_EDGE_SAMPLES = 12


def box_polylines(box: Box3D, camera: Camera) -> list[np.ndarray]:
    """Project a box's edges, cut off in front of the camera.

    Args:
        box: metres, in the camera's optical frame.
        camera: the camera that looks at it.

    Returns:
        For each edge in front of the camera (N, 2) int32 pixels along it.
    """
    corners = box.corners()
    along = np.linspace(0.0, 1.0, _EDGE_SAMPLES)[:, None]
    # Far outside its picture a distortion polynomial folds back, so a point may only count where it is nearly
    # in view.
    limit = 2 * max(camera.width, camera.height)
    lines = []
    for start, end in EDGES:
        segment = _in_front(corners[start], corners[end])
        if segment is None:
            continue
        pixels = camera.project(segment[0] * (1 - along) + segment[1] * along)
        usable = np.isfinite(pixels).all(1) & (np.abs(pixels) < limit).all(1)
        if usable.sum() >= 2:
            lines.append(np.round(pixels[usable]).astype(np.int32))
    return lines


def _in_front(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    if start[2] < _NEAR_M and end[2] < _NEAR_M:
        return None
    if start[2] < _NEAR_M:
        start = end + (start - end) * ((end[2] - _NEAR_M) / (end[2] - start[2]))
    elif end[2] < _NEAR_M:
        end = start + (end - start) * ((start[2] - _NEAR_M) / (start[2] - end[2]))
    return start, end
