# SPDX-License-Identifier: Apache-2.0
"""Vectors in which a query states a box come back as that box, through every lens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from query_vectors import write_query_vector

from ide3d_ros.geometry import Box3D, Camera
from ide3d_ros.geometry.query_code import FACING, ROTATION, SIZE, decode_query_boxes, readable

CAMERA = Camera(256, 192, 210.0, 220.0, 120.0, 99.0)


def some_box() -> Box3D:
    return Box3D([0.7, -0.4, 3.1], [0.5, 0.9, 1.4], [0.4, 0.5, -0.6, 0.3])


@pytest.mark.parametrize("focal_virtual", [200.0, None])
def test_any_rotation_and_place_come_back(focal_virtual):
    vector = write_query_vector(some_box(), CAMERA, focal_virtual)
    found = decode_query_boxes(vector[None], CAMERA.K, (CAMERA.width, CAMERA.height), focal_virtual)
    np.testing.assert_allclose(found.centers[0], some_box().center, atol=1e-9)
    np.testing.assert_allclose(found.extents[0], some_box().extents, atol=1e-9)
    np.testing.assert_allclose(found.rotations[0], some_box().rotation, atol=1e-9)


@pytest.mark.parametrize(("focal_virtual", "ratio"), [(200.0, 2.0), (None, 1.0)])
def test_only_the_virtual_camera_makes_depth_follow_the_lens(focal_virtual, ratio):
    vector = write_query_vector(some_box(), CAMERA, focal_virtual)
    long = replace(CAMERA, fx=2 * CAMERA.fx, fy=2 * CAMERA.fy)
    size = CAMERA.width, CAMERA.height
    near, far = (decode_query_boxes(vector[None], c.K, size, focal_virtual) for c in (CAMERA, long))
    assert far.centers[0, 2] / near.centers[0, 2] == pytest.approx(ratio)


def test_a_fresh_rotation_faces_the_camera_and_stands_upright():
    vector = np.zeros(SIZE)
    vector[:2], vector[ROTATION] = 0.5, FACING
    centered = Camera(256, 192, 200.0, 200.0, 127.5, 95.5)
    rotation = decode_query_boxes(vector[None], centered.K, (256, 192), 200.0).rotations[0]
    np.testing.assert_allclose(rotation[:, 0], [0, 0, -1], atol=1e-12)  # its front
    np.testing.assert_allclose(rotation[:, 2], [0, -1, 0], atol=1e-12)  # its top


def test_vectors_without_a_rotation_or_not_finite_are_told_apart():
    good = write_query_vector(some_box(), CAMERA, 200.0)
    flat, lost, parallel = good.copy(), good.copy(), good.copy()
    flat[ROTATION] = 0.0
    lost[0] = np.nan
    parallel[9:12] = 3 * parallel[6:9]
    assert readable(np.stack([good, flat, lost, parallel])).tolist() == [True, False, False, False]
