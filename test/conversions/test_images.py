# SPDX-License-Identifier: Apache-2.0
"""Image messages: every encoding, padding, byte order and the ways in which drivers get them wrong."""

from __future__ import annotations

import array

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rosbags.image import message_to_cvimage
from sensor_msgs.msg import CompressedImage, Image

from ide3d_ros.conversions.encodings import COLOR_ENCODINGS
from ide3d_ros.conversions.images import (
    ImageError,
    check_image,
    compressed_from_rgb,
    depth_from_image,
    image_from_depth,
    image_from_rgb,
    rgb_from_compressed,
    rgb_from_image,
)

PICTURES = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: arrays(np.uint8, (*size, 3), elements=st.integers(0, 255))
)


def _message(pixels: np.ndarray, encoding: str, *, padding: int = 0, big_endian: bool = False) -> Image:
    """Lay pixels out by hand, so that the tests do not lean on the writer that they check."""
    height, width = pixels.shape[:2]
    rows = [row.tobytes() + b"\xa5" * padding for row in pixels]
    message = Image(height=height, width=width, encoding=encoding, is_bigendian=int(big_endian))
    message.step = len(rows[0])
    message.data = array.array("B", b"".join(rows))
    return message


@given(PICTURES, st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_rgb_picture_comes_back_as_it_was_written(picture: np.ndarray, padding: int) -> None:
    written = image_from_rgb(picture, stamp_ns=5, frame_id="camera")
    assert np.array_equal(rgb_from_image(written), picture)
    assert np.array_equal(rgb_from_image(_message(picture, "rgb8", padding=padding)), picture)


@given(PICTURES, st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_channel_orders_and_alpha_become_rgb(picture: np.ndarray, padding: int) -> None:
    alpha = np.full((*picture.shape[:2], 1), 7, np.uint8)
    red, green, blue = (picture[..., channel : channel + 1] for channel in range(3))
    for encoding, pixels in {
        "bgr8": np.concatenate([blue, green, red], 2),
        "rgba8": np.concatenate([red, green, blue, alpha], 2),
        "bgra8": np.concatenate([blue, green, red, alpha], 2),
        "8UC3": np.concatenate([blue, green, red], 2),
    }.items():
        assert np.array_equal(rgb_from_image(_message(pixels, encoding, padding=padding)), picture), encoding
    grey = picture[..., 0]
    expected = np.repeat(grey[..., None], 3, 2)
    assert np.array_equal(rgb_from_image(_message(grey, "mono8", padding=padding)), expected)


@pytest.mark.parametrize(
    ("encoding", "pattern"),
    [("bayer_rggb8", "RGGB"), ("bayer_bggr8", "BGGR"), ("bayer_gbrg8", "GBRG"), ("bayer_grbg8", "GRBG")],
)
def test_bayer_pattern_starts_with_the_first_row(encoding: str, pattern: str) -> None:
    color = {"R": 200, "G": 90, "B": 30}
    mosaic = np.zeros((8, 8), np.uint8)
    for place, letter in enumerate(pattern):
        mosaic[place // 2 :: 2, place % 2 :: 2] = color[letter]
    rgb = rgb_from_image(_message(mosaic, encoding))
    assert np.array_equal(rgb[2:-2, 2:-2], np.broadcast_to(np.uint8([200, 90, 30]), (4, 4, 3)))


@pytest.mark.parametrize(("encoding", "luma_first"), [("yuv422", False), ("yuv422_yuy2", True)])
def test_yuv_picture_keeps_its_brightness_where_it_has_no_colour(encoding: str, luma_first: bool) -> None:
    luma = np.linspace(16, 235, 8).astype(np.uint8).reshape(1, 8).repeat(2, 0)
    chroma = np.full_like(luma, 128)
    pixels = np.stack([luma, chroma] if luma_first else [chroma, luma], 2)
    rgb = rgb_from_image(_message(pixels, encoding)).astype(int)
    expected = (luma.astype(float) - 16) * 255 / 219
    assert np.abs(rgb - expected[..., None]).max() <= 1.5


def test_rgb8_is_read_in_place_and_cannot_be_written_through() -> None:
    message = image_from_rgb(np.zeros((4, 6, 3), np.uint8), stamp_ns=1, frame_id="camera")
    rgb = rgb_from_image(message)
    message.data[3] = 77
    assert rgb[0, 1, 0] == 77
    with pytest.raises(ValueError, match="read-only"):
        rgb[0, 0, 0] = 1


def test_picture_that_is_a_view_of_a_larger_one_is_written_whole() -> None:
    larger = np.arange(10 * 12 * 3, dtype=np.uint8).reshape(10, 12, 3)
    view = larger[2:8:2, 9:3:-1]
    assert np.array_equal(rgb_from_image(image_from_rgb(view, stamp_ns=1, frame_id="camera")), view)


def test_written_image_carries_stamp_frame_and_a_fast_container() -> None:
    message = image_from_rgb(
        np.zeros((2, 3, 3), np.uint8), stamp_ns=3_000_000_007, frame_id="camera_optical_frame"
    )
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (3, 7)
    assert message.header.frame_id == "camera_optical_frame"
    assert (message.height, message.width, message.step) == (2, 3, 9)
    assert isinstance(message.data, array.array)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("padding", [0, 2, 5])
def test_millimetres_become_metres_in_both_byte_orders(big_endian: bool, padding: int) -> None:
    millimetres = np.array([[1, 256, 1234], [0, 65535, 40000]], np.uint16)
    stored = millimetres.astype(">u2" if big_endian else "<u2")
    depth = depth_from_image(_message(stored, "16UC1", padding=padding, big_endian=big_endian))
    expected = np.array([[0.001, 0.256, 1.234], [np.nan, np.nan, 40.0]], np.float32)
    np.testing.assert_allclose(depth, expected, rtol=1e-6)
    assert depth.dtype == np.float32


@pytest.mark.parametrize("big_endian", [False, True])
def test_float_depth_loses_what_is_no_measurement(big_endian: bool) -> None:
    metres = np.array([[1.5, np.inf, -1.0], [0.0, np.nan, 7.25]], ">f4" if big_endian else "<f4")
    depth = depth_from_image(_message(metres, "32FC1", big_endian=big_endian))
    np.testing.assert_array_equal(depth, np.float32([[1.5, np.nan, np.nan], [np.nan, np.nan, 7.25]]))


def test_depth_picture_comes_back_as_it_was_written() -> None:
    depth = np.array([[0.5, np.nan], [2.0, 3.25]])
    np.testing.assert_array_equal(
        depth_from_image(image_from_depth(depth, stamp_ns=1, frame_id="camera")), depth
    )


@pytest.mark.parametrize(
    ("field", "value", "cause"),
    [
        ("encoding", "rgb24", "encoding 'rgb24' is not supported"),
        ("encoding", "16UC1", "is a depth picture"),
        ("encoding", "", "encoding '' is not supported"),
        ("encoding", "x" * 10_000, "is not supported"),
        ("width", 0, "size 0x2"),
        ("height", 0, "size 4x0"),
        ("width", 5, "step 12 is shorter"),
        ("height", 3, "24 bytes, but step 12 x height 3 = 36"),
        ("width", 2**32 - 1, "is outside"),
        ("step", 0, "step 0 is shorter"),
        ("step", 11, "step 11 is shorter"),
        ("step", 13, "24 bytes, but step 13"),
        ("step", 2**32 - 1, "24 bytes, but step"),
        ("data", array.array("B"), "has 0 bytes"),
        ("data", array.array("B", bytes(25)), "has 25 bytes"),
    ],
)
def test_image_that_contradicts_itself_is_refused_with_the_cause(
    field: str, value: object, cause: str
) -> None:
    message = _message(np.zeros((2, 4, 3), np.uint8), "rgb8")
    setattr(message, field, value)
    with pytest.raises(ImageError, match=cause) as refusal:
        rgb_from_image(message)
    assert len(str(refusal.value)) < 400
    with pytest.raises(ImageError):
        check_image(message)


def test_colour_image_is_no_depth_picture() -> None:
    with pytest.raises(ImageError, match="'rgb8' is not a depth picture"):
        depth_from_image(_message(np.zeros((2, 4, 3), np.uint8), "rgb8"))


def test_odd_width_is_refused_where_pixels_share_their_colour() -> None:
    with pytest.raises(ImageError, match="width 3 is odd"):
        check_image(_message(np.zeros((2, 3, 2), np.uint8), "yuv422"))


@pytest.mark.parametrize(
    "picture", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3))]
)
def test_only_rgb_pictures_are_written(picture: np.ndarray) -> None:
    with pytest.raises(ImageError, match="an RGB picture is"):
        image_from_rgb(picture, stamp_ns=1, frame_id="camera")
    with pytest.raises(ImageError, match="an RGB picture is"):
        compressed_from_rgb(picture, stamp_ns=1, frame_id="camera")


