# SPDX-License-Identifier: Apache-2.0
"""Cameras, oriented boxes, rotations, rigid motions and box overlap: the project's conventions."""

from ide3d_ros.geometry.box import CORNER_SIGNS, EDGES, Box3D, BoxError
from ide3d_ros.geometry.camera import Camera, CameraError, Letterbox
from ide3d_ros.geometry.iou import iou_matrix, oriented_iou
from ide3d_ros.geometry.rotation import (
    RotationError,
    allocentric_from_egocentric,
    egocentric_from_allocentric,
    gravity_angles,
    matrix_to_quaternion,
    matrix_to_rotation_6d,
    normalize_quaternion,
    optical_from_level,
    quaternion_to_matrix,
    rotation_6d_to_matrix,
    wrap_angle,
    yaw_rotation,
    yawed_quaternion,
)
from ide3d_ros.geometry.transform import TransformError

__all__ = [
    "CORNER_SIGNS",
    "EDGES",
    "Box3D",
    "BoxError",
    "Camera",
    "CameraError",
    "Letterbox",
    "RotationError",
    "TransformError",
    "allocentric_from_egocentric",
    "egocentric_from_allocentric",
    "gravity_angles",
    "iou_matrix",
    "matrix_to_quaternion",
    "matrix_to_rotation_6d",
    "normalize_quaternion",
    "optical_from_level",
    "oriented_iou",
    "quaternion_to_matrix",
    "rotation_6d_to_matrix",
    "wrap_angle",
    "yaw_rotation",
    "yawed_quaternion",
]
