# SPDX-License-Identifier: Apache-2.0
"""Rotations and the forms they come in: matrices, quaternions, 6D vectors, gravity angles and viewing rays.

Quaternions are (w, x, y, z). A rotation `a_from_b` takes vectors stated in frame b to frame a.
"""

from __future__ import annotations

import numpy as np
from pyquaternion import Quaternion

# A float32 rotation is orthonormal to about 1e-6; anything worse than this is another kind of matrix.
_ORTHONORMAL_TOLERANCE = 1e-4
_ROUNDING = 1e-14


class RotationError(ValueError):
    """A matrix, quaternion or vector does not describe a rotation."""


def wrap_angle(angle: np.ndarray | float) -> np.ndarray:
    """Bring angles into (-pi, pi], leaving those that already lie there exactly as they are.

    Args:
        angle: any shape, radians.

    Returns:
        float64 of the same shape, radians.
    """
    angle = np.asarray(angle, np.float64)
    wrapped = angle - 2 * np.pi * np.ceil((angle - np.pi) / (2 * np.pi))
    # Rounding may leave an angle a hair outside; both ends are the same direction, so pi stands for it.
    wrapped = np.where(np.abs(wrapped) >= np.pi, np.pi, wrapped)
    return np.where((angle > -np.pi) & (angle <= np.pi), angle, wrapped)[()]


def normalize_quaternion(quaternion: np.ndarray) -> np.ndarray:
    """Scale quaternions to unit length and pick, of the two that mean one rotation, the one with w >= 0.

    Args:
        quaternion: (..., 4) w x y z, of any positive length.

    Returns:
        (..., 4) float64; where w is 0, the first component that is not 0 is positive.

    Raises:
        RotationError: if one is not finite or has no length.
    """
    quaternion = np.asarray(quaternion, np.float64)
    if quaternion.shape[-1:] != (4,):
        raise RotationError(f"a quaternion has 4 components (w, x, y, z), not shape {quaternion.shape}")
    # Dividing by the largest component first keeps the squares from overflowing or vanishing.
    largest = np.abs(quaternion).max(-1, keepdims=True)
    usable = (np.isfinite(largest) & (largest > 0))[..., 0]
    _refuse(quaternion, ~usable, "has no direction as a quaternion (w, x, y, z)")
    quaternion = quaternion / largest
    quaternion = quaternion / np.sqrt((quaternion * quaternion).sum(-1, keepdims=True))
    # What rounding leaves of a zero must not choose the sign.
    leading = np.take_along_axis(quaternion, (np.abs(quaternion) > 1e-15).argmax(-1)[..., None], -1)
    return quaternion * np.sign(leading)


def quaternion_to_matrix(quaternion: np.ndarray) -> np.ndarray:
    """Turn quaternions into rotation matrices.

    Args:
        quaternion: (..., 4) w x y z, of any positive length.

    Returns:
        (..., 3, 3) float64.

    Raises:
        RotationError: if one is not finite or has no length.
    """
    quaternion = normalize_quaternion(quaternion)
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    xx, yy, zz, xy, xz, yz = x * x, y * y, z * z, x * y, x * z, y * z
    wx, wy, wz = w * x, w * y, w * z
    # Entry by entry: for a few matrices, stacking rows takes longer than the arithmetic.
    matrix = np.empty((*quaternion.shape[:-1], 3, 3))
    matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 0, 2] = 1 - 2 * (yy + zz), 2 * (xy - wz), 2 * (xz + wy)
    matrix[..., 1, 0], matrix[..., 1, 1], matrix[..., 1, 2] = 2 * (xy + wz), 1 - 2 * (xx + zz), 2 * (yz - wx)
    matrix[..., 2, 0], matrix[..., 2, 1], matrix[..., 2, 2] = 2 * (xz - wy), 2 * (yz + wx), 1 - 2 * (xx + yy)
    return matrix


def matrix_to_quaternion(matrix: np.ndarray) -> np.ndarray:
    """Turn rotation matrices into quaternions.

    Args:
        matrix: (..., 3, 3) rotations; float32 precision is good enough, the nearest rotation is taken.

    Returns:
        (..., 4) float64 w x y z, unit length, w >= 0.

    Raises:
        RotationError: if one is not a rotation: sheared, scaled, mirrored or not finite.
    """
    rotation = nearest_rotation(matrix)
    m = np.moveaxis(rotation, (-2, -1), (0, 1))
    # Every row is the quaternion times one of its components; the largest component loses no digits.
    products = np.empty((*rotation.shape[:-2], 4, 4))
    p = np.moveaxis(products, (-2, -1), (0, 1))
    p[0, 0] = 1 + m[0, 0] + m[1, 1] + m[2, 2]  # 4 w w, and so on
    p[1, 1] = 1 + m[0, 0] - m[1, 1] - m[2, 2]
    p[2, 2] = 1 - m[0, 0] + m[1, 1] - m[2, 2]
    p[3, 3] = 1 - m[0, 0] - m[1, 1] + m[2, 2]
    p[0, 1] = p[1, 0] = m[2, 1] - m[1, 2]
    p[0, 2] = p[2, 0] = m[0, 2] - m[2, 0]
    p[0, 3] = p[3, 0] = m[1, 0] - m[0, 1]
    p[1, 2] = p[2, 1] = m[0, 1] + m[1, 0]
    p[1, 3] = p[3, 1] = m[0, 2] + m[2, 0]
    p[2, 3] = p[3, 2] = m[1, 2] + m[2, 1]
    largest = np.diagonal(products, axis1=-2, axis2=-1).argmax(-1)
    return normalize_quaternion(np.take_along_axis(products, largest[..., None, None], -2)[..., 0, :])


