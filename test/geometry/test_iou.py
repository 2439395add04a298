# SPDX-License-Identifier: Apache-2.0
"""Overlap of oriented boxes, against an independent oracle and against closed forms."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import linprog
from scipy.spatial import ConvexHull, HalfspaceIntersection

from ide3d_ros.geometry import Box3D, iou_matrix, oriented_iou, yaw_rotation
from ide3d_ros.geometry.iou import iou_bounds
from ide3d_ros.geometry.transform import from_rotation_translation

BOXES = st.from_type(Box3D)
MOTIONS = st.from_type(Box3D).map(lambda box: from_rotation_translation(box.rotation, 50 * box.center))
UNIT = Box3D([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0])
FAR = Box3D([3.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0])


def half_spaces(box: Box3D) -> np.ndarray:
    """Write a box as rows (normal, offset) with normal . x + offset <= 0 inside."""
    normals = np.vstack([box.rotation.T, -box.rotation.T])
    return np.column_stack([normals, -normals @ box.center - np.tile(box.extents / 2, 2)])


def oracle_iou(first: Box3D, second: Box3D) -> float:
    """Cut the boxes with scipy: the largest inscribed ball gives an interior point, qhull the volume."""
    rows = np.vstack([half_spaces(first), half_spaces(second)])
    ball = linprog(
        [0, 0, 0, -1],
        A_ub=np.column_stack([rows[:, :3], np.ones(12)]),
        b_ub=-rows[:, 3],
        bounds=[(None, None)] * 4,
    )
    if ball.x[3] < 1e-6:
        return 0.0
    shared = ConvexHull(HalfspaceIntersection(rows, ball.x[:3]).intersections).volume
    return shared / (first.volume + second.volume - shared)


def aligned_iou(first: Box3D, second: Box3D) -> float:
    low = np.maximum(first.center - first.extents / 2, second.center - second.extents / 2)
    high = np.minimum(first.center + first.extents / 2, second.center + second.extents / 2)
    shared = np.prod((high - low).clip(0))
    return shared / (first.volume + second.volume - shared)


def aligned(box: Box3D) -> Box3D:
    return Box3D(box.center, box.extents, [1.0, 0.0, 0.0, 0.0])


@given(...)
def test_overlap_agrees_with_half_spaces_cut_by_qhull(first: Box3D, second: Box3D) -> None:
    assert oriented_iou(first, second) == pytest.approx(oracle_iou(first, second), abs=1e-7)


@given(BOXES, st.floats(0, 0.3), st.floats(-0.5, 0.5))
def test_near_copies_agree_with_half_spaces_cut_by_qhull(box: Box3D, shift: float, turn: float) -> None:
    near = Box3D.from_matrix(box.center + shift * box.extents, box.extents, yaw_rotation(turn) @ box.rotation)
    assert oriented_iou(box, near) == pytest.approx(oracle_iou(box, near), abs=1e-7)


@given(...)
def test_aligned_boxes_agree_with_the_closed_form(first: Box3D, second: Box3D) -> None:
    first, second = aligned(first), aligned(second)
    assert oriented_iou(first, second) == pytest.approx(aligned_iou(first, second), abs=1e-9)


@given(...)
def test_overlap_does_not_ask_which_box_comes_first(first: Box3D, second: Box3D) -> None:
    assert oriented_iou(first, second) == pytest.approx(oriented_iou(second, first), abs=1e-9)


@given(...)
def test_overlap_lies_between_none_and_the_ratio_of_the_volumes(first: Box3D, second: Box3D) -> None:
    smaller, larger = sorted([first.volume, second.volume])
    assert 0.0 <= oriented_iou(first, second) <= smaller / larger + 1e-9


@given(BOXES, BOXES, MOTIONS)
def test_overlap_stays_when_both_boxes_move(first: Box3D, second: Box3D, motion: np.ndarray) -> None:
    moved = oriented_iou(first.transformed(motion), second.transformed(motion))
    assert moved == pytest.approx(oriented_iou(first, second), abs=1e-8)


@given(...)
def test_a_box_overlaps_itself_wholly(box: Box3D) -> None:
    assert 1 - 1e-9 < oriented_iou(box, box) <= 1.0


@given(BOXES, st.permutations([0, 1, 2]))
def test_naming_the_axes_anew_does_not_move_a_box(box: Box3D, order: list[int]) -> None:
    axes = box.rotation[:, order]
    renamed = Box3D.from_matrix(box.center, box.extents[order], axes * np.linalg.det(axes))
    assert oriented_iou(box, renamed) == pytest.approx(1.0, abs=1e-9)


@given(BOXES, st.floats(0.05, 1.0))
def test_a_box_inside_another_overlaps_by_its_share(box: Box3D, share: float) -> None:
    inside = Box3D(box.center, box.extents * share, box.quaternion)
    assert oriented_iou(box, inside) == pytest.approx(share**3, abs=1e-9)


def test_a_square_turned_by_an_eighth_shares_an_octagon() -> None:
    turned = Box3D.from_matrix([0, 0, 0], [1, 1, 1], yaw_rotation(np.pi / 4))
    octagon = 2 * (np.sqrt(2) - 1)
    assert oriented_iou(UNIT, turned) == pytest.approx(octagon / (2 - octagon), abs=1e-12)


@given(
    BOXES, st.tuples(*[st.floats(-1.0, 1.0)] * 3), st.tuples(*[st.floats(0.05, 3.0)] * 3), st.floats(-4, 4)
)
def test_boxes_on_one_floor_overlap_as_their_polyhedra_do(
    box: Box3D, shift: tuple[float, ...], extents: tuple[float, ...], yaw: float
) -> None:
    center = box.center + box.rotation @ (np.array(shift) * box.extents)
    other = Box3D.from_matrix(center, np.array(extents), box.rotation @ yaw_rotation(yaw))
    assert oriented_iou(box, other) == pytest.approx(iou_matrix([box], [other])[0, 0], abs=1e-9)


def test_boxes_that_share_a_corner_alone_are_not_taken_for_apart() -> None:
    corner = Box3D([0.9, 0.9, 0.9], [1, 1, 1], [1, 0, 0, 0])
    assert oriented_iou(UNIT, corner) == pytest.approx(0.001 / 1.999, abs=1e-12)


def test_boxes_that_only_touch_do_not_overlap() -> None:
    assert oriented_iou(UNIT, Box3D([1, 0, 0], [1, 1, 1], [1, 0, 0, 0])) == 0.0
    assert oriented_iou(UNIT, Box3D([1, 1, 1], [1, 1, 1], [1, 0, 0, 0])) == 0.0


def test_distance_from_the_origin_costs_no_digits() -> None:
    away = np.array([1e6, -2e6, 3e6])
    near = [Box3D(offset, [1, 2, 3], [0.9, 0.1, 0.2, 0.3]) for offset in ([0, 0, 0], [0.5, 0.25, 0])]
    moved = [Box3D(box.center + away, box.extents, box.quaternion) for box in near]
    assert oriented_iou(*moved) == pytest.approx(oriented_iou(*near), abs=1e-13)


@pytest.mark.parametrize(
    "bad",
    [
        Box3D([0, 0, 0], [1, 1, 0], [1, 0, 0, 0]),
        Box3D([0, 0, 0], [1, 1, 0.9e-4], [1, 0, 0, 0]),
        Box3D([0, 0, 0], [1, 1, -1], [1, 0, 0, 0]),
        Box3D([0, 0, 0], [1, 1, np.nan], [1, 0, 0, 0]),
        Box3D([np.nan, 0, 0], [1, 1, 1], [1, 0, 0, 0]),
        Box3D([0, 0, 0], [1, 1, np.inf], [1, 0, 0, 0]),
    ],
)
def test_a_box_that_is_not_valid_overlaps_nothing_not_even_itself(bad: Box3D) -> None:
    assert iou_matrix([bad, UNIT], [UNIT, bad]).tolist() == [[0.0, 0.0], [1.0, 0.0]]


@given(st.lists(st.from_type(Box3D), max_size=4), st.lists(st.from_type(Box3D), max_size=3))
def test_the_matrix_holds_each_pair(first: list[Box3D], second: list[Box3D]) -> None:
    matrix = iou_matrix(first, second)
    assert matrix.shape == (len(first), len(second))
    pairs = [[oriented_iou(one, other) for other in second] for one in first]
    assert_allclose(matrix, np.reshape(pairs, matrix.shape), atol=1e-9)


def test_boxes_far_apart_are_told_without_cutting_anything() -> None:
    """manifold3d is not even loaded, so a robot that never compares near boxes never pays for it."""
    code = (
        "import sys; from ide3d_ros.geometry import Box3D, iou_matrix\n"
        "boxes = [Box3D([3.0 * i, 0, 0], [1, 1, 1], [1, 0, 0, 0]) for i in range(4)]\n"
        "assert not iou_matrix(boxes[:2], boxes[2:]).any()\n"
        "assert 'manifold3d' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_boxes_whose_spheres_meet_but_whose_sides_do_not_have_no_overlap() -> None:
    flat = Box3D([0.0, 0.0, 1.0], [3.0, 3.0, 0.1], [1.0, 0.0, 0.0, 0.0])
    assert oriented_iou(UNIT, flat) == 0.0
    assert oriented_iou(UNIT, FAR) == 0.0


FIRST, SECOND = np.array([0]), np.array([1])


@given(BOXES, BOXES)
def test_a_bound_is_never_below_the_overlap_and_is_it_where_it_says_so(first: Box3D, second: Box3D) -> None:
    bounds, exact = iou_bounds([first, second], FIRST, SECOND)
    overlap = oriented_iou(first, second)
    assert bounds[0] >= overlap - 1e-9
    if exact[0]:
        assert bounds[0] == pytest.approx(overlap, abs=1e-6)


@given(BOXES, st.floats(-1.0, 1.0))
def test_a_shifted_copy_is_bounded_exactly(box: Box3D, share: float) -> None:
    shifted = Box3D(box.center + share * box.extents[0] * box.rotation[:, 0], box.extents, box.quaternion)
    bounds, exact = iou_bounds([box, shifted], FIRST, SECOND)
    assert exact[0]
    assert bounds[0] == pytest.approx((1 - abs(share)) / (1 + abs(share)), abs=1e-9)


def test_a_box_that_is_not_valid_is_bounded_by_nothing() -> None:
    bad = Box3D([np.nan, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0])
    bounds, exact = iou_bounds([UNIT, bad], FIRST, SECOND)
    assert bounds[0] == 0 and exact[0]