def _smooth_picture() -> np.ndarray:
    across, down = np.meshgrid(np.linspace(0, 255, 64), np.linspace(0, 255, 48))
    return np.stack([across, down, 255 - across], 2).astype(np.uint8)


def test_jpeg_keeps_colours_and_png_keeps_every_pixel() -> None:
    picture = _smooth_picture()
    jpeg = compressed_from_rgb(picture, stamp_ns=9, frame_id="camera", jpeg_quality=95)
    assert np.abs(rgb_from_compressed(jpeg).astype(int) - picture).mean() < 2
    png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
    for spelling in ("png", "rgb8; png compressed bgr8", "nonsense"):
        message = CompressedImage(format=spelling, data=png)
        assert np.array_equal(rgb_from_compressed(message), picture)


@pytest.mark.parametrize(
    ("spelling", "data", "cause"),
    [
        ("jpeg", b"", "neither JPEG nor PNG"),
        ("jpeg", b"hello, world", "neither JPEG nor PNG"),
        ("jpeg", b"\xff\xd8\xff\xe0" + bytes(50), "damaged|cannot be decoded"),
        ("png", b"\x89PNG\r\n\x1a\n" + bytes(50), "damaged|cannot be decoded"),
        ("16UC1; compressedDepth png", b"\x89PNG\r\n\x1a\n" + bytes(50), "is depth"),
        ("16UC1; png compressed", b"\x89PNG\r\n\x1a\n" + bytes(50), "is depth"),
    ],
)
def test_damaged_compressed_image_is_refused_with_the_cause(spelling: str, data: bytes, cause: str) -> None:
    with pytest.raises(ImageError, match=cause):
        rgb_from_compressed(CompressedImage(format=spelling, data=data))


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]))
@settings(max_examples=60, deadline=None)
def test_no_bytes_at_all_raise_anything_but_an_image_error(data: bytes, start: bytes) -> None:
    try:
        rgb = rgb_from_compressed(CompressedImage(format="jpeg", data=start + data))
    except ImageError:
        return
    assert rgb.ndim == 3