def interpolate_quaternions(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """Turn from one rotation to another at an even pace, the shorter way round (slerp).

    Args:
        start, end: (4,) w x y z, of any positive length.
        share: how much of the way, 0..1.

    Returns:
        (4,) float64 w x y z, unit length, w >= 0.

    Raises:
        RotationError: if one is not finite or has no length.
    """
    ends = [Quaternion(array=normalize_quaternion(one)) for one in (start, end)]
    return normalize_quaternion(Quaternion.slerp(*ends, amount=share).elements)


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """Remove the rounding errors of rotation matrices.

    Args:
        matrix: (..., 3, 3), orthonormal to 1e-4.

    Returns:
        (..., 3, 3) float64, orthonormal to float64 precision and nearest to `matrix` in the Frobenius norm.

    Raises:
        RotationError: if one is not a rotation: sheared, scaled, mirrored or not finite.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.shape[-2:] != (3, 3):
        raise RotationError(f"a rotation matrix is 3x3, not of shape {matrix.shape}")
    with np.errstate(all="ignore"):
        error = np.abs(matrix @ np.swapaxes(matrix, -1, -2) - np.eye(3)).max((-2, -1))
    _refuse(matrix, ~(error <= _ORTHONORMAL_TOLERANCE), "is not a rotation: its columns are not orthonormal")
    _refuse(matrix, np.linalg.det(matrix) < 0, "is not a rotation but a reflection: its determinant is -1")
    if np.all(error <= _ROUNDING):  # as computed rotations are: an SVD would take longer than all the rest
        return matrix.copy()
    left, _, right = np.linalg.svd(matrix)
    return left @ right


def rotation_6d_to_matrix(vector: np.ndarray) -> np.ndarray:
    """Turn 6D vectors into rotation matrices by Gram-Schmidt (Zhou et al., CVPR 2019, arXiv 1812.07035).

    Args:
        vector: (..., 6): the first column, then the second; neither need be of unit length, nor square.

    Returns:
        (..., 3, 3) float64.

    Raises:
        RotationError: if the two columns do not span a plane.
    """
    vector = np.asarray(vector, np.float64)
    if vector.shape[-1:] != (6,):
        raise RotationError(f"a 6D rotation has 6 components, not shape {vector.shape}")
    first = _unit(vector[..., :3], "has no direction as the first column of a 6D rotation")
    second = _unit(vector[..., 3:], "has no direction as the second column of a 6D rotation")
    across = second - (first * second).sum(-1, keepdims=True) * first
    second = _unit(across, "is all that the columns of a 6D rotation differ by: they must not be parallel")
    return np.stack([first, second, np.cross(first, second)], -1)


def matrix_to_rotation_6d(matrix: np.ndarray) -> np.ndarray:
    """Keep the first two columns of rotation matrices, which say everything.

    Args:
        matrix: (..., 3, 3) rotations.

    Returns:
        (..., 6) float64: first column, then second.
    """
    matrix = np.asarray(matrix, np.float64)
    return np.concatenate([matrix[..., 0], matrix[..., 1]], -1)


def yaw_rotation(yaw: np.ndarray | float) -> np.ndarray:
    """Rotate about z, counter-clockwise seen from above.

    Args:
        yaw: any shape, radians.

    Returns:
        (..., 3, 3) float64.
    """
    yaw = np.asarray(yaw, np.float64)
    matrix = np.zeros((*yaw.shape, 3, 3))
    matrix[..., 0, 0] = matrix[..., 1, 1] = np.cos(yaw)
    matrix[..., 1, 0] = np.sin(yaw)
    matrix[..., 0, 1] = -matrix[..., 1, 0]
    matrix[..., 2, 2] = 1.0
    return matrix


def yawed_quaternion(quaternion: np.ndarray, yaw: float) -> np.ndarray:
    """Return the quaternion of a frame that is turned by ``yaw`` about its own z axis first.

    Args:
        quaternion: (4,) w x y z.
        yaw: radians.

    Returns:
        (4,) float64: ``quaternion * (cos(yaw / 2), 0, 0, sin(yaw / 2))``; its matrix is that of
        ``quaternion`` times ``yaw_rotation(yaw)``. Much cheaper than the way through matrices.
    """
    w, x, y, z = quaternion
    c, s = np.cos(yaw / 2), np.sin(yaw / 2)
    return np.array([w * c - z * s, x * c + y * s, y * c - x * s, w * s + z * c])


def optical_from_level(pitch: np.ndarray | float, roll: np.ndarray | float) -> np.ndarray:
    """Tilt a camera: `R0 @ (Ry(pitch) @ Rx(roll)).T`, R0 being the optical axes of one that is not tilted.

    The level frame shares the camera's origin; its z points up, its x along the horizontal heading of the
    optical axis, its y to the left.

    Args:
        pitch: any shape, radians; positive looks down.
        roll: of the same shape, radians; positive lowers the camera's right side (clockwise, as it looks).

    Returns:
        (..., 3, 3) float64; takes vectors of the level frame to the optical frame.
    """
    pitch, roll = np.asarray(pitch, np.float64), np.asarray(roll, np.float64)
    cos_pitch, sin_pitch, cos_roll, sin_roll = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    # The product, written out: every entry has one term.
    matrix = np.zeros((*cos_pitch.shape, 3, 3))
    matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 0, 2] = (
        -sin_pitch * sin_roll,
        -cos_roll,
        -cos_pitch * sin_roll,
    )
    matrix[..., 1, 0], matrix[..., 1, 1], matrix[..., 1, 2] = (
        -sin_pitch * cos_roll,
        sin_roll,
        -cos_pitch * cos_roll,
    )
    matrix[..., 2, 0], matrix[..., 2, 2] = cos_pitch, -sin_pitch
    return matrix + 0.0  # no zero is negative


def gravity_angles(optical_from_upright: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read a camera's pitch and roll off the rotation of anything upright: its level frame, a box.

    Args:
        optical_from_upright: (..., 3, 3) rotation whose z axis is up.

    Returns:
        pitch in [-pi/2, pi/2] and roll in (-pi, pi], each (...) float64, radians, as `optical_from_level`
        takes them. A camera that looks straight up or down has no roll of its own: 0 is returned.
    """
    up = np.asarray(optical_from_upright, np.float64)[..., 2]
    horizontal = np.hypot(up[..., 0], up[..., 1])
    pitch = np.arctan2(-up[..., 2], horizontal)
    roll = np.where(horizontal > 1e-12, np.arctan2(-up[..., 0], -up[..., 1]), 0.0)[()]
    return pitch, wrap_angle(roll)


def egocentric_from_allocentric(allocentric: np.ndarray, ray: np.ndarray) -> np.ndarray:
    """Turn rotations stated from the viewing ray into rotations stated in the optical frame.

    `R = M R_allo`, where M is the smallest rotation that takes the optical axis onto the ray: objects that
    look the same in an image patch share R_allo wherever in the image they are (Omni3D, arXiv 2207.10660).

    Args:
        allocentric: (..., 3, 3) rotations.
        ray: (..., 3) from the camera to the object, optical frame, of any length; not straight backwards.

    Returns:
        (..., 3, 3) float64.

    Raises:
        RotationError: if a ray has no length or points straight backwards.
    """
    return _axis_onto_ray(ray) @ np.asarray(allocentric, np.float64)


def allocentric_from_egocentric(egocentric: np.ndarray, ray: np.ndarray) -> np.ndarray:
    """Invert `egocentric_from_allocentric` for the same ray.

    Args:
        egocentric: (..., 3, 3) rotations in the optical frame.
        ray: (..., 3) from the camera to the object, optical frame, of any length; not straight backwards.

    Returns:
        (..., 3, 3) float64.

    Raises:
        RotationError: if a ray has no length or points straight backwards.
    """
    return np.swapaxes(_axis_onto_ray(ray), -1, -2) @ np.asarray(egocentric, np.float64)


def _axis_onto_ray(ray: np.ndarray) -> np.ndarray:
    ray = _unit(np.asarray(ray, np.float64), "has no direction as a viewing ray")
    x, y, z = ray[..., 0], ray[..., 1], ray[..., 2]
    _refuse(ray, z <= -1 + 1e-9, "points straight backwards: no single smallest rotation leads there")
    # Rodrigues about (-y, x, 0), written out; 1 / (1 + z) is (1 - cos) / sin^2, but smooth at the axis.
    share = 1 / (1 + z)
    rows = [1 - x * x * share, -x * y * share, x, -x * y * share, 1 - y * y * share, y, -x, -y, z]
    return np.stack(rows, -1).reshape(*z.shape, 3, 3)


def _unit(vector: np.ndarray, otherwise: str) -> np.ndarray:
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    _refuse(vector, ~(np.isfinite(length) & (length > 1e-9))[..., 0], otherwise)
    return vector / length


def _refuse(values: np.ndarray, bad: np.ndarray, why: str) -> None:
    """Raise for the first entry of a batch that is bad."""
    if bad.any():
        raise RotationError(f"{values[bad][0].tolist()} {why}")
