# SPDX-License-Identifier: Apache-2.0
"""Check depth messages, fit them to the frames that they belong to, refuse what cannot be used, and say why.

As with images nothing is decoded here: what is checked are header fields, and pixels are read by the worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from ide3d_ros.conversions.compressed_depth import check_depth, depth_from_compressed
from ide3d_ros.conversions.images import ImageError, depth_from_image
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes.frames import FrameInput
from ide3d_ros.nodes.intake import IntakeError

DEPTH_TRANSPORTS: dict[str, tuple[type, str]] = {
    "raw": (Image, ""),
    "compressedDepth": (CompressedImage, "/compressedDepth"),
}
"""Type of the messages and what the topic's name ends in, by the parameter depth.transport."""


@dataclass(frozen=True)
class DepthImage:
    """Hold an accepted depth message.

    Attributes:
        stamp_ns: when it was taken, nanoseconds.
        frame_id: the optical frame that it is stated in.
        size: width and height, pixels; None where only decoding tells.
        read: decodes it to (H, W) float32 metres, nan where nothing was measured.
    """

    stamp_ns: int
    frame_id: str
    size: tuple[int, int] | None
    read: Callable[[], np.ndarray]


class DepthIntake:
    """Take the depth messages of one camera.

    Attributes:
        received: messages.
        refused: messages, and frames whose depth does not fit them, by one word for the cause.
        last_refusal: the newest cause as a sentence; empty when there was none.
    """

    def __init__(self, topic: str) -> None:
        """Make the intake of one topic.

        Args:
            topic: its full name, for messages.
        """
        self.topic = topic
        self.received = 0
        self.refused: Counter[str] = Counter()
        self.last_refusal = ""

    def take(self, message: Image | CompressedImage) -> DepthImage:
        """Accept a depth message; its memory is read when its frame is used.

        Raises:
            IntakeError: if it cannot be used.
        """
        self.received += 1
        is_raw = isinstance(message, Image)
        try:
            check_depth(message)
        except ImageError as error:
            raise self._refusal("encoding", str(error)) from error
        stamp_ns = nanoseconds_from_time(message.header.stamp)
        if stamp_ns <= 0:
            raise self._refusal(
                "stamp",
                "the depth's stamp is zero; set the camera driver to stamp it as it stamps its images",
            )
        return DepthImage(
            stamp_ns=stamp_ns,
            frame_id=message.header.frame_id,
            size=(message.width, message.height) if is_raw else None,
            read=lambda: depth_from_image(message) if is_raw else depth_from_compressed(message),
        )

    def reader(self, depth: DepthImage, frame: FrameInput) -> Callable[[], np.ndarray]:
        """Fit depth to the frame that it belongs to.

        Returns:
            What reads (H, W) float32 metres in the pixels of the frame's image; it raises ImageError.

        Raises:
            IntakeError: if the depth is not registered to the image.
        """
        if depth.frame_id.lstrip("/") != frame.frame_id.lstrip("/"):
            raise self._refusal(
                "frame_id",
                f"the depth is in frame {depth.frame_id[:80]!r} but the image in {frame.frame_id[:80]!r}; "
                "let the driver register depth to the colour image (aligned or registered depth)",
            )
        camera = frame.camera
        if depth.size is not None and (fault := _size_fault(depth.size, camera)):
            raise self._refusal("size", fault)

        def read() -> np.ndarray:
            metres = depth.read()
            size = metres.shape[1], metres.shape[0]
            if fault := _size_fault(size, camera):
                raise ImageError(f"{self.topic}: {fault}")
            if size == (camera.width, camera.height):
                return metres
            # Depths of two surfaces do not mix.
            return cv2.resize(metres, (camera.width, camera.height), interpolation=cv2.INTER_NEAREST_EXACT)

        return read

    def _refusal(self, kind: str, text: str) -> IntakeError:
        self.refused[kind] += 1
        self.last_refusal = f"{self.topic}: {text}"
        return IntakeError(kind, self.last_refusal)


def _size_fault(size: tuple[int, int], camera: Camera) -> str:
    """Say why depth of a size cannot belong to a camera's image; empty when it can, if need be resized."""
    width, height = size
    if abs(height * camera.width - width * camera.height) < camera.width:  # to a pixel of rounding
        return ""
    return (
        f"the depth is {width}x{height} but its image {camera.width}x{camera.height}, another shape; "
        "let the driver register depth to the colour image (aligned or registered depth)"
    )
