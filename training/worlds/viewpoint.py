# SPDX-License-Identifier: Apache-2.0
"""Where the camera stands: single views for data sets, a smooth path for the simulated robot camera."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from ide3d_ros.geometry.rotation import optical_from_level, yaw_rotation
from ide3d_training.worlds.placement import distance_to_box, turn
from ide3d_training.worlds.room import MOTION_STREAM, VIEW_STREAM, Room

HEIGHT_RANGE = (0.7, 1.6)
FOV_RANGE = (np.deg2rad(55.0), np.deg2rad(80.0))
ROLL_LIMIT = np.deg2rad(3.0)
OBJECT_CLEARANCE = 0.5  # from the camera to any object's box, metres
ORBIT_CLEARANCE = 0.4  # the same while it moves
WALL_CLEARANCE = 0.2
CENTROID_RANGE = (1.4, 3.2)  # from the camera to the middle of the furniture, horizontally, metres
DISTANCE_RANGE = (1.8, 3.1)  # from the camera to what it looks at, metres, where the room is large enough
MIN_REFERABLE = 2

_TRIES_PER_GOAL = 24
_ORBIT_PERIOD_S = 24.0
_ORBIT_LIMIT = np.deg2rad(28.0)
_LONG_ARC = np.deg2rad(36.0)
_ARC_STEP = 0.02  # radians
_ARC_TRIES = 6


@dataclass(frozen=True)
class CameraPose:
    """A camera in the world.

    Attributes:
        position: (3,) metres.
        heading: of the optical axis about z, radians.
        pitch, roll: gravity angles as in ``geometry.rotation``, radians; pitch > 0 looks down.
        horizontal_fov: radians.
    """

    position: np.ndarray
    heading: float
    pitch: float
    roll: float
    horizontal_fov: float

    @property
    def world_from_camera(self) -> np.ndarray:
        """The (4, 4) transform from the optical frame to the world."""
        transform = np.eye(4)
        transform[:3, :3] = yaw_rotation(self.heading) @ optical_from_level(self.pitch, self.roll).T
        transform[:3, 3] = self.position
        return transform


def camera_pose(room: Room, view: int = 0, attempt: int = 0) -> CameraPose:
    """Choose where to look at the room from.

    The camera looks at the furniture from the side of a wall or a corner, from a few metres away and off all
    objects. Of two dozen places at a time the first is taken from which most of the furniture is expected to
    be seen; the wish is lowered until one is found.

    Args:
        room: the room.
        view: number of the view, 0 upwards; every view is another place.
        attempt: another choice for the same view, for a caller whose frame turned out too empty.

    Returns:
        The pose, the same for the same arguments.
    """
    rng = np.random.default_rng((room.seed, VIEW_STREAM, view, attempt))
    centroid = _centroid(room)
    wanted = min(5, sum(placed.support is None for placed in room.objects))
    best, best_seen = None, -1
    for goal in range(wanted, MIN_REFERABLE - 1, -1):
        for _ in range(_TRIES_PER_GOAL):
            pose = _candidate(room, centroid, rng)
            away = float(np.hypot(*(pose.position - centroid)[:2]))
            if not CENTROID_RANGE[0] <= away <= CENTROID_RANGE[1]:
                continue
            if clearance(room, pose.position) < OBJECT_CLEARANCE or _count_in_frame(room, pose) < goal:
                continue
            seen = count_visible(room, pose)
            if seen >= goal:
                return pose
            if seen > best_seen:
                best, best_seen = pose, seen
    while best is None:  # furniture nearly everywhere: keep looking for any free spot
        pose = _candidate(room, centroid, rng)
        if clearance(room, pose.position) >= OBJECT_CLEARANCE:
            best = pose
    return best


@dataclass(frozen=True)
class _Arc:
    """A swing around the furniture: from ``start`` the camera may go left and right by so many radians."""

    start: CameraPose
    center: np.ndarray
    left: float
    right: float

    def position(self, angle: float) -> np.ndarray:
        """Return the point (3,) on the arc that is ``angle`` radians to the left of the start, metres."""
        offset = turn(angle) @ (self.start.position - self.center)[:2]
        return np.array([*(self.center[:2] + offset), self.start.position[2]])


def trajectory(room: Room, t_s: float) -> CameraPose:
    """Move the camera smoothly through the room, for a simulated robot.

    A slow swing on an arc around the furniture, as long as there is free space for, with a little panning and
    bobbing.

    Args:
        room: the room.
        t_s: time since the start, seconds.

    Returns:
        The pose at that time, the same for the same arguments.
    """
    arc = _arc(room)
    middle, swing = (arc.left - arc.right) / 2, (arc.left + arc.right) / 2
    rng = np.random.default_rng((room.seed, MOTION_STREAM))
    pan, bob, nod = rng.uniform(0.7, 1.3, 3) * (1.7, 2.3, 2.9)
    phase = 2.0 * np.pi * t_s / _ORBIT_PERIOD_S
    angle = middle + swing * np.sin(phase)
    start = arc.start
    return CameraPose(
        position=arc.position(angle) + [0.0, 0.0, 0.02 * np.sin(bob * phase)],
        heading=start.heading + angle + np.deg2rad(4.0) * np.sin(pan * phase),
        pitch=start.pitch + np.deg2rad(1.5) * np.sin(nod * phase),
        roll=start.roll,
        horizontal_fov=start.horizontal_fov,
    )


@functools.lru_cache(maxsize=4)
def _arc(room: Room) -> _Arc:
    """Return the first long enough arc through a view of the room, or else the longest."""
    best = None
    for attempt in range(_ARC_TRIES):
        start = camera_pose(room, 0, attempt)
        probe = _Arc(start, _centroid(room), 0.0, 0.0)
        arc = replace(probe, left=_free_angle(room, probe, 1.0), right=_free_angle(room, probe, -1.0))
        if best is None or arc.left + arc.right > best.left + best.right:
            best = arc
        if best.left + best.right > _LONG_ARC:
            break
    return best


def _free_angle(room: Room, arc: _Arc, sign: float) -> float:
    angle = 0.0
    while angle < _ORBIT_LIMIT:
        position = arc.position(sign * (angle + _ARC_STEP))
        inside = np.all(np.abs(position[:2]) <= room.size[:2] / 2 - WALL_CLEARANCE)
        if not inside or clearance(room, position) < ORBIT_CLEARANCE:
            break
        angle += _ARC_STEP
    return angle


def clearance(room: Room, position: np.ndarray) -> float:
    """Return the distance from a point (3,) to the nearest object's box, metres, 0 inside one."""
    return min(distance_to_box(position, o.position, o.yaw, o.extents) for o in room.objects)


