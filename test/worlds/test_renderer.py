# SPDX-License-Identifier: Apache-2.0
"""Pixels, depths, ids and boxes of rendered frames agree with each other and with other methods."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.rotation import gravity_angles, wrap_angle
from ide3d_ros.geometry.transform import inverse
from ide3d_training.worlds import textures
from ide3d_training.worlds.categories import BY_NAME
from ide3d_training.worlds.pool import GeomPool
from ide3d_training.worlds.renderer import Rendered, RoomRenderer, render_frame
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.silhouette import silhouette_pixels
from ide3d_training.worlds.viewpoint import CameraPose, camera_pose


def _points(frame: Rendered) -> tuple[np.ndarray, np.ndarray]:
    """Return the frame's depth picture as (N, 3) points in the optical frame, and their (N,) ids."""
    rows, columns = np.nonzero(frame.depth > 0)
    pixels = np.column_stack([columns, rows]).astype(float)
    points = frame.graph.camera.unproject(pixels, frame.depth[rows, columns].astype(float))
    return points, frame.ids[rows, columns]


def _excess(frame: Rendered) -> np.ndarray:
    """Return how far each visible point of an object lies outside of its box, metres, negative inside."""
    points, ids = _points(frame)
    own = [(points[ids == obj.id] - obj.box.center) @ obj.box.rotation for obj in frame.graph.objects]
    pairs = zip(own, frame.graph.objects, strict=True)
    return np.concatenate([(np.abs(local) - obj.box.extents / 2).max(axis=1) for local, obj in pairs])


def test_boxes_are_no_larger_than_their_objects(frames):
    """Over many frames, visible points come close to all six faces of the boxes of every category."""
    furthest: dict[str, np.ndarray] = {}
    seen = Counter()
    for frame in frames:
        points, ids = _points(frame)
        for obj in frame.graph.objects:
            own = (points[ids == obj.id] - obj.box.center) @ obj.box.rotation / (obj.box.extents / 2)
            if len(own) > 150:
                reached = np.concatenate([own.max(axis=0), -own.min(axis=0)])
                seen[obj.category] += 1
                furthest[obj.category] = np.maximum(furthest.get(obj.category, np.full(6, -1.0)), reached)
    assert len(furthest) >= 14
    for category, reached in furthest.items():
        if seen[category] < 8:  # too few to show every side
            continue
        # Nobody sees the bottom, nor the back of what stands at a wall or turns its front to the camera.
        kind = BY_NAME[category]
        turns = any(style.symmetry == "round" for style in kind.styles)
        faces = [0, 1, 2, 4] if kind.against_wall or turns else [0, 1, 2, 3, 4]
        assert np.all(reached[faces] > 0.75), f"{category}: {reached.round(2)}"


@pytest.mark.parametrize(
    "intrinsics", [(210.0, 210.0, 127.5, 95.5), (230.0, 230.0, 150.25, 70.5), (190.0, 240.0, 100.0, 110.0)]
)
def test_any_principal_point_and_focal_lengths_are_drawn_to_the_half_pixel(renderer, intrinsics):
    """With fx = fy = 210, half a pixel is 7 mm at 3 m: the boxes would not enclose the points."""
    camera = Camera(256, 192, *intrinsics)
    for seed in range(6):
        room = Room.from_seed(seed)
        frame = renderer.render(room, camera_pose(room), camera)
        assert np.mean(_excess(frame) > 0.001) < 1e-3


def test_the_corner_of_a_box_is_drawn_at_the_pixel_it_projects_to(renderer):
    """A fridge drawn alone: the outline of its carcass ends within a pixel of where its corners project."""
    checked = 0
    for seed in range(40):
        room = Room.from_seed(seed)
        fridges = [placed for placed in room.objects if placed.category.name == "fridge"]
        if not fridges:
            continue
        pose = camera_pose(room)
        camera = Camera.from_fov(256, 192, pose.horizontal_fov)
        alone = dataclasses.replace(room, objects=(fridges[0],))
        frame = renderer.render(alone, pose, camera)
        rows, columns = np.nonzero(frame.ids)
        body = max(fridges[0].parts, key=lambda part: part.half.prod())  # the carcass
        camera_from_world = inverse(pose.world_from_camera)
        world = body.outline() @ fridges[0].rotation.T + fridges[0].position
        pixels = camera.project(world @ camera_from_world[:3, :3].T + camera_from_world[:3, 3])
        inside = np.all((pixels > 3) & (pixels < (252, 188)), axis=1)
        if not inside.all():
            continue
        # The doors stick out to the front and may widen the outline.
        assert rows.min() == pytest.approx(pixels[:, 1].min(), abs=1.5)
        assert columns.min() <= pixels[:, 0].min() + 1.5
        assert columns.max() >= pixels[:, 0].max() - 1.5
        checked += 1
    assert checked >= 2


