# SPDX-License-Identifier: Apache-2.0
"""Oriented 3D boxes: the only place that knows the order of their axes, corners and edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np

from ide3d_ros.geometry import transform
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.rotation import (
    RotationError,
    matrix_to_quaternion,
    normalize_quaternion,
    quaternion_to_matrix,
)

# Corner i lies at + of the own x axis where bit 0 of i is set, of y for bit 1, of z for bit 2, else at -.
CORNER_SIGNS = np.array([[(i >> axis & 1) * 2 - 1 for axis in range(3)] for i in range(8)], np.float64)
# An edge joins two corners that differ in one bit: four along x, four along y, four along z.
EDGES = np.array([[i, i | 1 << axis] for axis in range(3) for i in range(8) if not i >> axis & 1])
CORNER_SIGNS.flags.writeable = EDGES.flags.writeable = False

MIN_EXTENT_M = 1e-4
"""Shortest side of a box that has a thickness."""

# Points on a face belong to the box, whatever the rounding of its rotation.
_SURFACE_TOLERANCE_M = 1e-9


class BoxError(ValueError):
    """Numbers do not have the form of a box."""


@dataclass(frozen=True, eq=False)
class Box3D:
    """State where an oriented box is and how large.

    Its own x axis points out of the object's front, y to the object's left, z up (REP 103). The frame it is
    stated in is not part of the box. Its arrays are copies and read-only. A centre or extents without sense
    (not finite, negative) are kept, so that a bad prediction can be seen and dropped: ask `is_valid`.

    Attributes:
        center: (3,) float64, metres.
        extents: (3,) float64, full side lengths along the own axes, metres.
        quaternion: (4,) float64 w x y z; frame_from_box. Brought to unit length with w >= 0.

    Raises:
        BoxError: if an array has another shape, or the quaternion is zero or not finite.
    """

    center: np.ndarray
    extents: np.ndarray
    quaternion: np.ndarray

    def __post_init__(self) -> None:
        try:
            quaternion = normalize_quaternion(self.quaternion)
        except RotationError as error:
            raise BoxError(str(error)) from error
        self._keep("center", self.center, 3)
        self._keep("extents", self.extents, 3)
        self._keep("quaternion", quaternion, 4)

    def _keep(self, name: str, values: np.ndarray, length: int) -> None:
        array = np.array(values, np.float64)
        if array.shape != (length,):
            raise BoxError(f"{name} of a box has {length} numbers, not shape {array.shape}")
        array.flags.writeable = False
        object.__setattr__(self, name, array)

    @classmethod
    def from_matrix(cls, center: np.ndarray, extents: np.ndarray, rotation: np.ndarray) -> Box3D:
        """Build a box from a rotation matrix.

        Args:
            center: (3,) metres.
            extents: (3,) full side lengths, metres.
            rotation: (3, 3) frame_from_box.

        Raises:
            BoxError: if an array has another shape or the matrix is not a rotation.
        """
        try:
            return cls(center, extents, matrix_to_quaternion(rotation))
        except RotationError as error:
            raise BoxError(str(error)) from error

    @classmethod
    def from_matrices(cls, centers: np.ndarray, extents: np.ndarray, rotations: np.ndarray) -> list[Box3D]:
        """Build many boxes at once; each is what `from_matrix` makes of its row, but much sooner.

        Args:
            centers: (N, 3) metres.
            extents: (N, 3) full side lengths, metres.
            rotations: (N, 3, 3) frame_from_box.

        Raises:
            BoxError: if an array has another shape or a matrix is not a rotation.
        """
        centers, extents = np.array(centers, np.float64), np.array(extents, np.float64)
        rotations = np.asarray(rotations, np.float64)
        if not (centers.shape == extents.shape == (len(centers), 3) == rotations.shape[:2]):
            raise BoxError(
                f"centres, extents and rotations of boxes have shapes {centers.shape}, {extents.shape} and "
                f"{rotations.shape}; give (N, 3), (N, 3) and (N, 3, 3)"
            )
        try:
            quaternions = matrix_to_quaternion(rotations)
        except RotationError as error:
            raise BoxError(str(error)) from error
        matrices = quaternion_to_matrix(quaternions)
        for array in (centers, extents, quaternions, matrices):  # their rows are then read-only too
            array.flags.writeable = False
        boxes = []
        for center, lengths, quaternion, matrix in zip(centers, extents, quaternions, matrices, strict=True):
            box = object.__new__(cls)  # the rows are checked, so they need not be checked and copied again
            box.__dict__.update(center=center, extents=lengths, quaternion=quaternion, rotation=matrix)
            boxes.append(box)
        return boxes

    def __eq__(self, other: object) -> bool:
        """Compare exactly; two boxes that differ in rounding alone are not equal."""
        if not isinstance(other, Box3D):
            return NotImplemented
        return self._numbers == other._numbers

    def __hash__(self) -> int:
        return hash(self._numbers)

    @property
    def _numbers(self) -> tuple[float, ...]:
        return (*self.center.tolist(), *self.extents.tolist(), *self.quaternion.tolist())

    @cached_property
    def rotation(self) -> np.ndarray:
        """(3, 3) float64 frame_from_box, read-only; its columns are the own axes."""
        matrix = quaternion_to_matrix(self.quaternion)
        matrix.flags.writeable = False
        return matrix

    @property
    def volume(self) -> float:
        """Cubic metres."""
        return float(np.prod(self.extents))

    def is_valid(self, min_extent: float = MIN_EXTENT_M) -> bool:
        """Tell whether the box is finite and has a thickness.

        Args:
            min_extent: shortest side that counts, metres.
        """
        extents = self.extents.tolist()  # six numbers take Python less time than numpy
        return all(map(isfinite, (*self.center.tolist(), *extents))) and min(extents) >= min_extent

    def corners(self) -> np.ndarray:
        """Return the corners in the order of `CORNER_SIGNS`, which `EDGES` indexes.

        Returns:
            (8, 3) float64, metres, in the box's frame.
        """
        return (CORNER_SIGNS * (self.extents / 2)) @ self.rotation.T + self.center

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Tell which points lie in the box or on its surface.

        Args:
            points: (..., 3) metres, in the box's frame.

        Returns:
            (...) bool.
        """
        own = (np.asarray(points, np.float64) - self.center) @ self.rotation
        return (np.abs(own) <= self.extents / 2 + _SURFACE_TOLERANCE_M).all(-1)

    def transformed(self, target_from_source: np.ndarray) -> Box3D:
        """State the same box in another frame.

        Args:
            target_from_source: (4, 4) rigid motion out of the box's frame.

        Returns:
            The box in the target frame.

        Raises:
            BoxError: if the matrix is not a rigid motion.
        """
        try:
            motion = transform.checked(target_from_source)
        except transform.TransformError as error:
            raise BoxError(str(error)) from error
        return Box3D.from_matrix(
            transform.apply(motion, self.center), self.extents, motion[:3, :3] @ self.rotation
        )

    def projected(self, camera: Camera) -> np.ndarray:
        """Project the corners into an image.

        Args:
            camera: the camera in whose optical frame the box is stated.

        Returns:
            (8, 2) float64, (u, v) in pixels; NaN for corners that the camera cannot see at all.
        """
        return camera.project(self.corners())
