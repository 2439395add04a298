# SPDX-License-Identifier: Apache-2.0
"""The intake: pairs images with their camera, and whatever comes in, it accepts or names what is wrong."""

from __future__ import annotations

import array

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.conversions.encodings import COLOR_ENCODINGS, DEPTH_ENCODINGS
from ide3d_ros.conversions.images import ImageError, compressed_from_rgb, image_from_rgb
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes.intake import FrameIntake, IntakeError

CAMERA = Camera(8, 6, 7.0, 7.0, 3.5, 2.5)
PICTURE = np.arange(8 * 6 * 3, dtype=np.uint8).reshape(6, 8, 3)


def intake_with_camera(image_kind: str = "raw") -> FrameIntake:
    """Make an intake that knows its camera."""
    intake = FrameIntake(image_kind, image_topic="/front/image", info_topic="/front/camera_info")
    intake.take_info(info_from_camera(CAMERA, stamp_ns=1, frame_id="eye"))
    return intake


def test_accepted_image_keeps_stamp_frame_camera_and_pixels() -> None:
    frame = intake_with_camera().take_image(
        image_from_rgb(PICTURE, stamp_ns=77, frame_id="eye"), received_s=3.0
    )
    assert (frame.stamp_ns, frame.frame_id, frame.camera, frame.received_s) == (77, "eye", CAMERA, 3.0)
    assert np.array_equal(frame.read(), PICTURE)


def test_new_calibration_holds_from_the_next_image_on() -> None:
    intake = intake_with_camera()
    zoomed = Camera(8, 6, 14.0, 14.0, 3.5, 2.5)
    image = image_from_rgb(PICTURE, stamp_ns=77, frame_id="eye")
    before = intake.take_image(image, received_s=0.0)
    intake.take_info(info_from_camera(zoomed, stamp_ns=2, frame_id="eye"))
    after = intake.take_image(image, received_s=0.0)
    assert (before.camera, after.camera) == (CAMERA, zoomed)


def test_same_calibration_is_read_once() -> None:
    intake = intake_with_camera()
    first = intake.camera
    intake.take_info(info_from_camera(CAMERA, stamp_ns=99, frame_id="eye"))
    assert intake.camera is first


def test_bad_calibration_is_repeated_with_every_image_until_it_is_mended() -> None:
    intake = intake_with_camera()
    bad = info_from_camera(CAMERA, stamp_ns=1, frame_id="eye")
    bad.k = np.zeros(9)
    with pytest.raises(IntakeError, match=r"/front/camera_info: .*K\[0\] = 0"):
        intake.take_info(bad)
    with pytest.raises(IntakeError, match=r"/front/image: .*K\[0\] = 0") as refusal:
        intake.take_image(image_from_rgb(PICTURE, stamp_ns=77, frame_id="eye"), received_s=0.0)
    assert refusal.value.kind == "camera_info"
    intake.take_info(info_from_camera(CAMERA, stamp_ns=1, frame_id="eye"))
    assert intake.take_image(image_from_rgb(PICTURE, stamp_ns=77, frame_id="eye"), received_s=0.0)


def test_compressed_image_is_decoded_when_it_is_used_and_not_before() -> None:
    intake = intake_with_camera()
    good = intake.take_compressed(compressed_from_rgb(PICTURE, stamp_ns=5, frame_id="eye"), received_s=0.0)
    assert good.read().shape == (6, 8, 3)
    broken = CompressedImage(
        header=Header(frame_id="eye", stamp=Time(sec=1)), format="jpeg", data=b"nonsense"
    )
    frame = intake.take_compressed(broken, received_s=0.0)
    with pytest.raises(ImageError, match="neither JPEG nor PNG"):
        frame.read()
    other_size = compressed_from_rgb(np.zeros((12, 16, 3), np.uint8), stamp_ns=5, frame_id="eye")
    with pytest.raises(ImageError, match="16x12 but /front/camera_info describes 8x6"):
        intake.take_compressed(other_size, received_s=0.0).read()


def test_refusals_are_counted_by_kind() -> None:
    intake = intake_with_camera()
    for stamp_ns, frame_id in ((0, "eye"), (0, "eye"), (5, "nose")):
        with pytest.raises(IntakeError):
            intake.take_image(image_from_rgb(PICTURE, stamp_ns=stamp_ns, frame_id=frame_id), received_s=0.0)
    assert (intake.received, dict(intake.refused)) == (3, {"stamp": 2, "frame_id": 1})


WORDS = st.one_of(st.sampled_from([*COLOR_ENCODINGS, *DEPTH_ENCODINGS]), st.text(max_size=20))
SIZES = st.one_of(st.integers(0, 20), st.integers(0, 2**32 - 1))


@given(
    encoding=WORDS,
    width=SIZES,
    height=SIZES,
    step=SIZES,
    data=st.binary(max_size=500),
    big_endian=st.integers(0, 255),
    seconds=st.integers(-(2**31), 2**31 - 1),
    frame_id=st.sampled_from(["eye", "", "nose"]),
)
@settings(max_examples=200, deadline=None)
def test_any_image_message_is_a_frame_or_a_refusal(
    encoding: str,
    width: int,
    height: int,
    step: int,
    data: bytes,
    big_endian: int,
    seconds: int,
    frame_id: str,
) -> None:
    message = Image(header=Header(frame_id=frame_id, stamp=Time(sec=seconds)), encoding=encoding)
    message.width, message.height, message.step, message.is_bigendian = width, height, step, big_endian
    message.data = array.array("B", data)
    try:
        frame = intake_with_camera().take_image(message, received_s=0.0)
    except IntakeError as error:
        assert str(error).startswith("/front/image: ")
        return
    assert frame.read().shape == (6, 8, 3)


NUMBERS = st.floats(width=64)


@given(
    width=SIZES,
    height=SIZES,
    model=st.sampled_from(["plumb_bob", "equidistant", "", "rational_polynomial"]),
    d=st.lists(NUMBERS, max_size=14),
    k=st.lists(NUMBERS, min_size=9, max_size=9),
    p=st.lists(NUMBERS, min_size=12, max_size=12),
    binning=st.tuples(SIZES, SIZES),
    roi=st.tuples(SIZES, SIZES, SIZES, SIZES),
    image_kind=st.sampled_from(["raw", "rectified"]),
)
@settings(max_examples=200, deadline=None)
def test_any_camera_info_is_a_camera_or_a_refusal(
    width, height, model, d, k, p, binning, roi, image_kind
) -> None:
    message = CameraInfo(header=Header(frame_id="eye"), distortion_model=model, d=d, k=k, p=p)
    message.width, message.height = width, height
    message.binning_x, message.binning_y = binning
    message.roi.x_offset, message.roi.y_offset, message.roi.width, message.roi.height = roi
    intake = FrameIntake(image_kind, image_topic="/front/image", info_topic="/front/camera_info")
    try:
        intake.take_info(message)
    except IntakeError as error:
        assert str(error).startswith("/front/camera_info: ")
        assert intake.camera is None
        return
    assert intake.camera.fx > 0
