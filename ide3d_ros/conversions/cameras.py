# SPDX-License-Identifier: Apache-2.0
"""sensor_msgs/CameraInfo to a Camera and back."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import CameraInfo

from ide3d_ros.conversions.stamps import header
from ide3d_ros.geometry.camera import Camera, CameraError

_PLUMB_BOB_LENGTHS = (4, 5)


class CameraInfoError(ValueError):
    """A camera_info message does not describe a calibrated pinhole camera; the sentence says what to do."""


def camera_from_info(message: CameraInfo) -> Camera:
    """Read the camera of a raw, unrectified image.

    Args:
        message: calibrated (K[0] > 0); distortion none or plumb_bob. Binning and the region of interest are
            applied, so that the camera fits the image that is really published.

    Returns:
        The camera of the published image, with its distortion.

    Raises:
        CameraInfoError: if the camera is not calibrated, has another distortion model or no size.
    """
    full = _full_camera(message, np.asarray(message.k, np.float64).reshape(3, 3), _distortion(message))
    return _published(full, message)


def rectified_camera_from_info(message: CameraInfo) -> Camera:
    """Read the camera of a rectified image (image_rect): P takes the place of K, and nothing is distorted.

    Args:
        message: calibrated (P[0] > 0).

    Returns:
        The camera of the published image, without distortion.

    Raises:
        CameraInfoError: if the camera is not calibrated or has no size.
    """
    projection = np.asarray(message.p, np.float64).reshape(3, 4)
    if not projection[0, 0] > 0:
        raise CameraInfoError(
            f"{_name(message)} has P[0] = {projection[0, 0]:g}: it is not rectified; "
            "calibrate it, or set camera.images to raw"
        )
    return _published(_full_camera(message, projection[:, :3], ()), message)


def info_from_camera(camera: Camera, *, stamp_ns: int, frame_id: str) -> CameraInfo:
    """Write a camera as camera_info, with P = [K | 0] and no rectification.

    Args:
        camera: distortion none or 4 to 5 plumb_bob coefficients.
        stamp_ns: stamp of the image that it belongs to, nanoseconds.
        frame_id: the camera's optical frame.
    """
    message = CameraInfo(header=header(frame_id, stamp_ns), width=camera.width, height=camera.height)
    message.distortion_model = "plumb_bob"
    coefficients = [float(value) for value in camera.distortion]
    message.d = coefficients + [0.0] * (5 - len(coefficients))
    matrix = np.asarray(camera.K, np.float64)
    message.k = matrix.reshape(9)
    message.r = np.eye(3).reshape(9)
    message.p = np.hstack([matrix, np.zeros((3, 1))]).reshape(12)
    return message


def _name(message: CameraInfo) -> str:
    return f"camera_info of {message.header.frame_id[:80]!r}"


def _distortion(message: CameraInfo) -> tuple[float, ...]:
    values = tuple(float(value) for value in message.d)
    if not any(values):
        return ()
    if message.distortion_model != "plumb_bob" or len(values) not in _PLUMB_BOB_LENGTHS:
        raise CameraInfoError(
            f"{_name(message)} has distortion model {message.distortion_model[:40]!r} with {len(values)} "
            "coefficients; only plumb_bob with 4 or 5 is known: feed image_proc's image_rect and set "
            "camera.images to rectified"
        )
    return values


def _full_camera(message: CameraInfo, matrix: np.ndarray, distortion: tuple[float, ...]) -> Camera:
    if not matrix[0, 0] > 0:
        raise CameraInfoError(
            f"{_name(message)} has K[0] = {matrix[0, 0]:g}: the camera is not calibrated; "
            "calibrate it (ros2 run camera_calibration cameracalibrator) or give its driver a file"
        )
    try:
        return Camera.from_matrix(matrix, int(message.width), int(message.height), distortion)
    except CameraError as error:
        raise CameraInfoError(f"{_name(message)} is not usable: {error}") from error


def _published(full: Camera, message: CameraInfo) -> Camera:
    """Apply region of interest, then binning, as sensor_msgs defines them."""
    camera = full
    roi = message.roi
    if roi.width and roi.height:
        if roi.x_offset + roi.width > full.width or roi.y_offset + roi.height > full.height:
            raise CameraInfoError(
                f"{_name(message)} has a region of interest of {roi.width}x{roi.height} at "
                f"({roi.x_offset}, {roi.y_offset}) outside its {full.width}x{full.height} image"
            )
        camera = camera.cropped(int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height))
    columns, rows = max(1, message.binning_x), max(1, message.binning_y)
    if (columns, rows) == (1, 1):
        return camera
    if columns > camera.width or rows > camera.height:
        raise CameraInfoError(f"{_name(message)} has binning {columns}x{rows}, more than its pixels")
    width, height = camera.width // columns, camera.height // rows
    # What does not fill a whole bin is not published, so it is cut off before the scale is taken.
    return camera.cropped(0, 0, width * columns, height * rows).resized(width, height)
