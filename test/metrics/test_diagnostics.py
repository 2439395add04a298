# SPDX-License-Identifier: Apache-2.0
"""Diagnostics tell a wrong depth from a wrong pixel."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_training.metrics.diagnostics import placement_error

CAMERA = Camera.from_fov(256, 192, np.deg2rad(65.0))
TRUTH = Box3D(np.array([0.4, 0.2, 2.0]), np.array([0.5, 0.6, 0.7]), np.array([1.0, 0.0, 0.0, 0.0]))


def moved(center: np.ndarray) -> Box3D:
    return Box3D(center, TRUTH.extents, TRUTH.quaternion)


def test_perfect_box_has_no_error():
    error = placement_error(TRUTH, TRUTH, CAMERA)
    assert (error.pixel, error.depth_m, error.log_depth) == pytest.approx((0.0, 0.0, 0.0))
    assert (error.true_depth_iou, error.true_pixel_iou, error.true_center_iou) == pytest.approx(
        (1.0, 1.0, 1.0)
    )


def test_box_slid_along_its_ray_is_healed_by_the_true_depth_alone():
    error = placement_error(moved(TRUTH.center * 1.5), TRUTH, CAMERA)
    assert error.right_pixel and error.pixel == pytest.approx(0.0, abs=1e-9)
    assert error.depth_m == pytest.approx(1.0)
    assert error.log_depth == pytest.approx(np.log(1.5))
    assert error.true_depth_iou == pytest.approx(1.0)
    assert error.true_pixel_iou < 0.3


def test_box_at_the_right_depth_in_the_wrong_place_is_healed_by_the_true_pixel_alone():
    error = placement_error(moved(np.array([-0.6, 0.2, 2.0])), TRUTH, CAMERA)
    assert not error.right_pixel
    assert error.pixel == pytest.approx(CAMERA.fx * 1.0 / 2.0)
    assert error.true_pixel_iou == pytest.approx(1.0)
    assert error.true_depth_iou < 0.1
    assert error.true_center_iou == pytest.approx(1.0)


def test_box_behind_the_camera_is_an_error_not_a_crash():
    error = placement_error(moved(np.array([0.4, 0.2, -2.0])), TRUTH, CAMERA)
    assert not error.right_pixel
    assert error.log_depth == float("inf")
    assert error.true_depth_iou == 0.0
