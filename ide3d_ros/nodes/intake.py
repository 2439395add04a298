# SPDX-License-Identifier: Apache-2.0
"""Pair image messages with their camera, refuse what cannot be used, and say why.

Nothing is decoded here: the check reads header fields alone, so that a bad image costs nothing and never
takes the place of a good one that waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from ide3d_ros.conversions.cameras import CameraInfoError, camera_from_info, rectified_camera_from_info
from ide3d_ros.conversions.images import ImageError, check_image, rgb_from_compressed, rgb_from_image
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes.frames import FrameInput

CAMERA_READERS: dict[str, Callable[[CameraInfo], Camera]] = {
    "raw": camera_from_info,
    "rectified": rectified_camera_from_info,
}
"""How camera_info is read, by the parameter camera.images."""


class IntakeError(ValueError):
    """A message cannot become a frame.

    Attributes:
        kind: one word for counters: image, no_camera_info, camera_info, size, stamp or frame_id, and encoding
            for depth.
    """

    def __init__(self, kind: str, text: str) -> None:
        """Make an error of one kind."""
        super().__init__(text)
        self.kind = kind


class FrameIntake:
    """Hold the newest camera_info of one camera and turn its images into frames for the worker."""

    def __init__(self, image_kind: str, *, image_topic: str, info_topic: str) -> None:
        """Make the intake of one camera.

        Args:
            image_kind: "raw" or "rectified".
            image_topic: full name of the image topic, for messages.
            info_topic: full name of the camera_info topic, for messages.
        """
        self.received = 0
        self.refused: Counter[str] = Counter()
        self._read_camera = CAMERA_READERS[image_kind]
        self._image_topic = image_topic
        self._info_topic = info_topic
        self._camera: Camera | None = None
        self._camera_error = ""
        self._camera_frame_id = ""
        self._seen: tuple | None = None

    @property
    def camera(self) -> Camera | None:
        """Return the camera of the newest usable camera_info."""
        return self._camera

    def take_info(self, message: CameraInfo) -> None:
        """Read a camera_info message; the same calibration again costs nothing.

        Raises:
            IntakeError: if it does not describe a usable camera; images are then refused until one does.
        """
        seen = (
            message.header.frame_id,
            message.width,
            message.height,
            message.distortion_model,
            bytes(memoryview(np.asarray(message.d, np.float64))),
            bytes(memoryview(message.k)),
            bytes(memoryview(message.p)),
            (message.binning_x, message.binning_y),
            (message.roi.x_offset, message.roi.y_offset, message.roi.width, message.roi.height),
        )
        if seen == self._seen and self._camera is not None:
            return
        try:
            self._camera = self._read_camera(message)
        except CameraInfoError as error:
            self._camera = None
            self._camera_error = str(error)
            self._seen = None
            self.refused["camera_info"] += 1
            raise IntakeError("camera_info", f"{self._info_topic}: {error}") from error
        self._seen = seen
        self._camera_frame_id = message.header.frame_id

    def take_image(self, message: Image, *, received_s: float) -> FrameInput:
        """Accept a raw image.

        Args:
            message: the image; its memory is read when the frame is used.
            received_s: now, seconds of the worker's clock.

        Raises:
            IntakeError: if it cannot be used.
        """
        self.received += 1
        try:
            check_image(message)
        except ImageError as error:
            raise self._refusal("image", str(error)) from error
        camera = self._camera_for(message.header, received_size=(message.width, message.height))
        return self._frame(message.header, camera, lambda: rgb_from_image(message), received_s)

    def take_compressed(self, message: CompressedImage, *, received_s: float) -> FrameInput:
        """Accept a compressed image; it is decoded only if the frame is used.

        Args:
            message: JPEG or PNG.
            received_s: now, seconds of the worker's clock.

        Raises:
            IntakeError: if its header cannot be used.
        """
        self.received += 1
        camera = self._camera_for(message.header, received_size=None)

        def read() -> np.ndarray:
            rgb = rgb_from_compressed(message)
            if rgb.shape[:2] != (camera.height, camera.width):
                raise ImageError(self._size_text(rgb.shape[1], rgb.shape[0], camera))
            return rgb

        return self._frame(message.header, camera, read, received_s)

    def _camera_for(self, image_header, received_size: tuple[int, int] | None) -> Camera:
        if nanoseconds_from_time(image_header.stamp) <= 0:
            raise self._refusal(
                "stamp",
                "the image's stamp is zero; set the camera driver to stamp its images, boxes need a time",
            )
        if self._camera is None:
            if self._camera_error:
                raise self._refusal("camera_info", self._camera_error)
            text = f"no camera_info on {self._info_topic} yet; remap it to the camera's"
            raise self._refusal("no_camera_info", text)
        if not image_header.frame_id:
            raise self._refusal(
                "frame_id", "the image has no frame_id; set the camera driver's frame parameter"
            )
        if image_header.frame_id != self._camera_frame_id:
            raise self._refusal(
                "frame_id",
                f"the image is in frame {image_header.frame_id[:80]!r} but {self._info_topic} in "
                f"{self._camera_frame_id[:80]!r}; remap image and camera_info to the same camera",
            )
        if received_size is not None and received_size != (self._camera.width, self._camera.height):
            raise self._refusal("size", self._size_text(*received_size, self._camera))
        return self._camera

    def _size_text(self, width: int, height: int, camera: Camera) -> str:
        return (
            f"the image is {width}x{height} but {self._info_topic} describes {camera.width}x{camera.height}; "
            "remap image and camera_info to the same camera and resolution"
        )

    def _refusal(self, kind: str, text: str) -> IntakeError:
        self.refused[kind] += 1
        return IntakeError(kind, f"{self._image_topic}: {text}")

    @staticmethod
    def _frame(image_header, camera: Camera, read: Callable[[], np.ndarray], received_s: float) -> FrameInput:
        return FrameInput(
            read=read,
            camera=camera,
            stamp_ns=nanoseconds_from_time(image_header.stamp),
            frame_id=image_header.frame_id,
            received_s=received_s,
        )
