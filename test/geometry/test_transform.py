# SPDX-License-Identifier: Apache-2.0
"""Rigid motions: there and back, one after the other, and nothing that is not one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ide3d_ros.geometry import Box3D, TransformError
from ide3d_ros.geometry.transform import apply, checked, compose, from_rotation_translation, inverse

MOTIONS = st.from_type(Box3D).map(lambda box: from_rotation_translation(box.rotation, box.center))
POINTS = st.from_type(Box3D).map(lambda box: box.corners())


@given(MOTIONS, POINTS)
def test_the_inverse_brings_points_back(motion: np.ndarray, points: np.ndarray) -> None:
    assert_allclose(apply(inverse(motion), apply(motion, points)), points, atol=1e-13)


@given(MOTIONS)
def test_the_inverse_is_the_matrix_inverse(motion: np.ndarray) -> None:
    assert_allclose(inverse(motion), np.linalg.inv(motion), atol=1e-12)


@given(MOTIONS, MOTIONS, POINTS)
def test_a_chain_acts_from_its_right_end(
    a_from_b: np.ndarray, b_from_c: np.ndarray, in_c: np.ndarray
) -> None:
    step_by_step = apply(a_from_b, apply(b_from_c, in_c))
    assert_allclose(apply(compose(a_from_b, b_from_c), in_c), step_by_step, atol=1e-13)


def test_a_chain_of_nothing_stays_in_place() -> None:
    assert_allclose(compose(), np.eye(4), atol=0)


def test_a_motion_rotates_first_and_then_moves() -> None:
    quarter_turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    motion = from_rotation_translation(quarter_turn, [10.0, 20.0, 30.0])
    assert_allclose(apply(motion, [1.0, 0.0, 0.0]), [10.0, 21.0, 30.0], atol=1e-15)


@given(MOTIONS, POINTS)
def test_points_keep_their_shape(motion: np.ndarray, points: np.ndarray) -> None:
    grid = points.reshape(2, 4, 3)
    assert_allclose(apply(motion, grid).reshape(8, 3), apply(motion, points), atol=1e-15)


@given(MOTIONS)
def test_a_float32_motion_is_vouched_for_and_made_exact(motion: np.ndarray) -> None:
    exact = checked(motion.astype(np.float32))
    assert_allclose(exact, motion, atol=1e-6)
    assert_allclose(exact[:3, :3] @ exact[:3, :3].T, np.eye(3), atol=1e-14)


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        (np.eye(3), "4x4"),
        (np.diag([2.0, 2.0, 2.0, 1.0]), "not orthonormal"),
        (np.diag([1.0, 1.0, -1.0, 1.0]), "reflection"),
        (np.diag([1.0, 1.0, 1.0, 2.0]), "last row"),
        (np.full((4, 4), np.nan), "last row"),
        (np.array([[1, 0, 0, np.inf], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "finite"),
    ],
)
def test_what_is_not_rigid_is_refused_by_name(matrix: np.ndarray, reason: str) -> None:
    with pytest.raises(TransformError, match=reason):
        inverse(matrix)


@pytest.mark.parametrize("translation", [[0.0, 0.0], [0.0, 0.0, np.nan]])
def test_a_translation_is_three_finite_numbers(translation: list[float]) -> None:
    with pytest.raises(TransformError, match="three finite numbers"):
        from_rotation_translation(np.eye(3), translation)
