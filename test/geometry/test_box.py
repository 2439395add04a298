# SPDX-License-Identifier: Apache-2.0
"""Boxes: order of corners and edges, change of frame, and what makes a box usable."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ide3d_ros.geometry import CORNER_SIGNS, EDGES, Box3D, BoxError, Camera, matrix_to_quaternion
from ide3d_ros.geometry.transform import apply, compose, from_rotation_translation, inverse

BOXES = st.from_type(Box3D)
MOTIONS = st.from_type(Box3D).map(lambda box: from_rotation_translation(box.rotation, box.center))
UNIT = Box3D([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0])


@given(...)
def test_edges_run_along_the_own_axes_four_each(box: Box3D) -> None:
    corners = box.corners()
    along = corners[EDGES[:, 1]] - corners[EDGES[:, 0]]
    expected = np.repeat((box.rotation * box.extents).T, 4, axis=0)
    assert_allclose(along, expected, atol=1e-12)
    assert len({tuple(sorted(edge)) for edge in EDGES.tolist()}) == 12


def test_corners_come_in_the_documented_order() -> None:
    box = Box3D([10.0, 20.0, 30.0], [2.0, 4.0, 6.0], [1.0, 0.0, 0.0, 0.0])
    assert box.corners()[0].tolist() == [9.0, 18.0, 27.0]
    assert box.corners()[1].tolist() == [11.0, 18.0, 27.0]
    assert box.corners()[2].tolist() == [9.0, 22.0, 27.0]
    assert box.corners()[4].tolist() == [9.0, 18.0, 33.0]
    assert CORNER_SIGNS[7].tolist() == [1.0, 1.0, 1.0]


def test_the_shared_tables_cannot_be_changed() -> None:
    for table in (CORNER_SIGNS, EDGES):
        with pytest.raises(ValueError, match="read-only"):
            table[0, 0] = 5


@given(BOXES, MOTIONS)
def test_a_box_moves_with_its_corners(box: Box3D, motion: np.ndarray) -> None:
    moved = box.transformed(motion)
    assert_allclose(moved.corners(), apply(motion, box.corners()), atol=1e-12)
    assert moved.extents.tolist() == box.extents.tolist()


@given(BOXES, MOTIONS, MOTIONS)
def test_moving_twice_is_moving_once_along_the_chain(
    box: Box3D, first: np.ndarray, second: np.ndarray
) -> None:
    twice = box.transformed(first).transformed(second)
    assert_allclose(box.transformed(compose(second, first)).corners(), twice.corners(), atol=1e-12)
    assert_allclose(twice.transformed(inverse(compose(second, first))).corners(), box.corners(), atol=1e-12)


@given(...)
def test_matrix_and_quaternion_make_the_same_box(box: Box3D) -> None:
    rebuilt = Box3D.from_matrix(box.center, box.extents, box.rotation)
    assert_allclose(rebuilt.corners(), box.corners(), atol=1e-12)
    assert_allclose(matrix_to_quaternion(box.rotation), rebuilt.quaternion, atol=1e-15)


@given(BOXES, st.lists(st.tuples(*[st.floats(-2, 2)] * 3), min_size=1, max_size=20).map(np.array))
def test_a_box_contains_what_lies_between_its_faces(box: Box3D, own: np.ndarray) -> None:
    own = own[(np.abs(np.abs(own) - 1) > 1e-6).all(1)]
    points = (own * box.extents / 2) @ box.rotation.T + box.center
    assert box.contains(points).tolist() == (np.abs(own) < 1).all(-1).tolist()
    assert box.contains(points[:, None]).shape == (len(points), 1)


@given(...)
def test_a_box_contains_its_corners_but_nothing_further_out(box: Box3D) -> None:
    assert box.contains(box.corners()).all()
    assert not box.contains(box.center + (box.corners() - box.center) * 1.001).any()


@given(st.from_type(Camera), st.integers(1, 1500), st.integers(1, 1500))
def test_box_stays_put_when_camera_is_resized(camera: Camera, width: int, height: int) -> None:
    box = Box3D([0.1, 0.2, 6.0], [0.5, 1.0, 0.7], [0.9, 0.1, 0.2, 0.3])
    scale = np.array([width / camera.width, height / camera.height])
    before, after = box.projected(camera), box.projected(camera.resized(width, height))
    assert before.shape == (8, 2)
    assert_allclose((before + 0.5) * scale - 0.5, after, rtol=1e-9, atol=1e-9)
    assert_allclose(camera.project(box.corners()), before, atol=0)


def test_corners_behind_the_camera_have_no_pixel() -> None:
    straddling = Box3D([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0])
    pixels = straddling.projected(Camera.from_fov(64, 48, 1.0))
    assert np.isnan(pixels[:4]).all()
    assert np.isfinite(pixels[4:]).all()


def test_the_quaternion_is_brought_to_unit_length() -> None:
    assert Box3D([0, 0, 0], [1, 1, 1], [-3, 0, 0, 4]).quaternion.tolist() == pytest.approx([0.6, 0, 0, -0.8])


def test_a_box_keeps_copies_that_cannot_be_changed() -> None:
    center = np.zeros(3)
    box = Box3D(center, np.ones(3), np.array([1.0, 0.0, 0.0, 0.0]))
    center[0] = 5.0
    assert box.center[0] == 0.0
    for array in (box.center, box.extents, box.quaternion, box.rotation):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


@given(...)
def test_equal_boxes_hash_alike_and_survive_pickling(box: Box3D) -> None:
    box.rotation  # noqa: B018  fills the cache, which must not matter
    copy = pickle.loads(pickle.dumps(box))
    assert copy == box and hash(copy) == hash(box)
    assert Box3D(box.center, box.extents, -2 * box.quaternion).corners().tolist() == pytest.approx(
        box.corners()
    )


def test_boxes_of_other_numbers_are_not_equal() -> None:
    assert Box3D([0, 0, 1e-12], UNIT.extents, UNIT.quaternion) != UNIT
    assert Box3D(UNIT.center, [1, 1, 2], UNIT.quaternion) != UNIT
    assert Box3D(UNIT.center, UNIT.extents, [1, 1, 0, 0]) != UNIT
    assert UNIT != "box"


def test_volume_is_the_product_of_the_extents() -> None:
    assert Box3D([9, 9, 9], [2, 3, 4], [1, 1, 0, 0]).volume == 24.0


@pytest.mark.parametrize(
    ("center", "extents", "valid"),
    [
        ([0, 0, 0], [1e-4, 1, 1], True),
        ([0, 0, 0], [0.9e-4, 1, 1], False),
        ([0, 0, 0], [1, 1, -1], False),
        ([0, 0, 0], [1, np.nan, 1], False),
        ([0, 0, 0], [1, np.inf, 1], False),
        ([0, np.nan, 0], [1, 1, 1], False),
        ([0, 0, np.inf], [1, 1, 1], False),
    ],
)
def test_only_finite_boxes_with_a_thickness_are_valid(center: list, extents: list, valid: bool) -> None:
    assert Box3D(center, extents, [1, 0, 0, 0]).is_valid() is valid


def test_the_least_thickness_can_be_asked_for() -> None:
    assert UNIT.is_valid(min_extent=1.0)
    assert not UNIT.is_valid(min_extent=1.01)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Box3D([0, 0], [1, 1, 1], [1, 0, 0, 0]), r"center of a box has 3 numbers, not shape \(2,\)"),
        (lambda: Box3D([0, 0, 0], np.ones((1, 3)), [1, 0, 0, 0]), "extents of a box"),
        (lambda: Box3D([0, 0, 0], [1, 1, 1], [1, 0, 0]), "4 components"),
        (lambda: Box3D([0, 0, 0], [1, 1, 1], np.ones((1, 4))), "quaternion of a box"),
        (lambda: Box3D([0, 0, 0], [1, 1, 1], [0, 0, 0, 0]), "no direction"),
        (lambda: Box3D.from_matrix([0, 0, 0], [1, 1, 1], np.diag([1, 1, -1])), "reflection"),
        (lambda: UNIT.transformed(np.diag([2, 2, 2, 1])), "not orthonormal"),
        (lambda: UNIT.transformed(np.eye(3)), "4x4"),
    ],
)
def test_numbers_that_make_no_box_are_refused_by_name(make, reason: str) -> None:
    with pytest.raises(BoxError, match=reason):
        make()


@given(st.lists(st.from_type(Box3D), max_size=5))
def test_many_boxes_at_once_are_the_boxes_one_by_one(boxes: list[Box3D]) -> None:
    centers, extents = (
        np.array([getattr(b, n) for b in boxes]).reshape(-1, 3) for n in ("center", "extents")
    )
    rotations = np.array([box.rotation for box in boxes]).reshape(-1, 3, 3)
    together = Box3D.from_matrices(centers, extents, rotations)
    alone = [Box3D.from_matrix(*row) for row in zip(centers, extents, rotations, strict=True)]
    assert len(together) == len(boxes)
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.center, other.center)
        np.testing.assert_array_equal(one.extents, other.extents)
        np.testing.assert_allclose(one.quaternion, other.quaternion, atol=1e-15)
        np.testing.assert_allclose(one.rotation, other.rotation, atol=1e-15)


def test_many_boxes_at_once_keep_copies_that_cannot_be_changed() -> None:
    centers = np.zeros((2, 3))
    first, second = Box3D.from_matrices(centers, np.ones((2, 3)), np.stack([np.eye(3)] * 2))
    centers[1] = 7.0
    assert not second.center.any()
    for array in (first.center, first.extents, first.quaternion, first.rotation):
        with pytest.raises(ValueError):
            array[...] = 5.0


def test_many_boxes_of_other_shapes_are_refused() -> None:
    with pytest.raises(BoxError, match="shapes"):
        Box3D.from_matrices(np.zeros((2, 3)), np.ones((1, 3)), np.stack([np.eye(3)] * 2))
    with pytest.raises(BoxError, match="not a rotation"):
        Box3D.from_matrices(np.zeros((1, 3)), np.ones((1, 3)), 2 * np.eye(3)[None])
