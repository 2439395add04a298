# SPDX-License-Identifier: Apache-2.0
"""Rotations: every form goes there and back, and agrees with scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from ide3d_ros.geometry import (
    Box3D,
    RotationError,
    allocentric_from_egocentric,
    egocentric_from_allocentric,
    gravity_angles,
    matrix_to_quaternion,
    matrix_to_rotation_6d,
    normalize_quaternion,
    optical_from_level,
    quaternion_to_matrix,
    rotation_6d_to_matrix,
    wrap_angle,
    yaw_rotation,
    yawed_quaternion,
)

ROTATIONS = st.from_type(Box3D).map(lambda box: box.rotation)
ANGLES = st.floats(-np.pi, np.pi)
TILTS = st.floats(-1.5, 1.5)
RAYS = st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(-1, 3)).map(np.array)


def angle_between(first: np.ndarray, second: np.ndarray) -> float:
    return Rotation.from_matrix(first.T @ second).magnitude()


@given(ROTATIONS)
def test_a_matrix_survives_the_way_through_a_quaternion(rotation: np.ndarray) -> None:
    assert_allclose(quaternion_to_matrix(matrix_to_quaternion(rotation)), rotation, atol=1e-14)


@given(ROTATIONS)
def test_matrices_and_quaternions_agree_with_scipy(rotation: np.ndarray) -> None:
    x, y, z, w = Rotation.from_matrix(rotation).as_quat()
    assert abs(matrix_to_quaternion(rotation) @ (w, x, y, z)) == pytest.approx(1.0, abs=1e-12)
    assert_allclose(quaternion_to_matrix((w, x, y, z)), rotation, atol=1e-14)


@given(st.from_type(Box3D), st.floats(1e-300, 1e300), st.sampled_from([-1, 1]))
def test_length_and_sign_of_a_quaternion_do_not_matter(box: Box3D, length: float, sign: int) -> None:
    normalized = normalize_quaternion(box.quaternion * length * sign)
    assert_allclose(normalized, box.quaternion, atol=1e-12)
    assert np.linalg.norm(normalized) == pytest.approx(1.0, abs=1e-15)


def test_the_two_quaternions_of_a_half_turn_become_one() -> None:
    assert (
        normalize_quaternion([-0.0, 0.0, -2.0, 1.0]).tolist()
        == normalize_quaternion([0.0, 0.0, 2.0, -1.0]).tolist()
    )
    assert normalize_quaternion([-1.0, 0.0, 0.0, 0.0]).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert normalize_quaternion([1e-17, 0.0, 0.0, -1.0])[3] == 1.0


@given(ROTATIONS)
def test_a_float32_rotation_is_taken_for_the_nearest_rotation(rotation: np.ndarray) -> None:
    restored = quaternion_to_matrix(matrix_to_quaternion(rotation.astype(np.float32)))
    assert_allclose(restored, rotation, atol=1e-6)
    assert_allclose(restored @ restored.T, np.eye(3), atol=1e-14)


@given(st.lists(ROTATIONS, min_size=1, max_size=4))
def test_a_batch_is_converted_like_its_members(rotations: list[np.ndarray]) -> None:
    batch = np.array(rotations)
    quaternions = matrix_to_quaternion(batch[None])
    assert quaternions.shape == (1, len(rotations), 4)
    assert_allclose(quaternions[0], [matrix_to_quaternion(one) for one in rotations], atol=1e-15)
    assert_allclose(quaternion_to_matrix(quaternions)[0], batch, atol=1e-14)
    sixes = matrix_to_rotation_6d(batch)
    assert_allclose(rotation_6d_to_matrix(sixes), [rotation_6d_to_matrix(one) for one in sixes], atol=0)


def test_an_empty_batch_stays_empty() -> None:
    assert quaternion_to_matrix(np.zeros((0, 4))).shape == (0, 3, 3)
    assert matrix_to_quaternion(np.zeros((0, 3, 3))).shape == (0, 4)


@given(ROTATIONS, st.floats(0.01, 100), st.floats(0.01, 100), st.floats(-10, 10))
def test_6d_reads_the_directions_of_its_columns_alone(
    rotation: np.ndarray, a: float, b: float, mix: float
) -> None:
    six = matrix_to_rotation_6d(rotation)
    assert six.tolist() == [*rotation[:, 0], *rotation[:, 1]]
    stretched = np.concatenate([a * six[:3], b * six[3:] + mix * b * six[:3]])
    assert_allclose(rotation_6d_to_matrix(stretched), rotation, atol=1e-12)


@pytest.mark.parametrize(
    ("convert", "value", "reason"),
    [
        (normalize_quaternion, [0, 0, 0, 0], "no direction"),
        (normalize_quaternion, [np.nan, 0, 0, 1], "no direction"),
        (normalize_quaternion, [np.inf, 0, 0, 1], "no direction"),
        (normalize_quaternion, [[1, 0, 0, 0], [0, 0, 0, 0]], r"^\[0.0, 0.0, 0.0, 0.0\] has no direction"),
        (normalize_quaternion, [0, 0, 1], "4 components"),
        (matrix_to_quaternion, np.eye(4), "3x3"),
        (matrix_to_quaternion, 1.001 * np.eye(3), "not orthonormal"),
        (matrix_to_quaternion, np.full((3, 3), np.nan), "not orthonormal"),
        (matrix_to_quaternion, np.full((3, 3), 1e300), "not orthonormal"),
        (matrix_to_quaternion, np.diag([1, 1, -1]), "reflection"),
        (rotation_6d_to_matrix, [1, 0, 0, -2, 0, 0], "parallel"),
        (rotation_6d_to_matrix, [0, 0, 0, 1, 0, 0], "first column"),
        (rotation_6d_to_matrix, [1, 0, 0, 0, np.nan, 0], "second column"),
        (rotation_6d_to_matrix, [1, 0, 0, 0, 1], "6 components"),
    ],
)
def test_what_is_no_rotation_is_refused_by_name(convert, value, reason) -> None:
    with pytest.raises(RotationError, match=reason):
        convert(np.asarray(value, np.float64))


@given(st.floats(-1e6, 1e6))
@example(-2001 * np.pi)
@example(2001 * np.pi)
def test_wrapping_keeps_the_direction(angle: float) -> None:
    wrapped = wrap_angle(angle)
    assert -np.pi < wrapped <= np.pi
    assert_allclose([np.cos(wrapped), np.sin(wrapped)], [np.cos(angle), np.sin(angle)], atol=1e-9)


@given(ANGLES.filter(lambda angle: angle > -np.pi))
@example(np.nextafter(-np.pi, 0))
def test_wrapping_leaves_a_wrapped_angle_exactly_as_it_is(angle: float) -> None:
    assert wrap_angle(angle) == angle


def test_wrapping_calls_half_a_turn_pi_whichever_way_it_was_made() -> None:
    assert wrap_angle(np.array([np.pi, -np.pi, 3 * np.pi, -5 * np.pi])).tolist() == pytest.approx([np.pi] * 4)


@given(st.lists(st.floats(-20, 20), max_size=4).map(np.array))
def test_yaw_turns_about_z_as_scipy_does(yaw: np.ndarray) -> None:
    expected = [Rotation.from_euler("z", one).as_matrix() for one in yaw]
    assert_allclose(yaw_rotation(yaw), np.array(expected).reshape(-1, 3, 3), atol=1e-14)


def test_an_untilted_camera_sees_up_as_minus_y_and_its_heading_as_z() -> None:
    level = optical_from_level(0.0, 0.0)
    assert_allclose(level @ [0, 0, 1], [0, -1, 0], atol=0)
    assert_allclose(level @ [1, 0, 0], [0, 0, 1], atol=0)
    assert_allclose(level @ [0, 1, 0], [-1, 0, 0], atol=0)


def test_positive_pitch_looks_down() -> None:
    axis_in_level = optical_from_level(0.3, 0.0).T @ [0, 0, 1]
    assert_allclose(axis_in_level, [np.cos(0.3), 0, -np.sin(0.3)], atol=1e-15)


def test_positive_roll_lowers_the_right_side_of_the_camera() -> None:
    right_in_level = optical_from_level(0.0, 0.2).T @ [1, 0, 0]
    assert_allclose(right_in_level, [0, -np.cos(0.2), -np.sin(0.2)], atol=1e-15)


@given(TILTS, ANGLES)
def test_the_tilt_is_what_the_contract_of_the_box_code_says(pitch: float, roll: float) -> None:
    r0 = np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]])
    tilt = Rotation.from_euler("y", pitch) * Rotation.from_euler("x", roll)
    assert_allclose(optical_from_level(pitch, roll), r0 @ tilt.as_matrix().T, atol=1e-14)


@given(TILTS, ANGLES, ANGLES)
def test_gravity_angles_are_read_off_any_upright_box(pitch: float, roll: float, yaw: float) -> None:
    read = gravity_angles(optical_from_level(pitch, roll) @ yaw_rotation(yaw))
    assert read[0] == pytest.approx(pitch, abs=1e-9)
    assert wrap_angle(read[1] - roll) == pytest.approx(0.0, abs=1e-9)


@given(st.lists(st.tuples(TILTS, TILTS), min_size=1, max_size=4).map(np.array))
def test_gravity_angles_of_a_batch_come_back_in_order(angles: np.ndarray) -> None:
    pitch, roll = gravity_angles(optical_from_level(angles[:, 0], angles[:, 1]))
    assert_allclose(np.stack([pitch, roll], -1), angles, atol=1e-9)


@pytest.mark.parametrize("pitch", [-np.pi / 2, np.pi / 2])
def test_a_camera_that_looks_straight_up_or_down_has_no_roll(pitch: float) -> None:
    assert_allclose(gravity_angles(optical_from_level(pitch, 1.0)), (pitch, 0.0), atol=1e-9)


def test_a_camera_upside_down_has_rolled_by_plus_pi() -> None:
    upside_down = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    assert gravity_angles(upside_down) == (0.0, np.pi)


@given(ROTATIONS, RAYS)
def test_allocentric_and_egocentric_rotations_undo_each_other(rotation: np.ndarray, ray: np.ndarray) -> None:
    assume(np.linalg.norm(ray) > 1e-3 and ray[2] / np.linalg.norm(ray) > -0.99)
    there = egocentric_from_allocentric(rotation, ray)
    assert_allclose(there @ there.T, np.eye(3), atol=1e-12)
    assert_allclose(allocentric_from_egocentric(there, ray), rotation, atol=1e-12)


@given(RAYS)
def test_the_ray_rotation_is_the_smallest_that_takes_the_optical_axis_onto_the_ray(ray: np.ndarray) -> None:
    assume(np.linalg.norm(ray) > 1e-3 and ray[2] / np.linalg.norm(ray) > -0.99)
    direction = ray / np.linalg.norm(ray)
    onto = egocentric_from_allocentric(np.eye(3), ray)
    assert_allclose(onto @ [0, 0, 1], direction, atol=1e-12)
    assert angle_between(onto, np.eye(3)) == pytest.approx(np.arccos(direction[2].clip(-1, 1)), abs=1e-7)


def test_on_the_optical_axis_both_rotations_are_the_same() -> None:
    assert_allclose(egocentric_from_allocentric(np.eye(3), [0, 0, 7.0]), np.eye(3), atol=0)


@given(ROTATIONS, ANGLES.map(lambda angle: angle / 3))
def test_an_object_that_circles_the_camera_keeps_its_allocentric_rotation(
    rotation: np.ndarray, turn: float
) -> None:
    about_y = Rotation.from_euler("y", turn).as_matrix()
    seen = allocentric_from_egocentric(about_y @ rotation, about_y @ [0, 0, 2.0])
    assert_allclose(seen, rotation, atol=1e-12)


def test_many_rays_turn_many_rotations_and_one() -> None:
    rays = np.array([[0.0, 0.0, 1.0], [1.0, 0.5, 2.0]])
    each = [egocentric_from_allocentric(np.eye(3), ray) for ray in rays]
    assert_allclose(egocentric_from_allocentric(np.eye(3), rays), each, atol=0)


@pytest.mark.parametrize(
    ("ray", "reason"), [([0, 0, -1], "backwards"), ([0, 0, 0], "ray"), ([np.nan, 0, 1], "ray")]
)
def test_a_ray_that_gives_no_direction_is_refused(ray: list[float], reason: str) -> None:
    with pytest.raises(RotationError, match=reason):
        egocentric_from_allocentric(np.eye(3), np.array(ray, np.float64))


@given(ROTATIONS, ANGLES)
def test_a_yawed_quaternion_is_the_product_of_the_matrices(rotation: np.ndarray, yaw: float) -> None:
    quaternion = yawed_quaternion(matrix_to_quaternion(rotation), yaw)
    assert_allclose(quaternion_to_matrix(quaternion), rotation @ yaw_rotation(yaw), atol=1e-9)
