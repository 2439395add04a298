# SPDX-License-Identifier: Apache-2.0
"""sensor_msgs Image and CompressedImage to numpy pictures and back.

Towards numpy nothing is copied when the message is rgb8 already; towards ROS the pixels travel as
`array.array`, the one container that rclpy takes over in a single copy whether or not it checks field types.
"""

from __future__ import annotations

import array
import sys

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from ide3d_ros.conversions import installed_cv_bridge
from ide3d_ros.conversions.encodings import COLOR_ENCODINGS, DEPTH_ENCODINGS, Encoding
from ide3d_ros.conversions.stamps import header

MAX_SIDE = 8192
"""Widest and tallest picture taken, pixels: what comes from outside has a limit."""
MAX_COMPRESSED_BYTES = 64 * 1024 * 1024
PNG_START = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8\xff"


class ImageError(ValueError):
    """An image message cannot be read, or a picture cannot be written as one; the sentence says why."""


def check_image(message: Image) -> Encoding:
    """Check that an image message can become an RGB picture, without touching its pixels.

    Args:
        message: an image with a colour, grey, Bayer or YUV 4:2:2 encoding.

    Returns:
        The layout of its pixels.

    Raises:
        ImageError: if encoding, width, height, step and the length of the data do not make a picture.
    """
    encoding = COLOR_ENCODINGS.get(message.encoding)
    if encoding is None:
        if message.encoding in DEPTH_ENCODINGS:
            raise ImageError(
                f"image encoding {message.encoding!r} is a depth picture where a colour one is needed; "
                "remap the topic to the camera's RGB image"
            )
        raise ImageError(
            f"image encoding {message.encoding[:40]!r} is not supported; publish one of "
            f"{', '.join(COLOR_ENCODINGS)}"
        )
    _check_layout(message, encoding)
    if encoding.channels == 2 and message.width % 2:
        raise ImageError(f"image width {message.width} is odd, but {message.encoding} pairs its pixels")
    return encoding


def rgb_from_image(message: Image) -> np.ndarray:
    """Read an image message as an RGB picture.

    Args:
        message: an image with a colour, grey, Bayer or YUV 4:2:2 encoding; `step` may exceed the row.

    Returns:
        (H, W, 3) uint8 RGB. For rgb8 a read-only view of the message's own memory, else a new array.

    Raises:
        ImageError: if the message does not make a picture (see `check_image`).
    """
    encoding = check_image(message)
    pixels = _pixels(message, encoding)
    if encoding.to_rgb is None:
        return pixels
    bridged = installed_cv_bridge.to_rgb(message, encoding)
    if bridged is not None:
        return bridged
    return cv2.cvtColor(np.ascontiguousarray(pixels), encoding.to_rgb)


def check_depth_image(message: Image) -> Encoding:
    """Check that an image message can become a depth picture, without touching its pixels.

    Args:
        message: 16UC1 or mono16 in millimetres, or 32FC1 in metres.

    Returns:
        The layout of its pixels.

    Raises:
        ImageError: if the message is no depth picture.
    """
    encoding = DEPTH_ENCODINGS.get(message.encoding)
    if encoding is None:
        raise ImageError(
            f"image encoding {message.encoding[:40]!r} is not a depth picture; publish one of "
            f"{', '.join(DEPTH_ENCODINGS)}"
        )
    _check_layout(message, encoding)
    return encoding


def depth_from_image(message: Image) -> np.ndarray:
    """Read a depth image in metres, whatever its unit and byte order.

    Args:
        message: 16UC1 or mono16 in millimetres, or 32FC1 in metres.

    Returns:
        (H, W) float32 metres along the optical axis, a new array; nan where there is no measurement
        (0 and 65535 mm; zero, negative or infinite metres).

    Raises:
        ImageError: if the message is no depth picture.
    """
    encoding = check_depth_image(message)
    pixels = _pixels(message, encoding)
    if encoding.dtype.kind == "u":
        return metres_from_millimetres(pixels)
    return measured_metres(pixels.astype(np.float32))


def measured_metres(depth: np.ndarray) -> np.ndarray:
    """Copy (H, W) float32 metres; nan for zero, negative and infinite ones, which mean no measurement."""
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(np.nan))


def metres_from_millimetres(pixels: np.ndarray) -> np.ndarray:
    """Turn (H, W) uint16 millimetres into float32 metres; nan for 0 and 65535, which mean no measurement."""
    valid = (pixels > 0) & (pixels < 65535)
    return np.where(valid, pixels.astype(np.float32) * np.float32(1e-3), np.float32(np.nan))


