# SPDX-License-Identifier: Apache-2.0
"""Rigid motions as 4x4 matrices: `a_from_b` takes points stated in frame b to frame a, in metres."""

from __future__ import annotations

from functools import reduce

import numpy as np

from ide3d_ros.geometry.rotation import RotationError, nearest_rotation


class TransformError(ValueError):
    """A matrix is not a rigid motion."""


def from_rotation_translation(rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Build a rigid motion: rotate first, then move.

    Args:
        rotation: (3, 3) a_from_b.
        translation: (3,) origin of b in a, metres.

    Returns:
        (4, 4) float64 a_from_b.

    Raises:
        TransformError: if the rotation is not one, or the translation is not three finite numbers.
    """
    translation = np.asarray(translation, np.float64)
    if translation.shape != (3,) or not np.isfinite(translation).all():
        raise TransformError(f"translation {translation.tolist()} is not three finite numbers")
    matrix = np.eye(4)
    try:
        matrix[:3, :3] = nearest_rotation(rotation)
    except (RotationError, ValueError) as error:
        raise TransformError(str(error)) from error
    matrix[:3, 3] = translation
    return matrix


def checked(matrix: np.ndarray) -> np.ndarray:
    """Vouch for a rigid motion that comes from outside.

    Args:
        matrix: (4, 4).

    Returns:
        (4, 4) float64, a copy with its rotation orthonormal to float64 precision.

    Raises:
        TransformError: if it is not a rigid motion.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.shape != (4, 4) or not np.array_equal(matrix[3], (0, 0, 0, 1)):
        raise TransformError(f"a rigid motion is a 4x4 matrix with last row 0 0 0 1, not {matrix.tolist()}")
    return from_rotation_translation(matrix[:3, :3], matrix[:3, 3])


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Turn a_from_b into b_from_a.

    Args:
        matrix: (4, 4) rigid motion.

    Returns:
        (4, 4) float64.

    Raises:
        TransformError: if it is not a rigid motion.
    """
    matrix = checked(matrix)
    back = matrix[:3, :3].T
    return from_rotation_translation(back, -back @ matrix[:3, 3])


def compose(*matrices: np.ndarray) -> np.ndarray:
    """Chain rigid motions: `compose(a_from_b, b_from_c)` is a_from_c.

    Args:
        matrices: (4, 4) each; none at all gives the identity.

    Returns:
        (4, 4) float64.
    """
    return reduce(np.matmul, (np.asarray(matrix, np.float64) for matrix in matrices), np.eye(4))


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Take points from frame b to frame a.

    Args:
        matrix: (4, 4) a_from_b.
        points: (..., 3) in b, metres.

    Returns:
        (..., 3) float64 in a, metres.
    """
    matrix = np.asarray(matrix, np.float64)
    return np.asarray(points, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def turn_covariance(matrix: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """State a pose's covariance in another frame: `diag(R, R) C diag(R, R)^T`.

    Args:
        matrix: (4, 4) a_from_b; only its rotation counts.
        covariance: (6, 6) of (x, y, z, rotation about x, y, z), all along the axes of b.

    Returns:
        (6, 6) float64 along the axes of a, symmetric.
    """
    turn = np.kron(np.eye(2), np.asarray(matrix, np.float64)[:3, :3])
    turned = turn @ np.asarray(covariance, np.float64) @ turn.T
    return (turned + turned.T) / 2
