# SPDX-License-Identifier: Apache-2.0
"""Where the camera stands."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ide3d_ros.geometry.rotation import gravity_angles
from ide3d_training.worlds import viewpoint
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.splits import BY_NAME, Interval, split_of
from ide3d_training.worlds.viewpoint import camera_pose, clearance, clearances, count_visible

ROOMS = [Room.from_seed(seed) for seed in range(30)]
SPLIT_ROOMS = {
    name: [Room.from_seed(BY_NAME[name].first + i) for i in range(20)] for name in ("test-camera", "test-far")
}


def _lies_in(value: float, intervals: tuple[Interval, ...]) -> bool:
    return any(low - 1e-9 <= value <= high + 1e-9 for low, high in intervals)


@pytest.mark.parametrize("rooms", [ROOMS, *SPLIT_ROOMS.values()], ids=["train", *SPLIT_ROOMS])
def test_the_camera_stands_free_inside_the_room_and_within_the_ranges_of_its_split(rooms):
    for room in rooms:
        pose, wishes = camera_pose(room), split_of(room.seed).camera
        assert clearance(room, pose.position) >= viewpoint.OBJECT_CLEARANCE
        assert np.all(np.abs(pose.position[:2]) <= room.size[:2] / 2 - viewpoint.WALL_CLEARANCE + 1e-6)
        assert _lies_in(pose.position[2], wishes.height)
        assert _lies_in(pose.horizontal_fov, wishes.horizontal_fov)
        assert abs(pose.roll) <= wishes.roll


def test_tilts_heights_and_fields_of_view_fill_their_ranges():
    poses = [camera_pose(room, view) for room in ROOMS for view in range(3)]
    heights = [pose.position[2] for pose in poses]
    assert min(heights) < 0.5 and max(heights) > 1.4
    assert np.rad2deg(max(abs(pose.roll) for pose in poses)) > 4
    assert np.ptp([pose.horizontal_fov for pose in poses]) > np.deg2rad(24)
    assert np.ptp([pose.pitch for pose in poses]) > np.deg2rad(20)
    unusual = [camera_pose(room, view).roll for room in SPLIT_ROOMS["test-camera"] for view in range(3)]
    assert np.rad2deg(np.abs(unusual).max()) > 6


def test_the_distance_is_that_of_the_split_where_the_room_is_large_enough():
    usual = [camera_pose(room).distance for room in ROOMS]
    assert np.mean([_lies_in(distance, BY_NAME["train"].camera.distance) for distance in usual]) > 0.9
    assert min(usual) >= viewpoint.NEAREST
    for room in SPLIT_ROOMS["test-far"]:
        pose = camera_pose(room)
        if np.hypot(*room.size[:2]) > 9.0:
            assert _lies_in(pose.distance, BY_NAME["test-far"].camera.distance)
        assert pose.distance > 1.5


def test_the_axis_of_the_camera_passes_over_what_it_looks_at():
    for room in ROOMS[:10]:
        pose = camera_pose(room)
        forward = pose.world_from_camera[:3, 2]
        ahead = pose.target - pose.position[:2]
        assert np.hypot(*ahead) == pytest.approx(pose.distance)
        np.testing.assert_allclose(ahead / pose.distance, forward[:2] / np.hypot(*forward[:2]), atol=1e-9)


def test_clearance_is_measured_to_the_boxes_surface():
    room = ROOMS[0]
    alone = dataclasses.replace(room, objects=room.objects[:1])
    box = room.objects[0].box()
    outside = box.center + box.rotation[:, 0] * (box.extents[0] / 2 + 0.05)
    over_a_corner = box.corners()[7] + box.rotation @ np.array([0.3, 0.0, 0.4])
    distances = clearances(alone, np.stack([outside, box.center, over_a_corner]))
    np.testing.assert_allclose(distances, [0.05, 0.0, 0.5], atol=1e-9)
    assert clearance(room, box.center) == 0


def test_every_view_and_every_attempt_is_another_place_and_always_the_same():
    room = ROOMS[5]
    places = [camera_pose(room, view, attempt).position for view in range(3) for attempt in range(2)]
    for i, place in enumerate(places):
        for other in places[:i]:
            assert np.linalg.norm(place - other) > 0.02
    np.testing.assert_array_equal(camera_pose(Room.from_seed(5), 2, 1).position, places[5])


def test_the_pose_has_the_gravity_angles_it_states():
    pose = camera_pose(ROOMS[9])
    pitch, roll = gravity_angles(pose.world_from_camera[:3, :3].T)
    assert pitch == pytest.approx(pose.pitch)
    assert roll == pytest.approx(pose.roll)
    forward = pose.world_from_camera[:3, 2]
    assert np.arctan2(forward[1], forward[0]) == pytest.approx(pose.heading)


def test_what_is_hidden_behind_another_box_or_outside_the_frame_does_not_count():
    room = ROOMS[0]
    blocker = room.objects[0]
    eye = np.array([-3.0, 0.0, 0.8])
    pose = dataclasses.replace(
        camera_pose(room), position=eye, heading=0.0, pitch=0.0, roll=0.0, horizontal_fov=np.deg2rad(60)
    )

    def standing(at: tuple[float, float], extents: tuple[float, float, float], number: int):
        return dataclasses.replace(
            blocker,
            id=number,
            position=np.array([*at, 0.0]),
            yaw=0.0,
            extents=np.array(extents),
            support=None,
        )

    def count(*objects) -> int:
        return int(count_visible(dataclasses.replace(room, objects=objects), [pose], 4 / 3)[0])

    screen, behind = standing((-1.0, 0.0), (0.1, 1.6, 1.8), 1), standing((1.5, 0.0), (0.5, 0.5, 1.0), 2)
    aside, tiny = standing((-2.0, 2.5), (0.5, 0.5, 1.0), 3), standing((3.0, 1.0), (0.05, 0.05, 0.9), 4)
    assert count(behind) == 1
    assert count(screen) == 1
    assert count(screen, behind) == 1
    assert count(behind, aside) == 1
    assert count(behind, tiny) == 1


def test_a_room_without_a_free_spot_still_gives_a_camera_inside_it():
    room = ROOMS[1]
    crate = dataclasses.replace(
        room.objects[0], position=np.zeros(3), yaw=0.0, extents=np.array([*(room.size[:2] - 0.2), 2.2])
    )
    stuffed = dataclasses.replace(room, objects=(crate,))
    pose = camera_pose(stuffed)
    assert np.all(np.abs(pose.position[:2]) <= room.size[:2] / 2)
    assert np.isfinite(pose.world_from_camera).all()


def test_an_empty_room_can_be_looked_at():
    pose = camera_pose(dataclasses.replace(ROOMS[1], objects=()))
    assert np.isfinite(pose.world_from_camera).all()
