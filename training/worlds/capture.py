# SPDX-License-Identifier: Apache-2.0
"""All frames of one room as a data set holds them: independent views, or a sequence of a moving camera."""

from __future__ import annotations

from dataclasses import replace

from ide3d_training.worlds import motion as motions
from ide3d_training.worlds.renderer import ATTEMPTS, Rendered, RoomRenderer, render_frame
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.sensor import Sensor
from ide3d_training.worlds.viewpoint import MIN_REFERABLE


def capture_room(
    seed: int,
    renderer: RoomRenderer,
    frames: int = 1,
    motion: str = "views",
    rate_hz: float = 4.0,
    sensor: str = "clean",
) -> list[Rendered]:
    """Draw a room's frames.

    Args:
        seed: of the room.
        renderer: draws them.
        frames: number of frames; their labels count them from 0.
        motion: one of ``motion.MOTIONS``.
        rate_hz: frames a second while the camera moves.
        sensor: kind of camera, one of ``sensor.SENSORS``. Views have a camera each, a sequence has one.

    Returns:
        The frames in order. The first of a sequence, and each view, shows two referable objects unless eight
        cameras in a row failed to find them.

    Raises:
        ValueError: if the seed is negative, the motion or sensor unknown, or a number not positive.
    """
    if motion == "views":
        return [render_frame(seed, renderer, view, sensor) for view in range(frames)]
    room, optics = Room.from_seed(seed), Sensor.drawn(sensor, seed)
    size = renderer.width, renderer.height
    for attempt in range(ATTEMPTS):
        poses = motions.poses(room, motion, frames, rate_hz, attempt, renderer.width / renderer.height)
        camera = optics.camera(*size, poses[0].horizontal_fov)
        first = renderer.render(room, poses[0], camera)
        if len(first.graph.referable) >= MIN_REFERABLE:
            break
    rest = [renderer.render(room, pose, camera, index) for index, pose in enumerate(poses[1:], start=1)]
    return [
        replace(frame, rgb=optics.exposed(frame.rgb, seed, index))
        for index, frame in enumerate([first, *rest])
    ]
