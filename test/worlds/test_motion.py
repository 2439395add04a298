# SPDX-License-Identifier: Apache-2.0
"""How the camera moves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ide3d_ros.geometry.rotation import wrap_angle
from ide3d_training.worlds.motion import MOTIONS, MOVING_CLEARANCE, poses, trajectory
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.viewpoint import CameraPose, camera_pose, clearances

ROOMS = [Room.from_seed(seed) for seed in range(12)]
FRAMES, RATE_HZ = 8, 4.0


def _positions(sequence: list[CameraPose]) -> np.ndarray:
    return np.array([pose.position for pose in sequence])


def _headings(sequence: list[CameraPose]) -> np.ndarray:
    return np.array([pose.heading for pose in sequence])


@pytest.mark.parametrize("motion", ["walk", "pan", "orbit"])
def test_sequences_are_smooth_and_stay_clear_of_everything(motion):
    for room in ROOMS:
        sequence = poses(room, motion, FRAMES, RATE_HZ)
        positions, headings = _positions(sequence), _headings(sequence)
        assert len(sequence) == FRAMES
        assert clearances(room, positions).min() >= MOVING_CLEARANCE
        assert np.all(np.abs(positions[:, :2]) < room.size[:2] / 2 - 0.1)
        velocity = np.diff(positions, axis=0) * RATE_HZ
        assert np.linalg.norm(velocity, axis=1).max() < 0.8
        assert np.linalg.norm(np.diff(velocity, axis=0), axis=1).max() < 0.25
        turning = np.diff(headings) * RATE_HZ
        assert np.abs(turning).max() < np.deg2rad(45)
        assert len({(pose.horizontal_fov, pose.roll) for pose in sequence}) == 1


def test_a_walk_follows_the_direction_of_view_and_covers_ground():
    lengths = []
    for room in ROOMS:
        sequence = poses(room, "walk", FRAMES, RATE_HZ)
        steps = np.diff(_positions(sequence)[:, :2], axis=0)
        middle = (_headings(sequence)[:-1] + _headings(sequence)[1:]) / 2
        along = np.sum(steps * np.column_stack([np.cos(middle), np.sin(middle)]), axis=1)
        assert np.abs(along) == pytest.approx(np.linalg.norm(steps, axis=1), abs=1e-9)
        lengths.append(np.linalg.norm(steps, axis=1).sum())
    assert np.median(lengths) > 0.5


def test_a_walk_leaves_space_for_what_carries_the_camera():
    """The camera of a standing person would pass over a low table; the person would not."""
    for room in ROOMS:
        sequence = poses(room, "walk", FRAMES, RATE_HZ)
        path = _positions(sequence)
        if np.linalg.norm(path[-1] - path[0]) < 0.1:
            continue
        standing = [o for o in room.objects if o.support is None and o.extents[2] > 0.05]
        taller = [
            dataclasses.replace(o, position=np.array([*o.position[:2], 0]), extents=o.extents + [0, 0, 3])
            for o in standing
        ]
        assert clearances(dataclasses.replace(room, objects=tuple(taller)), path).min() >= 0.2


def test_a_pan_turns_on_the_spot():
    for room in ROOMS:
        sequence = poses(room, "pan", FRAMES, RATE_HZ)
        assert np.ptp(_positions(sequence), axis=0).max() == 0
        assert np.ptp(_headings(sequence)) > np.deg2rad(5)


def test_an_orbit_keeps_its_distance_and_what_it_looks_at_in_the_middle():
    moved = []
    for room in ROOMS:
        sequence = poses(room, "orbit", FRAMES, RATE_HZ)
        center = camera_pose(room).target
        for pose in sequence:
            ahead = center - pose.position[:2]
            assert np.hypot(*ahead) == pytest.approx(pose.distance)
            assert wrap_angle(np.arctan2(ahead[1], ahead[0]) - pose.heading) == pytest.approx(0, abs=1e-9)
        moved.append(np.ptp(_headings(sequence)))
    assert np.median(moved) > np.deg2rad(5)


def test_views_are_independent_poses():
    sequence = poses(ROOMS[3], "views", 3)
    for view, pose in enumerate(sequence):
        np.testing.assert_array_equal(pose.position, camera_pose(ROOMS[3], view).position)


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_sequence_depends_on_its_arguments_alone(motion):
    first = poses(ROOMS[3], motion, 4, 2.0, attempt=1)
    again = poses(Room.from_seed(3), motion, 4, 2.0, attempt=1)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.world_from_camera, b.world_from_camera)
    assert len(poses(ROOMS[3], motion, 1)) == 1


@pytest.mark.parametrize("motion", MOTIONS)
def test_where_there_is_no_space_the_camera_stands_still(motion):
    room = ROOMS[1]
    crate = dataclasses.replace(
        room.objects[0], position=np.zeros(3), yaw=0.0, extents=np.array([*(room.size[:2] - 0.2), 2.2])
    )
    sequence = poses(dataclasses.replace(room, objects=(crate,)), motion, 3)
    if motion != "views":
        assert np.ptp(_positions(sequence)[:, :2], axis=0).max() < 1e-9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("fly", 3), "'fly'"), (("walk", 0), "0 at 4 Hz"), (("pan", 3, 0.0), "3 at 0 Hz")],
)
def test_a_motion_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        poses(ROOMS[0], *arguments)


def test_the_endless_trajectory_is_smooth_free_and_keeps_looking_at_its_target():
    for room in ROOMS[:8]:
        sequence = [trajectory(room, time_s) for time_s in np.arange(0.0, 30.0, 0.1)]
        positions, headings = _positions(sequence), _headings(sequence)
        speed = np.linalg.norm(np.diff(positions, axis=0), axis=1) / 0.1
        assert speed.max() < 0.6
        assert np.abs(np.diff(speed)).max() < 0.05
        assert np.abs(np.diff(headings)).max() / 0.1 < 0.4
        assert clearances(room, positions).min() >= MOVING_CLEARANCE
        assert np.all(np.abs(positions[:, :2]) < room.size[:2] / 2 - 0.1)
        targets = np.array([pose.target for pose in sequence])
        assert np.linalg.norm(targets - targets[0], axis=1).max() < 0.5


def test_the_trajectory_depends_on_room_and_time_alone():
    pose = trajectory(Room.from_seed(3), 4.2)
    again = trajectory(Room.from_seed(3), 4.2)
    np.testing.assert_array_equal(pose.world_from_camera, again.world_from_camera)