def test_a_frame_does_not_depend_on_what_was_drawn_before(renderer, frames):
    """A room with many parts and two lights leaves no trace in one with few and one light."""
    rooms = [Room.from_seed(seed) for seed in range(len(frames))]
    full = max((r for r in rooms if len(r.shell.lights) == 2), key=lambda r: len(r.objects)).seed
    bare = min((r for r in rooms if len(r.shell.lights) == 1), key=lambda r: len(r.objects)).seed
    with RoomRenderer(256, 192) as fresh:
        alone = render_frame(bare, fresh)
    render_frame(full, renderer)
    after = render_frame(bare, renderer)
    np.testing.assert_array_equal(after.rgb, alone.rgb)
    np.testing.assert_array_equal(after.depth, alone.depth)
    np.testing.assert_array_equal(after.ids, alone.ids)
    assert after.graph.to_json() == alone.graph.to_json()


def test_frames_have_the_documented_types(frames):
    frame = frames[0]
    assert frame.rgb.shape == (192, 256, 3) and frame.rgb.dtype == np.uint8
    assert frame.depth.shape == (192, 256) and frame.depth.dtype == np.float32
    assert frame.ids.shape == (192, 256) and frame.ids.dtype == np.uint8
    assert frame.rgb.flags.c_contiguous


def test_pictures_are_exposed_so_that_colours_show(frames):
    brightness = [frame.rgb.mean() for frame in frames]
    assert 50 < min(brightness) and max(brightness) < 200  # a black wardrobe may fill half of a frame
    assert 80 < np.mean(brightness) < 150
    assert np.mean([np.mean(frame.rgb == 255) for frame in frames]) < 0.05


def test_expressions_have_something_to_speak_of(frames):
    counts = [len(frame.graph.referable) for frame in frames]
    assert min(counts) >= 2
    assert np.mean(counts) > 3.5
    distances = [np.linalg.norm(obj.box.center) for frame in frames for obj in frame.graph.referable]
    assert np.mean((np.array(distances) > 1.2) & (np.array(distances) < 4.5)) > 0.75


def test_labels_state_the_gravity_that_the_boxes_show(frames):
    for frame in frames:
        for obj in frame.graph.objects:
            pitch, roll = gravity_angles(obj.box.rotation)
            assert pitch == pytest.approx(frame.graph.pitch, abs=1e-6)
            assert roll == pytest.approx(frame.graph.roll, abs=1e-6)


def _allocentric_yaw(frame: Rendered, obj) -> float:
    """Return 0 for a box whose front faces the camera, from world coordinates alone."""
    world = frame.graph.world_from_camera
    center = world[:3, :3] @ obj.box.center
    front = world[:3, :3] @ obj.box.rotation[:, 0]
    return float(wrap_angle(np.arctan2(front[1], front[0]) - np.arctan2(center[1], center[0]) - np.pi))


def test_symmetric_objects_turn_their_front_to_the_camera(frames):
    seen = set()
    for frame in frames:
        room = Room.from_seed(frame.graph.seed)
        for obj in frame.graph.objects:
            symmetry = room.objects[obj.id - 1].symmetry
            yaw = _allocentric_yaw(frame, obj)
            if symmetry == "round":
                assert yaw == pytest.approx(0, abs=1e-6)
                assert obj.box.extents[0] == obj.box.extents[1]
            elif symmetry == "half_turn":
                assert abs(yaw) <= np.pi / 2 + 1e-6
            seen.add(symmetry)
    assert seen == {"none", "half_turn", "round"}


def test_objects_behind_the_camera_are_not_labelled_and_all_others_are(frames):
    for frame in frames:
        room = Room.from_seed(frame.graph.seed)
        camera_from_world = inverse(frame.graph.world_from_camera)
        ahead = [
            placed.id for placed in room.objects if placed.box().transformed(camera_from_world).center[2] > 0
        ]
        assert [obj.id for obj in frame.graph.objects] == ahead


def test_boxes_are_those_of_the_room_seen_from_the_camera(frames):
    for frame in frames[:10]:
        room = Room.from_seed(frame.graph.seed)
        for obj in frame.graph.objects:
            placed = room.objects[obj.id - 1]
            expected = placed.box().transformed(inverse(frame.graph.world_from_camera))
            np.testing.assert_allclose(obj.box.center, expected.center, atol=1e-9)
            if placed.symmetry == "none":
                np.testing.assert_allclose(obj.box.rotation, expected.rotation, atol=1e-9)