def image_from_rgb(rgb: np.ndarray, *, stamp_ns: int, frame_id: str) -> Image:
    """Write an RGB picture as an rgb8 image message.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        stamp_ns: when the picture was taken, nanoseconds.
        frame_id: the camera's optical frame.

    Raises:
        ImageError: if the picture has another shape or type.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ImageError(f"an RGB picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
    return _image(rgb, "rgb8", stamp_ns, frame_id)


def image_from_depth(depth: np.ndarray, *, stamp_ns: int, frame_id: str) -> Image:
    """Write depth as a 32FC1 image message.

    Args:
        depth: (H, W) float, metres along the optical axis; nan where nothing was measured.
        stamp_ns: when the picture was taken, nanoseconds.
        frame_id: the camera's optical frame.

    Raises:
        ImageError: if the picture has another shape or type.
    """
    if depth.dtype.kind != "f" or depth.ndim != 2 or 0 in depth.shape:
        raise ImageError(f"a depth picture is (H, W) float, not {depth.shape} {depth.dtype}")
    return _image(depth.astype(np.float32, copy=False), "32FC1", stamp_ns, frame_id)


def rgb_from_compressed(message: CompressedImage) -> np.ndarray:
    """Decode a JPEG or PNG image message.

    Args:
        message: `format` is not trusted (drivers disagree on its spelling); the first bytes decide.

    Returns:
        (H, W, 3) uint8 RGB, a new array.

    Raises:
        ImageError: if the data is neither JPEG nor PNG, is damaged, holds depth or is too large.
    """
    data = np.frombuffer(message.data, np.uint8)
    if data.size > MAX_COMPRESSED_BYTES:
        raise ImageError(f"compressed image has {data.size} bytes, more than {MAX_COMPRESSED_BYTES}")
    if "compressedDepth" in message.format or message.format.split(";")[0].strip() in DEPTH_ENCODINGS:
        raise ImageError(f"compressed image format {message.format[:60]!r} is depth; use the RGB topic")
    start = data[:8].tobytes()
    if not start.startswith((_JPEG_START, PNG_START)):
        raise ImageError(
            f"compressed image of {data.size} bytes (format {message.format[:60]!r}) is neither JPEG nor PNG"
        )
    try:
        # OpenCV refuses pictures above its own pixel limit by raising, damaged ones by returning None.
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError(f"compressed image of {data.size} bytes cannot be decoded: {error.err}") from error
    if bgr is None:
        raise ImageError(f"compressed image of {data.size} bytes (format {message.format[:60]!r}) is damaged")
    if max(bgr.shape[:2]) > MAX_SIDE:
        raise ImageError(f"compressed image is {bgr.shape[1]}x{bgr.shape[0]}, larger than {MAX_SIDE} a side")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def compressed_from_rgb(
    rgb: np.ndarray, *, stamp_ns: int, frame_id: str, jpeg_quality: int = 90
) -> CompressedImage:
    """Write an RGB picture as a JPEG image message.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        stamp_ns: when the picture was taken, nanoseconds.
        frame_id: the camera's optical frame.
        jpeg_quality: 1 to 100.

    Raises:
        ImageError: if the picture has another shape or type, or cannot be encoded.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ImageError(f"an RGB picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, int(jpeg_quality)]
    )
    if not done:
        raise ImageError(f"a picture of {rgb.shape[1]}x{rgb.shape[0]} could not be written as JPEG")
    message = CompressedImage(header=header(frame_id, stamp_ns), format="jpeg")
    message.data = _bytes(data)
    return message


def _check_layout(message: Image, encoding: Encoding) -> None:
    if not (1 <= message.width <= MAX_SIDE and 1 <= message.height <= MAX_SIDE):
        raise ImageError(f"image size {message.width}x{message.height} is outside 1 to {MAX_SIDE} a side")
    row = message.width * encoding.pixel_bytes
    if message.step < row:
        raise ImageError(
            f"image step {message.step} is shorter than a row of {message.width} {message.encoding} pixels, "
            f"{row} bytes"
        )
    if len(message.data) != message.step * message.height:
        raise ImageError(
            f"image has {len(message.data)} bytes, but step {message.step} x height {message.height} = "
            f"{message.step * message.height}"
        )


def _pixels(message: Image, encoding: Encoding) -> np.ndarray:
    """View a checked message's pixels, (H, W[, C]) in native byte order; copies only to swap bytes."""
    big_endian = bool(message.is_bigendian) and encoding.dtype.itemsize > 1
    dtype = encoding.dtype.newbyteorder(">" if big_endian else "<")
    row = message.width * encoding.channels
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    pixels = np.ndarray(
        (message.height, row), dtype, buffer=rows.data, strides=(message.step, encoding.dtype.itemsize)
    )
    if dtype.byteorder not in ("=", "|") and (dtype.byteorder == ">") != (sys.byteorder == "big"):
        pixels = pixels.astype(encoding.dtype)
    if encoding.channels > 1:
        pixels = pixels.reshape(message.height, message.width, encoding.channels)
    pixels.flags.writeable = False  # the memory belongs to the message, which others may hold
    return pixels


def _image(pixels: np.ndarray, encoding: str, stamp_ns: int, frame_id: str) -> Image:
    height, width = pixels.shape[:2]
    message = Image(header=header(frame_id, stamp_ns), height=height, width=width, encoding=encoding)
    message.is_bigendian = int(sys.byteorder == "big")
    message.step = pixels.nbytes // height
    message.data = _bytes(pixels)
    return message


def _bytes(pixels: np.ndarray) -> array.array:
    data = array.array("B")
    data.frombytes(memoryview(np.ascontiguousarray(pixels)).cast("B"))
    return data
