# SPDX-License-Identifier: Apache-2.0
"""Planar geometry of upright boxes: footprints, overlap and clearance."""

from __future__ import annotations

import numpy as np


def turn(angle: float) -> np.ndarray:
    """Return the (2, 2) rotation of the floor plane by ``angle`` radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def footprint(position: np.ndarray, yaw: float, extents: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Return the corners of an upright box seen from above.

    Args:
        position: (2,) or (3,) metres; only x and y count.
        yaw: radians about z.
        extents: (2,) or (3,) full sizes, metres.
        margin: added on every side, metres.

    Returns:
        (4, 2) float64 corners, counter-clockwise.
    """
    half = np.asarray(extents)[:2] / 2 + margin
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * half
    return corners @ turn(yaw).T + np.asarray(position)[:2]


def rectangles_overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Say whether two rectangles (4, 2) share area, by the separating-axis theorem."""
    for corners in (a, b):
        for axis in (corners[1] - corners[0], corners[2] - corners[1]):
            pa, pb = a @ axis, b @ axis
            if pa.max() <= pb.min() or pb.max() <= pa.min():
                return False
    return True


def distance_to_box(point: np.ndarray, position: np.ndarray, yaw: float, extents: np.ndarray) -> float:
    """Return the distance from a point to an upright box, 0 inside it.

    Args:
        point: (3,) metres.
        position: (3,) middle of the box's bottom face, metres.
        yaw: radians about z.
        extents: (3,) full sizes, metres.
    """
    offset = point - position
    local = np.array([*(turn(yaw).T @ offset[:2]), offset[2] - extents[2] / 2])
    return float(np.linalg.norm(np.maximum(np.abs(local) - extents / 2, 0.0)))
