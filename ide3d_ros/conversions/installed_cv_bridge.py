# SPDX-License-Identifier: Apache-2.0
"""The ROS installation's own cv_bridge, where there is one.

It knows its robot's encodings and is what other nodes there use, so colour conversion goes through it. The
packages of that name on PyPI are not it (they corrupt 16-bit images); only the compiled one counts.
"""

from __future__ import annotations

import functools

import numpy as np
from sensor_msgs.msg import Image

from ide3d_ros.conversions.encodings import Encoding


@functools.cache
def _bridge():
    try:
        from cv_bridge import CvBridge
        from cv_bridge.boost import cv_bridge_boost  # noqa: F401  (compiled: absent from the PyPI look-alikes)
    except ImportError:
        return None
    return CvBridge()


def to_rgb(message: Image, encoding: Encoding) -> np.ndarray | None:
    """Convert a checked image message to RGB with cv_bridge.

    Args:
        message: an image that `images.check_image` has let through.
        encoding: the layout of its pixels.

    Returns:
        (H, W, 3) uint8 RGB, or None where cv_bridge is absent or would misread this message: it takes padding
        for pixels when that is not a whole number of them, and some of its versions lack an encoding.
    """
    bridge = _bridge()
    if bridge is None or message.step % encoding.pixel_bytes:
        return None
    if message.encoding.startswith("8UC"):
        return None  # no colour order in the name: cv_bridge refuses what we read as OpenCV's order
    try:
        rgb = bridge.imgmsg_to_cv2(message, desired_encoding="rgb8")
    except Exception:  # CvBridgeError, KeyError, RuntimeError: which one differs between its versions
        return None
    usable = rgb.dtype == np.uint8 and rgb.shape == (message.height, message.width, 3)
    return rgb if usable else None
