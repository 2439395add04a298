# SPDX-License-Identifier: Apache-2.0
"""compressedDepth messages, laid out by hand as image_transport's plugin writes them."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from ide3d_ros.conversions.compressed_depth import check_compressed_depth, depth_from_compressed
from ide3d_ros.conversions.images import ImageError


def message(pixels: np.ndarray, encoding: str, *, scale: float = 0.0, offset: float = 0.0) -> CompressedImage:
    """Write (H, W) uint16 with the plugin's header."""
    done, png = cv2.imencode(".png", pixels)
    assert done
    data = struct.pack("<iff", 0, scale, offset) + png.tobytes()
    return CompressedImage(format=f"{encoding}; compressedDepth png", data=data)


def test_millimetres_come_back_as_metres() -> None:
    pixels = np.array([[0, 1500, 65535], [1, 2000, 9999]], np.uint16)
    depth = depth_from_compressed(message(pixels, "16UC1"))
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, [[np.nan, 1.5, np.nan], [0.001, 2.0, 9.999]], rtol=1e-6)


def test_metres_come_back_from_inverse_depth() -> None:
    # The plugin's defaults: 10 m at most, steps that fit the noise of a camera at 100 m.
    scale = 100.0 * 101.0
    offset = 1.0 - scale / 10.0
    metres = np.array([[0.5, 1.0], [4.0, 9.5]])
    pixels = (scale / metres + offset).astype(np.uint16)
    pixels = np.vstack([pixels, [0, 0]]).astype(np.uint16)
    depth = depth_from_compressed(message(pixels, "32FC1", scale=scale, offset=offset))
    np.testing.assert_allclose(depth[:2], metres, rtol=0.01)
    assert np.isnan(depth[2]).all()


def test_older_format_without_the_kind_is_read() -> None:
    made = message(np.full((2, 2), 700, np.uint16), "16UC1")
    made.format = "16UC1; compressedDepth"
    np.testing.assert_allclose(depth_from_compressed(made), 0.7, rtol=1e-6)


@pytest.mark.parametrize(
    ("format_", "data", "cause"),
    [
        ("rgb8; jpeg compressed bgr8", None, "is not compressedDepth"),
        ("8UC1; compressedDepth png", None, "use one of 16UC1, 32FC1"),
        ("16UC1; compressedDepth rvl", bytes(40), "holds no PNG; set the publisher's compressedDepth format"),
        ("16UC1; compressedDepth png", b"", "holds no PNG"),
        ("16UC1; compressedDepth png", bytes(12) + b"\x89PNG\r\n\x1a\n" + bytes(30), "damaged"),
    ],
)
def test_what_is_not_read_is_refused_by_name(format_: str, data: bytes | None, cause: str) -> None:
    made = message(np.ones((2, 2), np.uint16), "16UC1")
    made.format = format_
    if data is not None:
        made.data = data
    with pytest.raises(ImageError, match=cause):
        depth_from_compressed(made)


def test_picture_of_eight_bits_is_no_depth() -> None:
    with pytest.raises(ImageError, match="holds uint8"):
        depth_from_compressed(message(np.ones((2, 2), np.uint8), "16UC1"))


def test_check_decodes_nothing() -> None:
    made = message(np.ones((2, 2), np.uint16), "32FC1")
    made.data = made.data[:20]
    assert check_compressed_depth(made) == "32FC1"
