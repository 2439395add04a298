# SPDX-License-Identifier: Apache-2.0
"""Times, quaternions and rigid motions between ROS messages and plain numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from geometry_msgs.msg import Quaternion, Transform
from hypothesis import given
from hypothesis import strategies as st

from ide3d_ros.conversions.stamps import header, nanoseconds_from_time, time_from_nanoseconds
from ide3d_ros.conversions.transforms import (
    TransformMessageError,
    matrix_from_transform,
    pose_message,
    quaternion_from_message,
    transform_from_matrix,
)
from ide3d_ros.geometry.rotation import quaternion_to_matrix

UNIT_QUATERNIONS = (
    st.tuples(*[st.floats(-1, 1)] * 4)
    .filter(lambda q: math.hypot(*q) > 0.1)
    .map(lambda q: np.array(q) / math.hypot(*q))
)


@given(st.integers(0, (2**31 - 1) * 10**9 + 999_999_999))
def test_stamp_keeps_every_nanosecond(stamp_ns: int) -> None:
    assert nanoseconds_from_time(time_from_nanoseconds(stamp_ns)) == stamp_ns
    assert nanoseconds_from_time(header("eye", stamp_ns).stamp) == stamp_ns


@pytest.mark.parametrize("stamp_ns", [-1, 2**31 * 10**9])
def test_stamp_that_no_message_holds_is_refused(stamp_ns: int) -> None:
    with pytest.raises(ValueError, match=f"stamp {stamp_ns} ns"):
        time_from_nanoseconds(stamp_ns)


@given(UNIT_QUATERNIONS, st.tuples(*[st.floats(-50, 50)] * 3))
def test_transform_comes_back_as_it_was_written(
    quaternion: np.ndarray, translation: tuple[float, ...]
) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = quaternion_to_matrix(quaternion)
    matrix[:3, 3] = translation
    message = transform_from_matrix(matrix, target_frame_id="map", source_frame_id="eye", stamp_ns=4)
    assert (message.header.frame_id, message.child_frame_id) == ("map", "eye")
    np.testing.assert_allclose(matrix_from_transform(message.transform), matrix, atol=1e-9)


def test_quaternion_changes_its_order_and_not_its_meaning() -> None:
    half = math.sqrt(0.5)
    message = pose_message(np.array([1.0, 2.0, 3.0]), np.array([half, 0.0, 0.0, half])).orientation
    assert (message.w, message.z) == (half, half)
    turn = quaternion_to_matrix(quaternion_from_message(message))
    np.testing.assert_allclose(turn @ [1, 0, 0], [0, 1, 0], atol=1e-12)  # a quarter turn about z takes x to y


def test_quaternion_of_any_length_is_normalised() -> None:
    np.testing.assert_allclose(
        quaternion_from_message(Quaternion(w=0.0, x=3.0, y=0.0, z=4.0)), [0, 0.6, 0, 0.8]
    )


@pytest.mark.parametrize(
    "values", [(0.0, 0.0, 0.0, 0.0), (math.nan, 0.0, 0.0, 1.0), (math.inf, 0.0, 0.0, 1.0)]
)
def test_quaternion_without_direction_is_refused(values: tuple[float, ...]) -> None:
    w, x, y, z = values
    with pytest.raises(TransformMessageError, match="has no direction"):
        quaternion_from_message(Quaternion(w=w, x=x, y=y, z=z))


def test_translation_that_is_not_finite_is_refused() -> None:
    message = Transform()
    message.translation.x = math.nan
    with pytest.raises(TransformMessageError, match="translation"):
        matrix_from_transform(message)