def count_visible(room: Room, pose: CameraPose) -> int:
    """Estimate how many objects an expression could speak of, without drawing.

    Casts a coarse grid of rays against the objects' boxes, over twice the field of view so that what the
    frame cuts off counts as hidden. Boxes hide more than the things in them, so the estimate is on the low
    side.

    Args:
        room: the room.
        pose: the camera; an aspect ratio of 4:3 is assumed.

    Returns:
        The number of objects expected to be clearly visible.
    """
    columns, rows = 64, 48
    half = np.tan(pose.horizontal_fov / 2)
    x = np.tile(((np.arange(columns) + 0.5) / columns * 4 - 2) * half, rows)
    y = np.repeat(((np.arange(rows) + 0.5) / rows * 4 - 2) * 0.75 * half, columns)
    inside = (np.abs(x) < half) & (np.abs(y) < 0.75 * half)
    world = pose.world_from_camera[:3, :3]
    entries = np.empty((len(room.objects), columns * rows))
    for i, placed in enumerate(room.objects):
        middle = placed.position + np.array([0.0, 0.0, placed.extents[2] / 2])
        to_box = placed.rotation.T
        origin, axes = to_box @ (pose.position - middle), to_box @ world
        near, far = np.full(columns * rows, -np.inf), np.full(columns * rows, np.inf)
        for origin_, reach, (along_x, along_y, along_z) in zip(origin, placed.extents / 2, axes, strict=True):
            with np.errstate(divide="ignore"):
                inverse = 1.0 / (along_x * x + along_y * y + along_z)
            one, two = (-reach - origin_) * inverse, (reach - origin_) * inverse
            np.maximum(near, np.minimum(one, two), out=near)
            np.minimum(far, np.maximum(one, two), out=far)
        entries[i] = np.where((near <= far) & (near > 0), near, np.inf)
    alone = np.isfinite(entries)
    first = alone & (entries == entries.min(axis=0)) & inside
    shown, whole = first.sum(axis=1), alone.sum(axis=1)
    # 768 rays fall into the frame: 4 hits are 0.5 % of it.
    return int(np.sum((shown >= 4) & (shown >= 0.45 * whole)))


def _count_in_frame(room: Room, pose: CameraPose) -> int:
    """Return how many objects have their middle in the frame: a quick test before the costly one."""
    world = pose.world_from_camera
    middles = np.array([o.position + [0.0, 0.0, o.extents[2] / 2] for o in room.objects])
    x, y, z = ((middles - pose.position) @ world[:3, :3]).T
    half = np.tan(pose.horizontal_fov / 2)
    return int(np.sum((z > 0) & (np.abs(x) < half * z) & (np.abs(y) < 0.75 * half * z)))


def _centroid(room: Room) -> np.ndarray:
    return np.mean(
        [o.position + [0.0, 0.0, o.extents[2] / 2] for o in room.objects if o.support is None], axis=0
    )


def _candidate(room: Room, centroid: np.ndarray, rng: np.random.Generator) -> CameraPose:
    half = room.size[:2] / 2
    position = rng.uniform(-half + WALL_CLEARANCE, half - WALL_CLEARANCE)
    near = rng.uniform(WALL_CLEARANCE, 1.3, 2)
    wall = int(rng.integers(2))  # stand near one wall, in a third of the cases near two
    axes = (0, 1) if rng.random() < 0.35 else (wall,)
    for axis in axes:
        position[axis] = (half[axis] - near[axis]) * (1 if rng.random() < 0.5 else -1)
    height = rng.uniform(*HEIGHT_RANGE)
    target = centroid + rng.uniform(-1.0, 1.0, 3) * np.array([0.4, 0.4, 0.2])
    ahead = target[:2] - position
    # A robot that looks at furniture has driven up to it: from the far wall every object is small and its
    # depth a guess.
    ahead *= min(1.0, rng.uniform(*DISTANCE_RANGE) / max(float(np.hypot(*ahead)), 1e-6))
    position = target[:2] - ahead
    pitch = np.arctan2(height - target[2], np.hypot(*ahead)) + rng.uniform(-0.06, 0.06)
    return CameraPose(
        position=np.array([*position, height]),
        heading=float(np.arctan2(ahead[1], ahead[0])),
        pitch=float(pitch),
        roll=float(rng.uniform(-ROLL_LIMIT, ROLL_LIMIT)),
        horizontal_fov=float(rng.uniform(*FOV_RANGE)),
    )
