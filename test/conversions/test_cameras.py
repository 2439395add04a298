# SPDX-License-Identifier: Apache-2.0
"""camera_info messages: what a driver publishes, and what it publishes before anybody calibrated it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo

from ide3d_ros.conversions.cameras import (
    CameraInfoError,
    camera_from_info,
    info_from_camera,
    rectified_camera_from_info,
)
from ide3d_ros.geometry.camera import Camera

FOCAL = st.floats(50, 5000)
COEFFICIENT = st.floats(-0.3, 0.3)


def _info(**changes: object) -> CameraInfo:
    info = info_from_camera(Camera(640, 480, 500.0, 510.0, 318.5, 241.0), stamp_ns=7, frame_id="eye")
    for name, value in changes.items():
        setattr(info, name, value)
    return info


@given(
    FOCAL, FOCAL, st.floats(0, 640), st.floats(0, 480), st.one_of(st.just(()), st.tuples(*[COEFFICIENT] * 5))
)
def test_camera_comes_back_as_it_was_written(
    fx: float, fy: float, cx: float, cy: float, distortion: tuple[float, ...]
) -> None:
    camera = Camera(640, 480, fx, fy, cx, cy, distortion)
    back = camera_from_info(info_from_camera(camera, stamp_ns=1, frame_id="eye"))
    expected = camera if any(distortion) else Camera(640, 480, fx, fy, cx, cy)
    assert back == expected


def test_written_info_is_complete_for_rectified_consumers() -> None:
    info = _info()
    assert (info.header.frame_id, info.header.stamp.nanosec) == ("eye", 7)
    assert list(info.p) == [500.0, 0.0, 318.5, 0.0, 0.0, 510.0, 241.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert list(info.r) == list(np.eye(3).reshape(9))
    assert len(info.d) == 5


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"k": np.zeros(9)}, r"K\[0\] = 0: the camera is not calibrated"),
        ({"k": np.full(9, np.nan)}, r"K\[0\] = nan"),
        ({"k": [-500.0, 0.0, 1.0, 0.0, 500.0, 1.0, 0.0, 0.0, 1.0]}, r"K\[0\] = -500"),
        ({"k": [500.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]}, "focal lengths"),
        ({"k": [500.0, 0.0, math.inf, 0.0, 500.0, 1.0, 0.0, 0.0, 1.0]}, "is not usable"),
        ({"width": 0}, "0x480"),
        ({"height": 0}, "640x0"),
        ({"d": [0.1] * 5, "distortion_model": "equidistant"}, "'equidistant' with 5 coefficients"),
        ({"d": [0.1] * 8, "distortion_model": "rational_polynomial"}, "only plumb_bob"),
        ({"d": [0.1] * 3}, "with 3 coefficients"),
        ({"d": [math.nan] * 5}, "must be finite"),
    ],
)
def test_info_that_describes_no_camera_is_refused_with_the_cause(
    changes: dict[str, object], cause: str
) -> None:
    with pytest.raises(CameraInfoError, match=cause):
        camera_from_info(_info(**changes))


def test_zero_coefficients_of_any_model_are_no_distortion() -> None:
    assert camera_from_info(_info(d=[0.0] * 8, distortion_model="rational_polynomial")).distortion == ()
    assert camera_from_info(_info(d=[], distortion_model="")).distortion == ()


def test_rectified_image_takes_p_and_no_distortion() -> None:
    info = _info(d=[0.1, 0.0, 0.0, 0.0, 0.0])
    info.p = [400.0, 0.0, 300.0, 12.0, 0.0, 405.0, 200.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert rectified_camera_from_info(info) == Camera(640, 480, 400.0, 405.0, 300.0, 200.0)
    with pytest.raises(CameraInfoError, match=r"P\[0\] = 0: it is not rectified"):
        rectified_camera_from_info(_info(p=np.zeros(12)))


def test_region_and_binning_describe_the_published_pixels() -> None:
    info = _info(binning_x=2, binning_y=3)
    info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height = 100, 60, 401, 301
    camera = camera_from_info(info)
    assert (camera.width, camera.height) == (200, 100)
    # Published pixel (u, v) is the mean of the full image's pixels 100 + 2u, 2u + 1 and 60 + 3v .. 3v + 2.
    point = np.array([[0.3, -0.2, 2.0]])
    full = Camera(640, 480, 500.0, 510.0, 318.5, 241.0).project(point)
    np.testing.assert_allclose(camera.project(point), (full - [100.5, 61.0]) / [2, 3], atol=1e-9)


def test_region_outside_the_image_is_refused() -> None:
    info = _info()
    info.roi.x_offset, info.roi.width, info.roi.height = 600, 100, 100
    with pytest.raises(CameraInfoError, match="region of interest of 100x100"):
        camera_from_info(info)


def test_binning_of_more_than_there_is_is_refused() -> None:
    with pytest.raises(CameraInfoError, match="binning 1000x1"):
        camera_from_info(_info(binning_x=1000))
