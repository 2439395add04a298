# SPDX-License-Identifier: Apache-2.0
"""Lenses bend colours, depth and ids alike; exposure and noise leave labels as they are."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.camera import Camera, CameraError
from ide3d_training.worlds.lens import Lens, fine_size
from ide3d_training.worlds.renderer import RoomRenderer, render_frame
from ide3d_training.worlds.sensor import Sensor

GREY = np.full((96, 128, 3), 128, np.uint8)


def test_a_clean_sensor_changes_nothing():
    assert Sensor.drawn("clean", 7) == Sensor()
    assert Sensor().exposed(GREY, 7, 0) is GREY
    assert Sensor().camera(128, 96, 1.0) == Camera.from_fov(128, 96, 1.0)


def test_a_varied_sensor_changes_colours_and_nothing_else(renderer):
    clean, varied = render_frame(12, renderer), render_frame(12, renderer, sensor="varied")
    np.testing.assert_array_equal(varied.depth, clean.depth)
    np.testing.assert_array_equal(varied.ids, clean.ids)
    assert varied.graph.to_json() == clean.graph.to_json()
    assert np.mean(varied.rgb != clean.rgb) > 0.5
    np.testing.assert_array_equal(render_frame(12, renderer, sensor="varied").rgb, varied.rgb)


def test_exposure_doubles_linear_light_with_each_stop():
    brighter = Sensor(gain=(2.0, 2.0, 2.0)).exposed(GREY, 0, 0)
    assert (brighter.mean() / 128) ** 2.2 == pytest.approx(2.0, rel=0.02)


def test_white_balance_tints_and_noise_has_the_stated_spread():
    tinted = Sensor(gain=(1.1, 1.0, 0.9)).exposed(GREY, 0, 0).reshape(-1, 3).mean(axis=0)
    assert tinted[0] > tinted[1] > tinted[2]
    noisy = Sensor(read=0.01).exposed(GREY, 0, 0)
    light = (noisy / 255.0) ** 2.2
    assert light.std() == pytest.approx(0.01, rel=0.1)
    assert light.mean() == pytest.approx((128 / 255) ** 2.2, rel=0.01)


def test_every_frame_has_noise_of_its_own_and_every_time_the_same():
    sensor = Sensor(read=0.01)
    first, second = sensor.exposed(GREY, 3, 0), sensor.exposed(GREY, 3, 1)
    assert np.mean(first != second) > 0.5
    np.testing.assert_array_equal(sensor.exposed(GREY, 3, 0), first)


def test_blur_smears_evenly_to_both_sides():
    dot = np.zeros((41, 61, 3), np.uint8)
    dot[20, 30] = 255
    smeared = Sensor(blur=(0.1, 0.0)).exposed(dot, 0, 0)[..., 0] / 255.0
    light = smeared**2.2
    rows, columns = np.nonzero(light)
    assert set(rows) == {20}
    assert columns.min() + columns.max() == 60
    spread = np.sqrt(np.average((np.arange(61) - 30.0) ** 2, weights=light[20]))
    assert spread == pytest.approx(6.1 / np.sqrt(12), rel=0.1)
    assert light.sum() == pytest.approx(1.0, abs=0.05)


def test_jpeg_leaves_its_traces_and_the_size():
    noisy = np.random.default_rng(0).integers(0, 256, GREY.shape).astype(np.uint8)
    squeezed = Sensor(jpeg=60).exposed(noisy, 0, 0)
    assert squeezed.shape == noisy.shape and squeezed.dtype == np.uint8
    assert 5 < np.abs(squeezed.astype(int) - noisy).mean() < 60


def test_drawn_sensors_differ_and_stay_within_what_cameras_do():
    drawn = [Sensor.drawn("distorted", seed) for seed in range(200)]
    assert len(set(drawn)) == 200
    assert len({Sensor.drawn("varied", 5, view) for view in range(5)}) == 5
    gains = np.array([sensor.gain for sensor in drawn])
    assert gains.min() > 0.3 and gains.max() < 3.0
    assert np.mean([any(sensor.blur) for sensor in drawn]) == pytest.approx(0.5, abs=0.15)
    assert np.mean([sensor.jpeg is None for sensor in drawn]) == pytest.approx(0.5, abs=0.15)
    assert min(sensor.bend for sensor in drawn) < -0.1 and max(sensor.bend for sensor in drawn) > 0


@pytest.mark.parametrize("fov_deg", [50, 75, 95])
@pytest.mark.parametrize("size", [(64, 48), (80, 45), (48, 64)])
def test_every_drawn_lens_lets_light_to_the_whole_frame_and_keeps_the_field_of_view(fov_deg, size):
    for seed in range(60):
        camera = Sensor.drawn("distorted", seed).camera(*size, np.deg2rad(fov_deg))
        assert np.isfinite(Lens(camera).source.fx)
        edges = camera.rays(np.array([[-0.5, camera.cy], [size[0] - 0.5, camera.cy]]))
        seen = np.rad2deg(np.arctan(edges[1, 0]) - np.arctan(edges[0, 0]))
        assert seen == pytest.approx(fov_deg, abs=0.5)


def test_the_same_ray_ends_at_the_same_point_through_the_lens_and_without_it():
    """A gradient in the pinhole frame is found again at the pixels that the lens's rays have in it."""
    camera = Sensor(bend=-0.15, tangential=(0.001, -0.001)).camera(128, 96, 1.2)
    lens = Lens(camera)
    height, width = lens.covered.shape
    assert (width, height) == fine_size(128, 96)
    v, u = np.mgrid[:height, :width]
    picture = np.dstack([u, v, 0 * u]).astype(np.uint8)
    plane = 1.0 / (0.4 + 1e-4 * u + 2e-4 * v).astype(np.float32)
    stripes = (u // 8 % 250).astype(np.uint8)
    rgb, depth, ids = lens.bent(picture, plane, stripes)
    y, x = np.mgrid[:96, :128]
    expected = lens.source.project(camera.rays(np.column_stack([x.ravel(), y.ravel()]).astype(float)))
    np.testing.assert_allclose(rgb[..., :2].reshape(-1, 2), expected, atol=0.6)
    exact = 1.0 / (0.4 + 1e-4 * expected[:, 0] + 2e-4 * expected[:, 1])
    error = np.abs(depth.ravel() - exact)
    assert np.median(error) < 1e-5 and error.max() < 5e-3
    assert np.array_equal(ids.ravel(), stripes[0, np.round(expected[:, 0]).astype(int)])
    corners = np.round(expected[[0, 127, -128, -1]]).astype(int)
    assert lens.covered[corners[:, 1].clip(0, height - 1), corners[:, 0].clip(0, width - 1)].all()


def test_depth_at_an_edge_is_never_a_blend():
    camera = Sensor(bend=-0.1).camera(64, 48, 1.2)
    lens = Lens(camera)
    depth = np.where(np.arange(lens.covered.shape[1]) < 40, 1.0, 3.0).astype(np.float32)
    depth = np.broadcast_to(depth, lens.covered.shape)
    _, bent, _ = lens.bent(
        np.zeros((*lens.covered.shape, 3), np.uint8), depth, np.zeros(lens.covered.shape, np.uint8)
    )
    assert set(np.unique(bent.round(5))) == {1.0, 3.0}


def test_a_lens_that_hides_a_part_of_the_frame_is_refused():
    with pytest.raises(CameraError, match="bends too much"):
        Lens(Camera(64, 48, 30.0, 30.0, 31.5, 23.5, (-0.6, 0.0, 0.0, 0.0)))


def test_labels_of_distorted_frames_carry_the_lens(renderer):
    frame = render_frame(12, renderer, sensor="distorted")
    assert len(frame.graph.camera.distortion) == 5
    assert frame.rgb.shape == (192, 256, 3)
    for obj in frame.graph.objects:
        assert obj.visible_pixels == np.count_nonzero(frame.ids == obj.id)
        assert 0 <= obj.visible_fraction <= 1
        assert (obj.visible_fraction == 0) == (obj.visible_pixels == 0)


def test_visible_fractions_are_nearly_the_same_through_a_lens(renderer):
    """The same pose and field of view, once straight and once bent: objects well inside show as much."""
    compared = []
    for seed in range(8):
        straight = {obj.id: obj for obj in render_frame(seed, renderer).graph.objects}
        for obj in render_frame(seed, renderer, sensor="distorted").graph.objects:
            other = straight.get(obj.id)
            if other and other.visible_pixels > 150 and other.visible_fraction > 0.9:
                compared.append(abs(obj.visible_fraction - other.visible_fraction))
    assert len(compared) > 12
    assert np.median(compared) < 0.03


def test_a_pinhole_frame_does_not_depend_on_a_distorted_one_before_it():
    with RoomRenderer(64, 48) as fresh:
        alone = render_frame(3, fresh)
    with RoomRenderer(64, 48) as used:
        render_frame(4, used, sensor="distorted")
        after = render_frame(3, used)
    np.testing.assert_array_equal(after.rgb, alone.rgb)
    np.testing.assert_array_equal(after.depth, alone.depth)
    np.testing.assert_array_equal(after.ids, alone.ids)


def test_an_unknown_sensor_is_named():
    with pytest.raises(ValueError, match="'foggy'"):
        Sensor.drawn("foggy", 0)
