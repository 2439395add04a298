# SPDX-License-Identifier: Apache-2.0
"""What OpenGL draws is what rays hit, with and without a lens, and boxes enclose it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ray_oracle import cast

from ide3d_ros.geometry.transform import inverse
from ide3d_training.worlds.renderer import Rendered, RoomRenderer, render_frame
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.silhouette import silhouette_pixels

# A vertex less or more at a round shape moves its outline by under 1 % of its radius.
SAME_IDS, SAME_IDS_ON_AVERAGE, DEPTH_P99_M = 0.995, 0.999, 0.005
# A lens takes ids, and depths beside edges, from the nearest of pixels that are two thirds as large.
SAME_IDS_BEHIND_LENS, DEPTH_P99_BEHIND_LENS_M = 0.985, 0.02


@pytest.fixture(scope="module")
def distorted(renderer: RoomRenderer) -> list[Rendered]:
    """Draw rooms through lenses; do not change the arrays."""
    return [render_frame(seed, renderer, sensor="distorted") for seed in range(16)]


def _check_against_rays(frame: Rendered, same_ids: float, depth_p99_m: float) -> float:
    graph = frame.graph
    rays = cast(Room.from_seed(graph.seed), graph.camera, graph.world_from_camera)
    same = rays.ids == frame.ids
    assert same.mean() >= same_ids, f"seed {graph.seed}"
    assert same[rays.inner].mean() > 0.9995, f"seed {graph.seed}"
    error = np.abs(rays.depth - frame.depth)[same & rays.inner]
    assert np.median(error) < 0.0001, f"seed {graph.seed}"
    assert np.percentile(error, 99) < depth_p99_m, f"seed {graph.seed}"
    assert np.all(frame.depth > 0)
    for obj in graph.objects:
        hits = np.count_nonzero(rays.ids == obj.id)
        assert abs(obj.visible_pixels - hits) <= 10 + 0.15 * hits, f"seed {graph.seed}, object {obj.id}"
    return float(same.mean())


def test_depth_and_ids_agree_with_rays(frames):
    same = [_check_against_rays(frame, SAME_IDS, DEPTH_P99_M) for frame in frames[::4]]
    assert np.mean(same) >= SAME_IDS_ON_AVERAGE


def test_depth_and_ids_behind_a_lens_agree_with_its_bent_rays(distorted):
    for frame in distorted[::4]:
        _check_against_rays(frame, SAME_IDS_BEHIND_LENS, DEPTH_P99_BEHIND_LENS_M)


def _largest_excess(frame: Rendered) -> float:
    rows, columns = np.nonzero(frame.depth > 0)
    pixels = np.column_stack([columns, rows]).astype(float)
    points = frame.graph.camera.unproject(pixels, frame.depth[rows, columns].astype(float))
    ids, excess = frame.ids[rows, columns], 0.0
    for obj in frame.graph.objects:
        own = (points[ids == obj.id] - obj.box.center) @ obj.box.rotation
        if len(own):
            excess = max(excess, float((np.abs(own) - obj.box.extents / 2).max()))
    return excess


def test_boxes_enclose_what_is_visible_of_their_objects(frames):
    for frame in frames:
        assert _largest_excess(frame) < 0.002, f"seed {frame.graph.seed}"


def test_boxes_enclose_what_a_lens_shows_to_less_than_a_pixel(distorted):
    for frame in distorted:
        assert _largest_excess(frame) < 0.02, f"seed {frame.graph.seed}"


def test_visible_fractions_agree_with_rays_at_the_object_alone(frames):
    """Of objects wholly in the frame: hits among all others, over hits in a room that holds nothing else."""
    errors = []
    for frame in frames[::8]:
        graph, room = frame.graph, Room.from_seed(frame.graph.seed)
        height, width = frame.ids.shape
        for placed in room.objects:
            corners = placed.box().transformed(inverse(graph.world_from_camera))
            pixels = corners.projected(graph.camera)
            if not np.all((pixels > 1) & (pixels < (width - 2, height - 2))):
                continue
            whole = silhouette_pixels(placed, graph.camera, inverse(graph.world_from_camera))
            if whole < 200:
                continue
            rays = cast(replace(room, objects=(placed,)), graph.camera, graph.world_from_camera)
            alone = np.count_nonzero(rays.ids == placed.id)
            visible = next(obj for obj in graph.objects if obj.id == placed.id)
            errors.append(visible.visible_fraction - min(1.0, visible.visible_pixels / alone))
    assert len(errors) > 10
    assert np.abs(errors).max() < 0.06