@pytest.mark.parametrize(
    "encoding", [name for name in COLOR_ENCODINGS if name not in ("8UC1", "uyvy", "yuyv")]
)
def test_every_colour_encoding_agrees_with_an_independent_converter(encoding: str) -> None:
    channels = COLOR_ENCODINGS[encoding].channels
    pixels = np.random.default_rng(5).integers(0, 256, (24, 32, channels), np.uint8)
    message = _message(pixels, encoding)
    # It keeps 8UC3 as it lies in memory, and calls what lies there BGR, as OpenCV does.
    message.encoding = {"8UC3": "bgr8", "8UC4": "bgra8"}.get(encoding, encoding)
    expected = message_to_cvimage(message, "rgb8")
    message.encoding = encoding
    assert np.array_equal(rgb_from_image(message), expected)


@pytest.mark.parametrize("big_endian", [False, True])
def test_depth_agrees_with_an_independent_converter(big_endian: bool) -> None:
    millimetres = np.random.default_rng(5).integers(1, 65535, (24, 32)).astype(">u2" if big_endian else "<u2")
    message = _message(millimetres, "16UC1", big_endian=big_endian)
    expected = message_to_cvimage(message).astype(np.float32) / 1000
    np.testing.assert_allclose(depth_from_image(message), expected, rtol=1e-6)


def test_installed_cv_bridge_gives_the_same_picture() -> None:
    pytest.importorskip("cv_bridge.boost.cv_bridge_boost", reason="no ROS installation with cv_bridge here")
    from cv_bridge import CvBridge

    picture = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)
    for encoding in ("rgb8", "bgr8", "rgba8", "bgra8", "mono8", "bayer_rggb8", "bayer_grbg8"):
        channels = {"rgba8": 4, "bgra8": 4, "mono8": 1, "bayer_rggb8": 1, "bayer_grbg8": 1}.get(encoding, 3)
        pixels = np.concatenate([picture, picture], 2)[..., :channels].squeeze()
        message = _message(np.ascontiguousarray(pixels), encoding)
        assert np.array_equal(rgb_from_image(message), CvBridge().imgmsg_to_cv2(message, "rgb8")), encoding
