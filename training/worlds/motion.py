# SPDX-License-Identifier: Apache-2.0
"""How the camera moves: short sequences for data sets, a swing without end for the simulated robot.

===== ===============================================================================================
views independent views, as of several robots
walk  ahead (or, where that is blocked, back) on a gentle curve over free floor, with a slight nod
pan   on the spot, turning from side to side
orbit on an arc around what it looks at, turning so as to keep it in the middle
===== ===============================================================================================

The moving ones are smooth, keep MOVING_CLEARANCE from the objects' boxes and stop short of the walls. Where a
room leaves little space the camera moves less, down to not at all.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from ide3d_training.worlds.placement import turn
from ide3d_training.worlds.room import MOTION_STREAM, Room
from ide3d_training.worlds.viewpoint import CameraPose, camera_pose, clearances, inside_walls

MOTIONS = ("views", "walk", "pan", "orbit")
MOVING_CLEARANCE = 0.4  # from the camera to any object's box while it moves, metres

_BOB = 0.02  # metres up and down at most
_TO_AND_FRO = 1.0  # radians of a swing's phase a second at most: where there is little space it slows down
_SWING_PERIOD_S = 24.0
_ARC_LIMIT = np.deg2rad(28.0)  # to either side of the start
_LONG_ARC = np.deg2rad(36.0)
_ARC_STEP = 0.02  # radians
_ARC_TRIES = 6
_WALK_STEP = 0.04  # metres between two checks of the path
_WALK_TRIES = 4
_BODY = 0.25  # metres around the camera, seen from above, that whatever carries it needs between things
_LOW = 0.05  # metres; what is no higher than this can be walked over
_CURVATURES = np.linspace(-0.8, 0.8, 17)  # of walks, radians a metre


def poses(
    room: Room, motion: str, frames: int, rate_hz: float = 4.0, attempt: int = 0, aspect: float = 4 / 3
) -> list[CameraPose]:
    """Move the camera for a few frames.

    Args:
        room: the room.
        motion: one of MOTIONS.
        frames: number of poses.
        rate_hz: frames a second; independent views do not care.
        attempt: another beginning, for a caller whose first frame turned out too empty.
        aspect: of the image, width over height.

    Returns:
        The poses in order, the same for the same arguments.

    Raises:
        ValueError: if the motion is unknown or a number is not positive.
    """
    if motion not in MOTIONS:
        raise ValueError(f"motion must be one of {', '.join(MOTIONS)}, not {motion!r}")
    if frames < 1 or not rate_hz > 0:
        raise ValueError(f"a sequence needs frames and a rate above 0, not {frames} at {rate_hz:g} Hz")
    if motion == "views":
        return [camera_pose(room, view, attempt, aspect) for view in range(frames)]
    times = np.arange(frames) / rate_hz
    rng = np.random.default_rng((room.seed, MOTION_STREAM, MOTIONS.index(motion), attempt))
    if motion == "walk":
        return _walk(room, times, attempt, aspect, rng)
    start = camera_pose(room, 0, attempt, aspect)
    if motion == "pan":
        reach, speed = np.deg2rad(rng.uniform(15.0, 35.0)), np.deg2rad(rng.uniform(12.0, 35.0))
        angles = reach * _swing(times * min(speed / reach, _TO_AND_FRO), rng)
        return [replace(start, heading=start.heading + float(angle)) for angle in angles]
    arc = _arc_around(room, start, start.target)
    reach, speed = (arc.left + arc.right) / 2, rng.uniform(0.25, 0.6) / start.distance
    swing = _swing(times * min(speed / max(reach, _ARC_STEP), _TO_AND_FRO), rng)
    return [arc.pose((arc.left - arc.right) / 2 + reach * float(value)) for value in swing]


def trajectory(room: Room, t_s: float) -> CameraPose:
    """Move the camera smoothly through the room for as long as one likes, for a simulated robot.

    A slow swing on an arc around what it looks at, as long as there is free space for, with a little panning
    and bobbing.

    Args:
        room: the room.
        t_s: time since the start, seconds.

    Returns:
        The pose at that time, the same for the same arguments.
    """
    arc = _longest_arc(room)
    middle, swing = (arc.left - arc.right) / 2, (arc.left + arc.right) / 2
    rng = np.random.default_rng((room.seed, MOTION_STREAM))
    pan, bob, nod = rng.uniform(0.7, 1.3, 3) * (1.7, 2.3, 2.9)
    phase = 2.0 * np.pi * t_s / _SWING_PERIOD_S
    pose = arc.pose(middle + swing * float(np.sin(phase)))
    return replace(
        pose,
        position=pose.position + [0.0, 0.0, _BOB * np.sin(bob * phase)],
        heading=pose.heading + np.deg2rad(4.0) * np.sin(pan * phase),
        pitch=pose.pitch + np.deg2rad(1.5) * np.sin(nod * phase),
    )


@dataclass(frozen=True)
class _Arc:
    """A swing around a point (2,): from ``start`` the camera may go left and right by so many radians."""

    start: CameraPose
    center: np.ndarray
    left: float
    right: float

    def positions(self, angles: np.ndarray) -> np.ndarray:
        """Return the points (N, 3) that are (N,) radians to the left of the start, metres."""
        offset = self.start.position[:2] - self.center
        c, s = np.cos(angles), np.sin(angles)
        x, y = c * offset[0] - s * offset[1], s * offset[0] + c * offset[1]
        height = np.full(len(angles), self.start.position[2])
        return np.column_stack([self.center[0] + x, self.center[1] + y, height])

    def pose(self, angle: float) -> CameraPose:
        """Return the pose that is ``angle`` radians to the left of the start."""
        position = self.positions(np.array([angle]))[0]
        return replace(self.start, position=position, heading=self.start.heading + angle)


def _arc_around(room: Room, start: CameraPose, center: np.ndarray) -> _Arc:
    """Return the longest free arc around a point (2,)."""
    arc = _Arc(start, center, 0.0, 0.0)
    steps = np.arange(1, int(_ARC_LIMIT / _ARC_STEP) + 1) * _ARC_STEP
    free = [_ARC_STEP * _free_steps(room, arc.positions(sign * steps)) for sign in (1.0, -1.0)]
    return replace(arc, left=free[0], right=free[1])


@functools.lru_cache(maxsize=4)
def _longest_arc(room: Room) -> _Arc:
    """Return the first long enough arc through a view of the room, or else the longest."""
    best = None
    for attempt in range(_ARC_TRIES):
        start = camera_pose(room, 0, attempt)
        arc = _arc_around(room, start, start.target)
        if best is None or arc.left + arc.right > best.left + best.right:
            best = arc
        if best.left + best.right > _LONG_ARC:
            break
    return best


def _free_steps(room: Room, positions: np.ndarray) -> int:
    """Return how many of the points (N, 3) can be passed one after the other."""
    free = inside_walls(room, positions) & (clearances(room, positions) >= MOVING_CLEARANCE + _BOB)
    return len(free) if free.all() else int(np.argmin(free))


def _swing(phase: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return values of -1..1 that go to and fro, from a drawn start in a drawn direction."""
    return np.sin(phase + rng.uniform(-np.pi / 4, np.pi / 4)) * (1.0 if rng.random() < 0.5 else -1.0)


