# SPDX-License-Identifier: Apache-2.0
"""What the `encoding` strings of sensor_msgs/Image mean: their memory layout and the way to RGB.

The names are those of sensor_msgs/image_encodings.hpp. OpenCV names a Bayer pattern after the second row's
second and third pixel, ROS after the first row, so ROS's rggb is OpenCV's BG and so on.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Encoding:
    """Describe one pixel encoding.

    Attributes:
        dtype: type of one channel, in native byte order.
        channels: channels of one pixel as they lie in memory.
        to_rgb: cv2 conversion code to RGB; None when the pixels are RGB already or are no colour picture.
    """

    dtype: np.dtype
    channels: int
    to_rgb: int | None = None

    @property
    def pixel_bytes(self) -> int:
        """Return the bytes of one pixel."""
        return self.dtype.itemsize * self.channels


_U8 = np.dtype(np.uint8)

COLOR_ENCODINGS: dict[str, Encoding] = {
    "rgb8": Encoding(_U8, 3),
    "bgr8": Encoding(_U8, 3, cv2.COLOR_BGR2RGB),
    "rgba8": Encoding(_U8, 4, cv2.COLOR_RGBA2RGB),
    "bgra8": Encoding(_U8, 4, cv2.COLOR_BGRA2RGB),
    "mono8": Encoding(_U8, 1, cv2.COLOR_GRAY2RGB),
    # OpenCV's own type names carry no colour order; OpenCV's order is BGR.
    "8UC1": Encoding(_U8, 1, cv2.COLOR_GRAY2RGB),
    "8UC3": Encoding(_U8, 3, cv2.COLOR_BGR2RGB),
    "8UC4": Encoding(_U8, 4, cv2.COLOR_BGRA2RGB),
    "bayer_rggb8": Encoding(_U8, 1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": Encoding(_U8, 1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": Encoding(_U8, 1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": Encoding(_U8, 1, cv2.COLOR_BayerGB2RGB),
    "yuv422": Encoding(_U8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": Encoding(_U8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": Encoding(_U8, 2, cv2.COLOR_YUV2RGB_YUY2),
    "yuyv": Encoding(_U8, 2, cv2.COLOR_YUV2RGB_YUY2),
}
"""Encodings that become an RGB picture."""

DEPTH_ENCODINGS: dict[str, Encoding] = {
    "16UC1": Encoding(np.dtype(np.uint16), 1),
    "mono16": Encoding(np.dtype(np.uint16), 1),
    "32FC1": Encoding(np.dtype(np.float32), 1),
}
"""Encodings that become a depth picture: whole millimetres in 16 bits, metres in 32 (REP 118)."""
