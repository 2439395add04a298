# SPDX-License-Identifier: Apache-2.0
"""Replies as the perception node's services send them, about one frame, for the demo's tests."""

from __future__ import annotations

import numpy as np
from fake_bundle import HEIGHT, WIDTH, picture

from ide3d_msgs.srv import Ask
from ide3d_ros.cli.demo_client import Reply
from ide3d_ros.cli.moments import Moment
from ide3d_ros.conversions.answers import answer_message, locate_response
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.rotation import optical_from_level
from ide3d_ros.geometry.transform import from_rotation_translation
from ide3d_ros.scene.results import Answer, Detection, Frame, Location
from ide3d_ros.scene.status import Status

CAMERA = Camera(WIDTH, HEIGHT, 50.0, 50.0, WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5)
STAMP_NS = 7_000_000_123
FRAME = Frame("camera_optical_frame", STAMP_NS, CAMERA)
LOOKING_DOWN = from_rotation_translation(optical_from_level(0.2, 0.0).T, np.array([1.0, 0.5, 1.2]))
MOMENT = Moment(STAMP_NS, picture(("red", 1, 0)), CAMERA, world_from_camera=LOOKING_DOWN)


def box_at(x: float) -> Box3D:
    """Make a cube of half a metre, two metres ahead and `x` metres to the right."""
    return Box3D(np.array([x, 0.0, 2.0]), np.full(3, 0.5), np.array([1.0, 0.0, 0.0, 0.0]))


def located(*places: float, status: Status = Status.OK, message: str = "") -> Reply:
    """Make a reply of ~/locate with such cubes, best first."""
    found = tuple(
        Detection("the cube", 0.9 - 0.1 * rank, box_at(x), FRAME, np.zeros((6, 6)))
        for rank, x in enumerate(places)
    )
    frames = (FRAME,) if status in (Status.OK, Status.NO_TARGET) else ()
    location = Location(status, message, found)
    return Reply(locate_response(location, frames, queue_ms=1.0, total_ms=9.0), 12.5)


def answered(text: str) -> Reply:
    """Make a reply of ~/ask."""
    answer = Answer(Status.OK, text=text, confidence=0.8, frames=(FRAME,))
    return Reply(Ask.Response(answer=answer_message("any", answer, queue_ms=1.0, total_ms=9.0)), 20.0)
