# SPDX-License-Identifier: Apache-2.0
"""What a depth picture shows of a box: all, what is left beside an obstacle, what is inside the frame."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_training.evaluate.depth_visibility import box_visibility

CAMERA = Camera(160, 120, 120.0, 120.0, 79.5, 59.5)
UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])
WALL = 5.0


def block(x: float = 0.0, depth: float = 2.0, side: float = 0.6) -> Box3D:
    return Box3D(np.array([x, 0.0, depth]), np.full(3, side), UPRIGHT)


def picture(*blocks: Box3D) -> np.ndarray:
    """Draw the front faces of blocks before a wall."""
    depth = np.full((CAMERA.height, CAMERA.width), WALL, np.float32)
    rows, columns = np.mgrid[0 : CAMERA.height, 0 : CAMERA.width]
    rays = CAMERA.rays(np.column_stack([columns.ravel(), rows.ravel()]))
    for one in blocks:
        front = one.center[2] - one.extents[2] / 2
        aside = np.abs(rays[:, :2] * front - one.center[:2]) <= one.extents[:2] / 2
        hit = aside.all(-1).reshape(depth.shape)
        depth[hit] = np.minimum(depth[hit], front)
    return depth


def test_free_box_is_wholly_visible_with_its_area():
    seen = box_visibility(block(), picture(block()), CAMERA)
    assert seen.fraction == 1.0
    assert seen.pixels == pytest.approx((0.6 / 1.7 * 120) ** 2, rel=0.02)


def test_obstacle_hides_its_share():
    obstacle = Box3D(np.array([-0.3, 0.0, 1.0]), np.array([0.6, 2.0, 0.1]), UPRIGHT)
    seen = box_visibility(block(), picture(block(), obstacle), CAMERA)
    assert seen.fraction == pytest.approx(0.5, abs=0.05)


def test_part_outside_the_frame_is_not_visible():
    plate = Box3D(np.array([2.0 * 80 / 120, 0.0, 2.0]), np.array([0.6, 0.6, 0.01]), UPRIGHT)  # on the edge
    seen = box_visibility(plate, picture(plate), CAMERA)
    assert seen.fraction == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("place", [block(x=9.0), block(depth=-2.0)])
def test_box_out_of_view_is_unseen(place):
    seen = box_visibility(place, picture(), CAMERA)
    assert (seen.fraction, seen.pixels) == (0.0, 0.0)


def test_box_that_nothing_fills_is_unseen():
    assert box_visibility(block(), picture(), CAMERA).fraction == 0.0


def test_sparse_object_is_judged_by_the_part_of_the_box_that_it_fills():
    thin = Box3D(np.array([0.0, 0.0, 1.71]), np.array([0.6, 0.15, 0.02]), UPRIGHT)  # a bar at the front
    seen = box_visibility(block(), picture(thin), CAMERA)
    assert seen.fraction == 1.0
    assert seen.pixels == pytest.approx(0.25 * (0.6 / 1.7 * 120) ** 2, rel=0.15)


def test_unmeasured_pixels_tell_nothing():
    depth = picture(block())
    depth[:, :80] = 0.0
    assert box_visibility(block(), depth, CAMERA).fraction == 1.0
    assert box_visibility(block(), np.zeros_like(depth), CAMERA) is None
