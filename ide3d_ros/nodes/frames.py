# SPDX-License-Identifier: Apache-2.0
"""What goes into the inference worker and what comes out of it, frame by frame. Knows nothing of ROS."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.results import Frame, Latency, Location

UNNAMED = ""
"""Name of the camera of a node that has one."""


def camera_topic(camera: str, topic: str) -> str:
    """Name a topic of a camera: front/image for the camera front, image for the one without a name."""
    return f"{camera}/{topic}" if camera else topic


@dataclass(frozen=True)
class FrameInput:
    """Hold an accepted image until the worker has time for it.

    Attributes:
        read: decodes the pixels to (H, W, 3) uint8 RGB; called at most once, only if the frame is used.
        camera: of that image.
        stamp_ns: when it was taken, nanoseconds.
        frame_id: its optical frame.
        received_s: when it arrived, seconds of the worker's clock.
        target_from_optical: gives the (4, 4) motion to the frame that boxes are wanted in, or raises
            NoTransformError; it may wait a moment. None where boxes stay in the optical frame.
        depth: reads (H, W) float32 metres in the pixels of the image, nan where unknown; called at most once,
            only if the frame is used. None for a bundle that reads none.
        world_from_camera: (4, 4) pose of the optical frame in the fixed frame; None for a bundle that reads
            none.
    """

    read: Callable[[], np.ndarray]
    camera: Camera
    stamp_ns: int
    frame_id: str
    received_s: float
    target_from_optical: Callable[[], np.ndarray] | None = None
    depth: Callable[[], np.ndarray] | None = None
    world_from_camera: np.ndarray | None = None


@dataclass(frozen=True)
class FrameResult:
    """Hold what was detected in one frame.

    Attributes:
        frame: the frame that was encoded last.
        image: (H, W, 3) uint8 RGB, its pixels.
        location: everything that was detected, in optical frames.
        placed: the same in the frame that boxes are wanted in, or NO_TRANSFORM.
        age_ms: from the frame's arrival to this result.
        camera_name: which of the node's cameras saw it.
    """

    frame: Frame
    image: np.ndarray
    location: Location
    placed: Location
    age_ms: float
    camera_name: str = UNNAMED


@dataclass(frozen=True)
class FrameTimes:
    """Say where the time of one detected frame went.

    Attributes:
        stamp_ns: of its image, nanoseconds.
        received_s: when it arrived, seconds of the worker's clock.
        wait_ms: from its arrival until the worker took it.
        read_ms: from messages to RGB pixels, and to depth where it is read.
        latency: the scene's own stages.
        publish_ms: to turn what was found into messages and to publish them.
        total_ms: from its arrival to its published boxes.
    """

    stamp_ns: int
    received_s: float
    wait_ms: float
    read_ms: float
    latency: Latency
    publish_ms: float
    total_ms: float


@dataclass
class FrameTally:
    """Count what happened to one camera's frames since the start.

    Attributes:
        offered, dropped, encoded, detected: frames at each stage.
        late: detections made more than a period after they were due and their frame had come.
        unplaced: detections that were not published for want of a transform.
        unreadable: frames whose pixels could not be decoded or were refused by the scene.
        faults: times that the engine failed at a frame.
        encode_ms, age_ms: of the newest frames: to encode them, and from arrival to detections.
        times: of the newest frames whose boxes were published.
    """

    offered: int = 0
    dropped: int = 0
    encoded: int = 0
    detected: int = 0
    late: int = 0
    unplaced: int = 0
    unreadable: int = 0
    faults: int = 0
    encode_ms: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    age_ms: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    times: deque[FrameTimes] = field(default_factory=lambda: deque(maxlen=100))
