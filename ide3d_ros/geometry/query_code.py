# SPDX-License-Identifier: Apache-2.0
"""How a box query writes down a 3D box by itself, without a visual token to lean on, and how to read it.

This is the code of a preset whose box head reads the query's own state (LLMI3D, arXiv 2408.07422, as far as
it is known; the rest follows Cube R-CNN, arXiv 2207.10660). A vector has `SIZE` numbers:

=========  =====  ======================================================================================
slot       width  meaning
=========  =====  ======================================================================================
center     2      projected box centre, 0..1 from the left and the upper edge of the network image
depth      1      log of the virtual depth, as in `box_code`
extents    3      log of the full extents, metres
rotation   6      first two columns of the allocentric rotation, before Gram-Schmidt
log_scale  1      log of the standard deviation of the box's corners, metres
=========  =====  ======================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.box_code import decode_centers
from ide3d_ros.geometry.rotation import egocentric_from_allocentric, rotation_6d_to_matrix

CENTER = slice(0, 2)
DEPTH = 2
EXTENTS = slice(3, 6)
ROTATION = slice(6, 12)
LOG_SCALE = 12
SIZE = 13

MAX_LOG = 4.0
"""Bound of coded logs: a wild vector still gives a finite box."""
FACING = (0.0, 0.0, -1.0, 1.0, 0.0, 0.0)
"""Rotation slots of an upright box on the optical axis whose front looks into the camera."""


@dataclass(frozen=True)
class QueryBoxes:
    """Hold N boxes that queries stated.

    Attributes:
        centers, extents: (N, 3) metres; centres in the optical frame.
        rotations: (N, 3, 3) optical-from-box.
        scales: (N,) standard deviation of a corner, metres.
    """

    centers: np.ndarray
    extents: np.ndarray
    rotations: np.ndarray
    scales: np.ndarray


def readable(vectors: np.ndarray) -> np.ndarray:
    """Tell which vectors (N, SIZE) are finite and have two columns that span a rotation, as (N,) bool."""
    vectors = np.asarray(vectors, np.float64)
    finite = np.isfinite(vectors).all(-1)
    columns = np.where(finite[:, None], vectors[:, ROTATION], 0.0)
    first, second = columns[:, :3], columns[:, 3:]
    area = np.linalg.norm(np.cross(first, second), axis=-1)
    return finite & (area > 1e-6 * np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1) + 1e-12)


def decode_query_boxes(
    vectors: np.ndarray, camera_matrix: np.ndarray, size: tuple[int, int], focal_virtual: float | None
) -> QueryBoxes:
    """Turn vectors into metric boxes.

    Args:
        vectors: (N, SIZE), all `readable`.
        camera_matrix: (N, 3, 3) or (3, 3) intrinsics of the network image.
        size: width and height of the network image, pixels.
        focal_virtual: focal length of the virtual camera, pixels; None where depths are coded as they are.

    Raises:
        RotationError: if a vector's rotation is not readable.
    """
    vectors = np.asarray(vectors, np.float64)
    pixels = vectors[:, CENTER] * np.array(size) - 0.5  # the edge lies half a pixel before the first centre
    log_depth = vectors[:, DEPTH].clip(-MAX_LOG, MAX_LOG)
    centers = decode_centers(pixels, log_depth, camera_matrix, focal_virtual)
    allocentric = rotation_6d_to_matrix(vectors[:, ROTATION])
    return QueryBoxes(
        centers=centers,
        extents=np.exp(vectors[:, EXTENTS].clip(-MAX_LOG, MAX_LOG)),
        rotations=egocentric_from_allocentric(allocentric, centers),
        scales=np.exp(vectors[:, LOG_SCALE].clip(-MAX_LOG, MAX_LOG)),
    )
