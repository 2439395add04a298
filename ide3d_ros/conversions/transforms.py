# SPDX-License-Identifier: Apache-2.0
"""geometry_msgs poses and transforms to rigid 4x4 matrices and back.

Inside the project a quaternion is (w, x, y, z), in ROS messages x, y, z, w: its order changes here alone.
"""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Pose, Quaternion, Transform, TransformStamped, Vector3

from ide3d_ros.conversions.stamps import header
from ide3d_ros.geometry.rotation import matrix_to_quaternion, quaternion_to_matrix


class TransformMessageError(ValueError):
    """A pose or transform message is not a rigid motion."""


def quaternion_message(quaternion: np.ndarray) -> Quaternion:
    """Write a unit quaternion, (4,) w x y z, as a message."""
    w, x, y, z = (float(value) for value in quaternion)
    return Quaternion(x=x, y=y, z=z, w=w)


def quaternion_from_message(message: Quaternion) -> np.ndarray:
    """Read a quaternion message.

    Returns:
        (4,) float64 w x y z, normalised.

    Raises:
        TransformMessageError: if it is not finite or has no length (a message nobody filled in is all zeros
            in C++).
    """
    quaternion = np.array([message.w, message.x, message.y, message.z], np.float64)
    length = float(np.linalg.norm(quaternion))
    if not np.isfinite(length) or length < 1e-6:
        raise TransformMessageError(f"quaternion {quaternion.tolist()} (w x y z) has no direction")
    return quaternion / length


def transform_from_matrix(
    target_from_source: np.ndarray, *, target_frame_id: str, source_frame_id: str, stamp_ns: int
) -> TransformStamped:
    """Write a rigid motion for TF.

    Args:
        target_from_source: (4, 4), takes points of the source frame to the target frame, metres.
        target_frame_id: the parent in TF (header.frame_id).
        source_frame_id: the child in TF.
        stamp_ns: when it holds, nanoseconds.
    """
    x, y, z = (float(value) for value in target_from_source[:3, 3])
    rotation = quaternion_message(matrix_to_quaternion(target_from_source[:3, :3]))
    return TransformStamped(
        header=header(target_frame_id, stamp_ns),
        child_frame_id=source_frame_id,
        transform=Transform(translation=Vector3(x=x, y=y, z=z), rotation=rotation),
    )


def matrix_from_transform(message: Transform) -> np.ndarray:
    """Read a transform message.

    Returns:
        (4, 4) float64 target_from_source, metres.

    Raises:
        TransformMessageError: if its numbers are not finite or its quaternion has no direction.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = quaternion_to_matrix(quaternion_from_message(message.rotation))
    matrix[:3, 3] = (message.translation.x, message.translation.y, message.translation.z)
    if not np.isfinite(matrix).all():
        raise TransformMessageError("the translation of a transform is not finite")
    return matrix


def pose_message(position: np.ndarray, quaternion: np.ndarray) -> Pose:
    """Write a position, (3,) metres, and a unit quaternion, (4,) w x y z, as a pose."""
    pose = Pose()
    fill_pose(pose, position, quaternion)
    return pose


def fill_pose(pose: Pose, position: np.ndarray, quaternion: np.ndarray) -> None:
    """Write a position, (3,) metres, and a unit quaternion, (4,) w x y z, into a pose message."""
    place, turn = pose.position, pose.orientation
    place.x, place.y, place.z = np.asarray(position, np.float64).tolist()
    turn.w, turn.x, turn.y, turn.z = np.asarray(quaternion, np.float64).tolist()
