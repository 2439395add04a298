# SPDX-License-Identifier: Apache-2.0
"""Vectors of `geometry.query_code` as a perfect network would write them."""

from __future__ import annotations

import numpy as np

from ide3d_ros.geometry import Box3D, Camera, allocentric_from_egocentric, matrix_to_rotation_6d
from ide3d_ros.geometry.query_code import CENTER, DEPTH, EXTENTS, LOG_SCALE, ROTATION, SIZE


def write_query_vector(
    box: Box3D, camera: Camera, focal_virtual: float | None, log_scale: float = 0.0
) -> np.ndarray:
    """State a box as a query does, (SIZE,) float64; written apart from the code that reads it."""
    vector = np.zeros(SIZE)
    u, v = camera.project(box.center[None])[0]
    vector[CENTER] = (u + 0.5) / camera.width, (v + 0.5) / camera.height
    scale = 1.0 if focal_virtual is None else focal_virtual / camera.focal
    vector[DEPTH] = np.log(box.center[2] * scale)
    vector[EXTENTS] = np.log(box.extents)
    vector[ROTATION] = matrix_to_rotation_6d(allocentric_from_egocentric(box.rotation, box.center))
    vector[LOG_SCALE] = log_scale
    return vector
