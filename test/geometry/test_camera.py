# SPDX-License-Identifier: Apache-2.0
"""Cameras: pixels and rays go there and back, and intrinsics follow every change of the image."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ide3d_ros.geometry import Camera, CameraError

CAMERAS = st.from_type(Camera)
SIDES = st.integers(1, 1500)
SEEDS = st.integers(0, 2**32 - 1)
BARREL = Camera(640, 480, 420.0, 425.0, 322.5, 236.0, (-0.28, 0.09, 0.0008, -0.0005, -0.012))


def points_in_view(camera: Camera, seed: int, count: int = 40) -> np.ndarray:
    """Draw points in front of the camera that it has pixels for."""
    rng = np.random.default_rng(seed)
    pixels = rng.uniform([-0.5, -0.5], [camera.width - 0.5, camera.height - 0.5], (count, 2))
    rays = camera.rays(pixels)
    return rays[np.isfinite(rays).all(1)] * rng.uniform(0.1, 20.0, (int(np.isfinite(rays).all(1).sum()), 1))


@given(CAMERAS, SEEDS)
@example(BARREL, 0)
def test_unprojecting_undoes_projecting(camera: Camera, seed: int) -> None:
    points = points_in_view(camera, seed)
    assert_allclose(camera.unproject(camera.project(points), points[:, 2]), points, rtol=1e-6, atol=1e-6)


@given(CAMERAS, SEEDS)
@example(BARREL, 0)
def test_projecting_undoes_unprojecting(camera: Camera, seed: int) -> None:
    pixels = np.random.default_rng(seed).uniform(0, [camera.width, camera.height], (40, 2))
    rays = camera.rays(pixels)
    seen = np.isfinite(rays).all(1)
    assert seen.all() or camera.distortion
    assert (rays[:, 2] == 1).all()
    assert_allclose(camera.project(rays[seen]), pixels[seen], atol=1e-3)


@given(CAMERAS, SEEDS)
@example(BARREL, 0)
def test_projection_agrees_with_opencv(camera: Camera, seed: int) -> None:
    points = points_in_view(camera, seed)
    if not len(points):
        return
    lens = np.array(camera.distortion or [0.0] * 5)
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera.K, lens)
    assert_allclose(camera.project(points), expected[:, 0], atol=1e-8 * camera.width)


@given(...)
def test_points_that_are_not_in_front_of_the_camera_have_no_pixel(camera: Camera) -> None:
    pixels = camera.project(
        np.array([[0.1, 0.1, -1.0], [0.1, 0.1, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, np.nan]])
    )
    assert np.isnan(pixels[[0, 1, 3]]).all()
    assert_allclose(pixels[2], [camera.cx, camera.cy], atol=1e-12)


@given(CAMERAS, SEEDS, SIDES, SIDES)
def test_resizing_commutes_with_projection(camera: Camera, seed: int, width: int, height: int) -> None:
    points = points_in_view(camera, seed)
    scale = np.array([width / camera.width, height / camera.height])
    expected = (camera.project(points) + 0.5) * scale - 0.5
    assert_allclose(camera.resized(width, height).project(points), expected, rtol=1e-9, atol=1e-9)


@given(CAMERAS, SEEDS, st.integers(-300, 300), st.integers(-300, 300))
def test_cropping_commutes_with_projection(camera: Camera, seed: int, left: int, top: int) -> None:
    points = points_in_view(camera, seed)
    cropped = camera.cropped(left, top, 77, 55)
    assert (cropped.width, cropped.height) == (77, 55)
    assert_allclose(cropped.project(points), camera.project(points) - (left, top), atol=1e-8)


@given(CAMERAS, SEEDS, SIDES, SIDES)
def test_letterboxing_commutes_with_projection(camera: Camera, seed: int, width: int, height: int) -> None:
    points = points_in_view(camera, seed)
    box = camera.letterboxed(width, height)
    inner = camera.resized(box.width, box.height).project(points)
    assert_allclose(box.camera.project(points), inner + (box.left, box.top), rtol=1e-9, atol=1e-9)


@given(CAMERAS, SIDES, SIDES)
def test_a_letterboxed_image_fills_one_side_and_is_centred_on_the_other(
    camera: Camera, width: int, height: int
) -> None:
    box = camera.letterboxed(width, height)
    assert (box.camera.width, box.camera.height) == (width, height)
    bars = np.array([width - box.width, height - box.height])
    assert (bars >= 0).all() and bars.min() == 0
    assert_allclose([box.left, box.top], bars / 2, atol=0.5)
    assert_allclose([box.width, box.height], box.scale * np.array([camera.width, camera.height]), atol=1.0)


@pytest.mark.parametrize("size", [(160, 120), (320, 120), (213, 100)])
def test_intrinsics_follow_a_real_resize_by_opencv(size: tuple[int, int]) -> None:
    """The image says in each pixel where it looks; shrunk, it must still say what its new camera says."""
    camera = Camera.from_fov(640, 480, 1.2)
    v, u = np.mgrid[0:480, 0:640]
    looks = camera.rays(np.column_stack([u.ravel(), v.ravel()]))[:, :2].reshape(480, 640, 2)
    shrunk = cv2.resize(looks, size, interpolation=cv2.INTER_AREA)
    v, u = np.mgrid[0 : size[1], 0 : size[0]]
    expected = camera.resized(*size).rays(np.column_stack([u.ravel(), v.ravel()]))[:, :2]
    pixel = 2 * np.tan(0.6) / 640
    assert_allclose(shrunk.reshape(-1, 2), expected, atol=0.1 * pixel)


def test_the_field_of_view_ends_at_the_outer_edges_of_the_outer_pixels() -> None:
    camera = Camera.from_fov(256, 192, np.deg2rad(70))
    left, right = camera.rays(np.array([[-0.5, 95.5], [255.5, 95.5]]))
    assert np.arctan2(right[0], 1) - np.arctan2(left[0], 1) == pytest.approx(np.deg2rad(70))
    assert_allclose([left[1], right[1]], 0, atol=1e-12)
    assert camera.fx == camera.fy


@given(...)
def test_the_matrix_says_all_that_lens_and_size_do_not(camera: Camera) -> None:
    assert Camera.from_matrix(camera.K, camera.width, camera.height, camera.distortion) == camera
    plain = replace(camera, distortion=())
    point = np.array([[0.3, -0.2, 2.0]])
    homogeneous = plain.K @ point[0]
    assert_allclose(plain.project(point)[0], homogeneous[:2] / homogeneous[2], rtol=1e-12)


def test_an_image_contains_the_whole_of_its_outer_pixels() -> None:
    camera = Camera(4, 3, 5.0, 5.0, 1.5, 1.0)
    inside = np.array([[-0.5, -0.5], [3.49, 2.49], [0.0, 0.0]])
    outside = np.array([[-0.51, 0.0], [0.0, -0.51], [3.5, 0.0], [0.0, 2.5], [np.nan, 0.0], [np.inf, 0.0]])
    assert camera.contains(inside).all()
    assert not camera.contains(outside).any()


@given(CAMERAS, st.floats(0.3, 3.0))
def test_objects_of_one_size_in_pixels_have_one_virtual_depth(camera: Camera, zoom: float) -> None:
    zoomed = replace(camera, fx=camera.fx * zoom, fy=camera.fy * zoom)
    near, far = 2.0 * camera.virtual_depth_scale(500.0), 2.0 * zoom * zoomed.virtual_depth_scale(500.0)
    assert near == pytest.approx(far)
    assert replace(camera, fx=500.0, fy=500.0).virtual_depth_scale(500.0) == pytest.approx(1.0)


def test_the_virtual_depth_of_a_stretched_image_lies_between_those_of_its_axes() -> None:
    assert Camera(64, 48, 400.0, 900.0, 31.5, 23.5).virtual_depth_scale(300.0) == pytest.approx(0.5)


def test_a_camera_of_numpy_numbers_survives_json() -> None:
    lens = tuple(np.full(4, 0.125, np.float32))
    camera = Camera(np.int64(64), 48, np.float32(50), 50, 31.5, np.float64(23.5), lens)
    assert Camera(**json.loads(json.dumps(asdict(camera)))) == camera


def test_zero_coefficients_are_no_distortion() -> None:
    plain = Camera(64, 48, 50.0, 50.0, 31.5, 23.5)
    assert Camera(64, 48, 50, 50, 31.5, 23.5, (0.0,) * 5) == plain
    assert hash(Camera(np.uint32(64), 48, np.float32(50), 50, 31.5, 23.5)) == hash(plain)


def test_the_undistortion_map_agrees_with_opencv() -> None:
    u, v = BARREL.undistortion_map()
    expected = cv2.initUndistortRectifyMap(
        BARREL.K, np.array(BARREL.distortion), None, BARREL.K, (640, 480), cv2.CV_32FC1
    )
    assert u.dtype == v.dtype == np.float32
    assert u.shape == v.shape == (480, 640)
    assert_allclose(np.stack([u, v]), expected, atol=1e-3)


def test_an_image_that_is_undistorted_shows_what_its_camera_says() -> None:
    rows, columns = np.mgrid[0:480, 0:640]
    looks = BARREL.rays(np.column_stack([columns.ravel(), rows.ravel()]))[:, :2].reshape(480, 640, 2)
    straight = cv2.remap(looks.astype(np.float32), *BARREL.undistortion_map(), cv2.INTER_LINEAR)
    expected = BARREL.undistorted().rays(np.column_stack([columns.ravel(), rows.ravel()]))[:, :2]
    middle = (slice(40, -40), slice(40, -40))
    assert_allclose(straight[middle], expected.reshape(480, 640, 2)[middle], atol=2e-4)


def test_what_the_lens_does_not_show_is_mapped_outside_the_image() -> None:
    folded = Camera(640, 480, 200.0, 200.0, 319.5, 239.5, (-0.25, 0.0, 0.0, 0.0))
    u, v = folded.undistortion_map()
    assert (u[0, 0], v[0, 0]) == (-1.0, -1.0)
    assert u[240, 320] == pytest.approx(320, abs=0.1)
    pincushion = replace(folded, distortion=(0.25, 0.0, 0.0, 0.0))
    assert (pincushion.undistortion_map()[0][240, [0, 320, 639]] == [-1.0, 320.0, -1.0]).tolist() == [
        True
    ] * 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"width": 0}, "0x48 pixels"),
        ({"height": -3}, "whole and positive"),
        ({"width": 64.5}, "whole and positive"),
        ({"width": np.nan}, "whole and positive"),
        ({"fx": 0.0}, "calibrate"),
        ({"fy": -50.0}, "calibrate"),
        ({"fx": np.inf}, "finite"),
        ({"cx": np.nan}, "finite"),
        ({"distortion": (0.1, 0.1, np.nan, 0.0)}, "finite"),
        ({"distortion": (0.1, 0.2)}, "4 or 5 coefficients, not 2"),
    ],
)
def test_a_camera_that_cannot_be_is_refused_by_name(change: dict, reason: str) -> None:
    with pytest.raises(CameraError, match=reason):
        replace(Camera(64, 48, 50.0, 50.0, 31.5, 23.5), **change)


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        (np.eye(4), "3x3"),
        (np.zeros((3, 3)), "without skew"),
        (np.array([[50, 2.0, 30], [0, 50, 20], [0, 0, 1]]), "without skew"),
        (np.array([[50, 0, 30], [0, 50, 20], [0, 0, 2.0]]), "without skew"),
        (np.array([[0, 0, 30], [0, 50, 20], [0, 0, 1.0]]), "calibrate"),
    ],
)
def test_a_matrix_of_another_form_is_refused_by_name(matrix: np.ndarray, reason: str) -> None:
    with pytest.raises(CameraError, match=reason):
        Camera.from_matrix(matrix, 64, 48)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda camera: camera.unproject(np.zeros((2, 2)), np.ones(3)), "2 pixels need as many depths"),
        (lambda camera: camera.unproject(np.zeros((2, 2)), np.array([1.0, 0.0])), "depth is not positive"),
        (lambda camera: camera.unproject(np.zeros((1, 2)), np.array([np.nan])), "depth is not positive"),
        (lambda camera: camera.project(np.zeros(3)), r"points are \(N, 3\)"),
        (lambda camera: camera.rays(np.zeros((2, 3))), r"pixels are \(N, 2\)"),
        (lambda camera: camera.resized(0, 10), "whole and positive"),
        (lambda camera: camera.letterboxed(10, 0), "whole and positive"),
        (lambda camera: Camera.from_fov(64, 48, np.pi), "between 0 and pi"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_by_name(call, reason: str) -> None:
    with pytest.raises(CameraError, match=reason):
        call(Camera(64, 48, 50.0, 50.0, 31.5, 23.5))


def test_no_points_have_no_pixels() -> None:
    for camera in (BARREL, BARREL.undistorted()):
        assert camera.project(np.zeros((0, 3))).shape == (0, 2)
        assert camera.rays(np.zeros((0, 2))).shape == (0, 3)
