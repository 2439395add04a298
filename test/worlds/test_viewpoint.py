# SPDX-License-Identifier: Apache-2.0
"""Where the camera stands."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.rotation import gravity_angles
from ide3d_training.worlds import viewpoint
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.viewpoint import camera_pose, clearance, trajectory

SEEDS = range(40)


def test_the_camera_stands_free_inside_the_room():
    for seed in SEEDS:
        room = Room.from_seed(seed)
        pose = camera_pose(room)
        assert clearance(room, pose.position) >= viewpoint.OBJECT_CLEARANCE
        assert np.all(np.abs(pose.position[:2]) < room.size[:2] / 2 - 0.1)
        assert viewpoint.HEIGHT_RANGE[0] <= pose.position[2] <= viewpoint.HEIGHT_RANGE[1]
        assert viewpoint.FOV_RANGE[0] <= pose.horizontal_fov <= viewpoint.FOV_RANGE[1]
        assert abs(pose.roll) <= viewpoint.ROLL_LIMIT


def test_clearance_is_measured_to_the_boxes_surface():
    room = Room.from_seed(0)
    box = room.objects[0].box()
    outside = box.center + box.rotation[:, 0] * (box.extents[0] / 2 + 0.05)
    assert clearance(room, outside) == pytest.approx(0.05)
    assert clearance(room, box.center) == 0


def test_every_view_is_another_place_and_always_the_same():
    room = Room.from_seed(5)
    places = [camera_pose(room, view).position for view in range(4)]
    for a, b in ((0, 1), (1, 2), (2, 3)):
        assert np.linalg.norm(places[a] - places[b]) > 0.05
    np.testing.assert_array_equal(camera_pose(Room.from_seed(5), 2).position, places[2])


def test_the_pose_has_the_gravity_angles_it_states():
    pose = camera_pose(Room.from_seed(9))
    camera_from_world = pose.world_from_camera[:3, :3].T
    pitch, roll = gravity_angles(camera_from_world)
    assert pitch == pytest.approx(pose.pitch)
    assert roll == pytest.approx(pose.roll)
    forward = pose.world_from_camera[:3, 2]
    assert np.arctan2(forward[1], forward[0]) == pytest.approx(pose.heading)


def test_the_trajectory_is_smooth_free_and_keeps_looking_at_the_furniture():
    for seed in range(8):
        room = Room.from_seed(seed)
        times = np.arange(0.0, 30.0, 0.1)
        poses = [trajectory(room, t) for t in times]
        positions = np.array([pose.position for pose in poses])
        speed = np.linalg.norm(np.diff(positions, axis=0), axis=1) / 0.1
        assert speed.max() < 0.6
        assert np.abs(np.diff(speed)).max() < 0.05
        turning = np.abs(np.diff([pose.heading for pose in poses])) / 0.1
        assert turning.max() < 0.4
        middle = np.mean([o.position for o in room.objects if o.support is None], axis=0)
        for pose in poses:
            assert clearance(room, pose.position) > 0.35
            assert np.all(np.abs(pose.position[:2]) < room.size[:2] / 2 - 0.1)
            ahead = (middle - pose.position)[:2]
            off = np.arctan2(ahead[1], ahead[0]) - pose.heading
            assert abs((off + np.pi) % (2 * np.pi) - np.pi) < pose.horizontal_fov / 2


def test_the_trajectory_depends_on_room_and_time_alone():
    pose = trajectory(Room.from_seed(3), 4.2)
    again = trajectory(Room.from_seed(3), 4.2)
    np.testing.assert_array_equal(pose.world_from_camera, again.world_from_camera)
