# SPDX-License-Identifier: Apache-2.0
"""The library API that a person imports: frames in; locate, ask, describe and detect out."""

from ide3d_ros.scene.answering import AnswerStream
from ide3d_ros.scene.preprocessing import FrameError
from ide3d_ros.scene.results import Answer, Detection, Frame, Latency, Location
from ide3d_ros.scene.scene import Scene
from ide3d_ros.scene.status import Status

__all__ = [
    "Answer",
    "AnswerStream",
    "Detection",
    "Frame",
    "FrameError",
    "Latency",
    "Location",
    "Scene",
    "Status",
]
