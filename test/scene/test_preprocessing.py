# SPDX-License-Identifier: Apache-2.0
"""Whatever becomes of the pixels, the camera that comes along still says where they look."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ide3d_ros.geometry import Camera
from ide3d_ros.scene.preprocessing import FrameError, prepare_image

WIDTH, HEIGHT = 256, 192


def dots(camera: Camera, points: np.ndarray) -> np.ndarray:
    """Paint a white blob where the camera sees each point."""
    image = np.zeros((camera.height, camera.width, 3), np.uint8)
    for u, v in camera.project(points):
        cv2.circle(
            image, (round(u * 256), round(v * 256)), round(0.025 * camera.width * 256), (255,) * 3, -1, 16, 8
        )
    return image


def blob_center(image: np.ndarray) -> np.ndarray:
    weight = (image[..., 0].astype(float) - 127).clip(0)
    v, u = np.indices(weight.shape)
    return np.array([(weight * u).sum(), (weight * v).sum()]) / weight.sum()


@pytest.mark.parametrize(
    ("size", "distortion"),
    [
        ((640, 480), ()),
        ((256, 192), ()),
        ((160, 120), ()),
        ((640, 460), ()),
        ((1280, 720), ()),
        ((480, 640), ()),
        ((641, 481), ()),
        ((640, 480), (-0.25, 0.08, 0.001, -0.002, 0.0)),
        ((1280, 720), (-0.2, 0.05, 0.001, -0.001)),
    ],
)
@pytest.mark.parametrize("point", [(0.0, 0.0, 2.0), (0.5, -0.4, 2.0), (-0.6, 0.3, 1.5)])
def test_a_point_is_seen_where_the_new_camera_projects_it(
    size: tuple[int, int], distortion: tuple[float, ...], point: tuple[float, float, float]
) -> None:
    camera = Camera(*size, 0.8 * size[0], 0.78 * size[0], 0.52 * size[0], 0.47 * size[1], distortion)
    points = np.array([point])
    prepared = prepare_image(dots(camera, points), camera, WIDTH, HEIGHT)
    assert prepared.pixels.shape == (HEIGHT, WIDTH, 3) and prepared.pixels.dtype == np.uint8
    assert (prepared.camera.width, prepared.camera.height) == (WIDTH, HEIGHT)
    assert prepared.camera.distortion == ()
    np.testing.assert_allclose(blob_center(prepared.pixels), prepared.camera.project(points)[0], atol=0.25)


def test_an_image_of_the_networks_size_passes_unchanged() -> None:
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    camera = Camera.from_fov(WIDTH, HEIGHT, 1.0)
    prepared = prepare_image(image, camera, WIDTH, HEIGHT)
    np.testing.assert_array_equal(prepared.pixels, image)
    assert prepared.camera == camera


def test_shrinking_averages_areas() -> None:
    image = np.zeros((2 * HEIGHT, 2 * WIDTH, 3), np.uint8)
    image[::2, ::2] = 200  # a quarter of each 2x2 cell
    prepared = prepare_image(image, Camera.from_fov(2 * WIDTH, 2 * HEIGHT, 1.0), WIDTH, HEIGHT)
    assert (prepared.pixels == 50).all()


@pytest.mark.parametrize("size", [(640, 480), (960, 720), (1024, 768), (1280, 960), (641, 481)])
def test_shrinking_by_steps_is_nearly_the_mean_of_areas(size: tuple[int, int]) -> None:
    blur = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    image = cv2.resize(blur, size, interpolation=cv2.INTER_CUBIC)
    found = prepare_image(image, Camera.from_fov(*size, 1.0), WIDTH, HEIGHT).pixels
    exact = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    assert np.abs(found.astype(int) - exact).mean() < 2.5


def test_growing_interpolates_instead_of_repeating_pixels() -> None:
    image = np.zeros((HEIGHT // 2, WIDTH // 2, 3), np.uint8)
    image[:, WIDTH // 4 :] = 200
    prepared = prepare_image(image, Camera.from_fov(WIDTH // 2, HEIGHT // 2, 1.0), WIDTH, HEIGHT)
    assert prepared.pixels[0, WIDTH // 2 - 2 : WIDTH // 2 + 2, 0].tolist() == [0, 50, 150, 200]


def test_a_small_difference_in_shape_is_stretched_over_the_whole_image() -> None:
    image = np.full((460, 640, 3), 255, np.uint8)
    assert (prepare_image(image, Camera.from_fov(640, 460, 1.0), WIDTH, HEIGHT).pixels == 255).all()


def test_a_large_difference_in_shape_is_letterboxed_in_grey() -> None:
    image = np.full((720, 1280, 3), 255, np.uint8)
    pixels = prepare_image(image, Camera.from_fov(1280, 720, 1.0), WIDTH, HEIGHT).pixels
    assert (pixels[:24] == 127).all() and (pixels[-24:] == 127).all()
    assert (pixels[24:-24] == 255).all()


def test_the_callers_image_is_left_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    image.flags.writeable = False
    camera = Camera(640, 480, 500, 500, 320, 240, (-0.2, 0.05, 0.0, 0.0))
    prepare_image(image, camera, WIDTH, HEIGHT)


def test_a_view_with_strides_is_read_correctly() -> None:
    bgr = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    camera = Camera.from_fov(WIDTH, HEIGHT, 1.0)
    prepared = prepare_image(bgr[..., ::-1], camera, WIDTH, HEIGHT)
    np.testing.assert_array_equal(prepared.pixels, bgr[..., ::-1])
    assert prepared.pixels.flags.c_contiguous


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((48, 64), np.uint8), r"uint8 \(48, 64\)"),
        (np.zeros((48, 64, 4), np.uint8), r"uint8 \(48, 64, 4\)"),
        (np.zeros((48, 64, 3), np.float32), r"float32 \(48, 64, 3\)"),
        (np.zeros((0, 0, 3), np.uint8), "0x0 but its camera is 64x48"),
        ([[0]], "list"),
    ],
)
def test_what_is_not_an_rgb_image_is_named(image: object, found: str) -> None:
    with pytest.raises(FrameError, match=found):
        prepare_image(image, Camera.from_fov(64, 48, 1.0), WIDTH, HEIGHT)


def test_what_is_not_a_camera_is_named() -> None:
    with pytest.raises(FrameError, match="camera is a ndarray"):
        prepare_image(np.zeros((48, 64, 3), np.uint8), np.eye(3), WIDTH, HEIGHT)
