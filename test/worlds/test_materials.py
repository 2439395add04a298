# SPDX-License-Identifier: Apache-2.0
"""Materials look different, and none changes depth, ids or the shape of a part."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from ide3d_ros.geometry.camera import Camera
from ide3d_training.worlds import materials
from ide3d_training.worlds.parts import FINISHES, MATERIALS, Part, ball, block, rod
from ide3d_training.worlds.renderer import Rendered
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.viewpoint import CameraPose

_RGB = (0.76, 0.55, 0.30)


def _shown(renderer, parts: tuple[Part, ...]) -> Rendered:
    """Draw parts standing alone in the middle of a room, from 1.6 m in front."""
    room = Room.from_seed(0)
    extents = np.array([0.5, 0.5, 0.8])
    placed = replace(
        room.objects[0], parts=parts, extents=extents, position=np.zeros(3), yaw=0.4, support=None
    )
    shell = replace(room.shell, fixtures=())
    pose = CameraPose(np.array([1.6, 0.0, 0.9]), np.pi, 0.25, 0.0, 1.0)
    camera = Camera.from_fov(renderer.width, renderer.height, pose.horizontal_fov)
    return renderer.render(replace(room, objects=(placed,), shell=shell), pose, camera)


def _sampler(finish: str) -> tuple[Part, ...]:
    """Return a board, a block, a cylinder and an ellipsoid of one finish."""
    return (
        block((-0.25, -0.25, 0.0), (0.25, 0.25, 0.4), _RGB, finish),
        block((-0.25, -0.25, 0.4), (-0.22, 0.25, 0.8), _RGB, finish),
        rod(0.1, -0.1, 0.4, 0.7, 0.08, _RGB, finish),
        ball((0.1, 0.12, 0.5), (0.1, 0.1, 0.1), _RGB, finish),
    )


@pytest.fixture(scope="module")
def shown(renderer) -> dict[str, Rendered]:
    return {finish: _shown(renderer, _sampler(finish)) for finish in FINISHES}


def test_any_two_materials_look_different(shown):
    for one, two in itertools.combinations(MATERIALS, 2):
        mask = shown[one].ids == 1
        apart = np.abs(shown[one].rgb[mask].astype(float) - shown[two].rgb[mask]).mean()
        assert apart > 1.0, f"{one} and {two} differ by {apart:.2f}"


def test_materials_keep_the_colour(shown):
    """A glass part shows what lies behind it; every other one stays near its own colour."""
    plain = shown["matt"].rgb[shown["matt"].ids == 1].mean(axis=0)
    for finish in MATERIALS:
        mean = shown[finish].rgb[shown[finish].ids == 1].mean(axis=0)
        ratio = mean / mean.sum() * plain.sum() / plain
        assert np.all(np.abs(ratio - 1) < (0.35 if finish == "glass" else 0.10)), f"{finish}: {ratio}"
        assert mean.sum() > 0.72 * plain.sum()


def test_depth_and_ids_do_not_depend_on_the_material(shown):
    for finish in FINISHES:
        np.testing.assert_array_equal(shown[finish].ids, shown["matt"].ids)
        np.testing.assert_allclose(shown[finish].depth, shown["matt"].depth, atol=2e-4)


def test_the_grain_of_a_board_runs_along_its_length():
    plank = block((0, 0, 0), (0.02, 0.3, 1.5), _RGB, "wood")
    look, half, axes = materials.applied(plank)
    np.testing.assert_allclose(half, (0.75, 0.15, 0.01))
    np.testing.assert_allclose(np.abs(axes[:, 0]), (0, 0, 1))
    assert np.linalg.det(axes) == pytest.approx(1)
    assert {"wood", look} <= {known.name for known in materials.LOOKS}
    assert look != "wood"


def test_an_applied_finish_leaves_the_part_where_it_is():
    for part in _sampler("fabric"):
        look, half, axes = materials.applied(part)
        moved = replace(part, half=half, rotation=axes)
        np.testing.assert_allclose(
            np.sort(moved.reach(np.eye(3))), np.sort(part.reach(np.eye(3))), atol=1e-12
        )
        assert look.startswith("fabric")


def test_patterns_are_the_same_every_time_and_bright():
    again = {look.name: look for look in materials._looks()}
    for look in materials.LOOKS:
        if look.image is not None:
            np.testing.assert_array_equal(look.image, again[look.name].image)
            assert look.image.mean() > 130
