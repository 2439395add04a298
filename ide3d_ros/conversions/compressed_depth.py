# SPDX-License-Identifier: Apache-2.0
"""Depth as image_transport's `compressedDepth` sends it: a header of 12 bytes, then a PNG of 16 bits.

The PNG of a 16UC1 picture holds its millimetres. That of a 32FC1 picture holds inverse depth in whole steps,
`x = A / depth + B`, with A and B in the header. A third form, RVL, is refused: it is no PNG.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from ide3d_ros.conversions.images import (
    MAX_COMPRESSED_BYTES,
    MAX_SIDE,
    PNG_START,
    ImageError,
    check_depth_image,
    measured_metres,
    metres_from_millimetres,
)

_HEADER = struct.Struct("<iff")  # the kind of compression, A, B
_ENCODINGS = ("16UC1", "32FC1")


def check_compressed_depth(message: CompressedImage) -> str:
    """Check that a message can hold depth, without decoding it.

    Args:
        message: its `format` is such as "16UC1; compressedDepth png".

    Returns:
        The encoding of the depth inside, 16UC1 or 32FC1.

    Raises:
        ImageError: if it is no depth, is depth of a kind that is not read, or is too large.
    """
    shown = repr(message.format[:60])
    encoding, _, transport = (part.strip() for part in message.format.partition(";"))
    if not transport.startswith("compressedDepth"):
        raise ImageError(f"compressed image format {shown} is not compressedDepth; name the depth topic")
    if encoding not in _ENCODINGS:
        raise ImageError(
            f"compressed depth of format {shown} is not read; use one of {', '.join(_ENCODINGS)}"
        )
    if len(message.data) > MAX_COMPRESSED_BYTES:
        raise ImageError(f"compressed depth has {len(message.data)} bytes, more than {MAX_COMPRESSED_BYTES}")
    if not bytes(message.data[_HEADER.size : _HEADER.size + len(PNG_START)]) == PNG_START:
        raise ImageError(
            f"compressed depth of {len(message.data)} bytes (format {shown}) holds no PNG; set the "
            "publisher's compressedDepth format to png"
        )
    return encoding


def depth_from_compressed(message: CompressedImage) -> np.ndarray:
    """Decode a compressedDepth message.

    Args:
        message: 16UC1 or 32FC1, as PNG.

    Returns:
        (H, W) float32 metres along the optical axis; nan where there is no measurement.

    Raises:
        ImageError: if the message is no such depth, or is damaged.
    """
    encoding = check_compressed_depth(message)
    data = np.frombuffer(message.data, np.uint8)
    try:
        pixels = cv2.imdecode(data[_HEADER.size :], cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"compressed depth of {data.size} bytes cannot be decoded: {error.err}") from error
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 2:
        held = "is damaged" if pixels is None else f"holds {pixels.dtype} {pixels.shape}, not 16 bits a pixel"
        raise ImageError(f"compressed depth of {data.size} bytes {held}")
    if max(pixels.shape) > MAX_SIDE:
        raise ImageError(
            f"compressed depth is {pixels.shape[1]}x{pixels.shape[0]}, larger than {MAX_SIDE} a side"
        )
    if encoding == "16UC1":
        return metres_from_millimetres(pixels)
    _, scale, offset = _HEADER.unpack_from(data)
    above = pixels.astype(np.float32) - np.float32(offset)
    valid = (pixels > 0) & (above > 0)
    depth = np.divide(np.float32(scale), above, out=np.full(above.shape, np.nan, np.float32), where=valid)
    return measured_metres(depth)


def check_depth(message: Image | CompressedImage) -> None:
    """Check that a message of either kind can hold depth, without touching its pixels.

    Raises:
        ImageError: as `images.check_depth_image` or `check_compressed_depth`.
    """
    if isinstance(message, Image):
        check_depth_image(message)
    else:
        check_compressed_depth(message)