def _walk(
    room: Room, times: np.ndarray, attempt: int, aspect: float, rng: np.random.Generator
) -> list[CameraPose]:
    speed = rng.uniform(0.3, 0.7)
    wished = speed * float(times[-1])
    steps = int(np.ceil(wished / _WALK_STEP))
    order = rng.permutation(len(_CURVATURES))
    best, best_length = (camera_pose(room, 0, attempt, aspect), 0.0, 1.0), -1.0
    for other in range(_WALK_TRIES):
        # Attempts of the caller and of this loop do not meet.
        start = camera_pose(room, 0, attempt + 100 * other, aspect)
        for direction in (1.0, -1.0):
            at = direction * np.arange(steps + 1) * _WALK_STEP
            for curvature in _CURVATURES[order]:
                path = _curve(start, curvature, at)[0]
                length = min(wished, _WALK_STEP * max(_walkable_steps(room, path) - 1, 0))
                if length > best_length:
                    best, best_length = (start, curvature, direction), length
            if best_length == wished:
                break
        if best_length == wished:
            break
    start, curvature, direction = best
    share = times / times[-1] if times[-1] > 0 else times
    along = max(best_length, 0.0) * share
    positions, headings = _curve(start, curvature, direction * along)
    stride = 2.0 * np.pi * along / rng.uniform(0.5, 0.7)
    positions[:, 2] += _BOB / 2 * np.sin(stride)
    pitches = start.pitch + np.deg2rad(0.6) * np.sin(stride + 1.0)
    return [
        replace(start, position=position, heading=float(heading), pitch=float(pitch))
        for position, heading, pitch in zip(positions, headings, pitches, strict=True)
    ]


def _curve(start: CameraPose, curvature: float, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Follow a circle that begins in the direction of view.

    Args:
        start: where it begins.
        curvature: radians to the left for each metre.
        at: (N,) metres along it, negative to walk backwards.

    Returns:
        (N, 3) positions, metres, and (N,) headings, radians.
    """
    bend = curvature * at
    # The chord of an arc: sinc is sin(pi x) / (pi x), which is 1 for a straight line.
    chord = at * np.sinc(bend / 2 / np.pi)
    ahead, left = chord * np.cos(bend / 2), chord * np.sin(bend / 2)
    plan = np.column_stack([ahead, left]) @ turn(start.heading).T
    positions = start.position + np.column_stack([plan, np.zeros(len(at))])
    return positions, start.heading + bend


def _walkable_steps(room: Room, positions: np.ndarray) -> int:
    """Return how many points (N, 3) the camera can pass together with what carries it over the floor."""
    free = _free_steps(room, positions)
    for placed in room.objects:
        if placed.support is not None or placed.extents[2] <= _LOW:
            continue
        local = np.abs((positions[:free, :2] - placed.position[:2]) @ turn(placed.yaw))
        apart = np.hypot(*np.maximum(local - placed.extents[:2] / 2, 0.0).T) >= _BODY
        free = free if apart.all() else int(np.argmin(apart))
    return free