def test_visible_pixels_are_counted_in_the_ids_picture(frames):
    for frame in frames:
        for obj in frame.graph.objects:
            assert obj.visible_pixels == np.count_nonzero(frame.ids == obj.id)
            assert 0 <= obj.visible_fraction <= 1
            assert (obj.visible_fraction == 0) == (obj.visible_pixels == 0)


def test_visible_fractions_agree_with_drawing_each_object_alone_and_unclipped():
    margin = 160
    errors = []
    with RoomRenderer(256 + 2 * margin, 192 + 2 * margin) as wide:
        for seed in range(8):
            room = Room.from_seed(seed)
            pose = camera_pose(room)
            camera = Camera.from_fov(256, 192, pose.horizontal_fov)
            larger = Camera(
                wide.width, wide.height, camera.fx, camera.fy, camera.cx + margin, camera.cy + margin
            )
            camera_from_world = inverse(pose.world_from_camera)
            for placed in room.objects:
                alone = dataclasses.replace(room, objects=(placed,))
                drawn = wide.render(alone, pose, larger).ids == placed.id
                cut = drawn[0].any() or drawn[-1].any() or drawn[:, 0].any() or drawn[:, -1].any()
                if cut or drawn.sum() < 59:
                    continue
                errors.append(silhouette_pixels(placed, camera, camera_from_world) / drawn.sum() - 1)
    assert len(errors) > 25
    assert abs(np.mean(errors)) < 0.015


def test_an_object_cut_off_by_the_frame_or_hidden_shows_a_smaller_fraction(renderer):
    cut = 0
    for seed in range(4):
        room = Room.from_seed(seed)
        pose = camera_pose(room)
        whole = renderer.render(room, pose, Camera.from_fov(256, 192, pose.horizontal_fov)).graph
        zoomed = renderer.render(room, pose, Camera.from_fov(256, 192, pose.horizontal_fov / 3)).graph
        for before, after in zip(whole.objects, zoomed.objects, strict=True):
            cut += 0 < after.visible_fraction < before.visible_fraction - 0.2
            if before.visible_pixels > 50:
                assert after.visible_fraction <= before.visible_fraction + 0.05
    assert cut >= 3


def test_the_wrong_camera_is_refused(renderer):
    room = Room.from_seed(0)
    pose = camera_pose(room)
    with pytest.raises(ValueError, match="640x480"):
        renderer.render(room, pose, Camera.from_fov(640, 480, 1.0))
    with pytest.raises(ValueError, match="bends too much"):
        renderer.render(room, pose, Camera(256, 192, 120.0, 120.0, 127.5, 95.5, (-0.6, 0.0, 0.0, 0.0)))
    with pytest.raises(ValueError, match="0x48"):
        RoomRenderer(0, 48)


def test_patterns_have_the_size_in_metres_that_they_state(renderer):
    """A checkered floor seen from 1 m above: the tile of 1.6 m has four squares."""
    room = Room.from_seed(0)
    shell = dataclasses.replace(
        room.shell, floor_finish="checker", floor_yaw=0.0, floor_rgb=(1.0, 1.0, 1.0), fixtures=()
    )
    bare = dataclasses.replace(room, objects=(), shell=shell)
    above = CameraPose(np.array([0.0, 0.0, 1.0]), 0.0, np.pi / 2, 0.0, np.pi / 2)
    row = renderer.render(bare, above, Camera(256, 192, 128.0, 128.0, 127.5, 95.5)).rgb[90, :, 1].astype(int)
    bright = row > (row.max() + row.min()) / 2
    squares = np.diff(np.flatnonzero(np.diff(bright.astype(int)))) / 128
    np.testing.assert_allclose(squares, textures.TILE["checker"] / 4, atol=0.02)


def test_hiding_what_is_out_of_view_changes_no_pixel(renderer, monkeypatch):
    def show_all(pool: GeomPool) -> None:
        pool.model.geom_rgba[:, 3] = pool.opacity

    for seed in range(12):
        room = Room.from_seed(seed)
        pose = camera_pose(room)
        camera = Camera.from_fov(256, 192, pose.horizontal_fov)
        frame = renderer.render(room, pose, camera)
        with monkeypatch.context() as patch:
            patch.setattr(GeomPool, "show_lit", show_all)
            patch.setattr(GeomPool, "show_in_view", show_all)
            everything = renderer.render(room, pose, camera)
        np.testing.assert_array_equal(frame.rgb, everything.rgb)
        np.testing.assert_array_equal(frame.ids, everything.ids)
        np.testing.assert_array_equal(frame.depth, everything.depth)
