# SPDX-License-Identifier: Apache-2.0
"""What goes into the inference worker and what comes out of it, frame by frame. Knows nothing of ROS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.results import Frame, Location


@dataclass(frozen=True)
class FrameInput:
    """Hold an accepted image until the worker has time for it.

    Attributes:
        read: decodes the pixels to (H, W, 3) uint8 RGB; called at most once, only if the frame is used.
        camera: of that image.
        stamp_ns: when it was taken, nanoseconds.
        frame_id: its optical frame.
        received_s: when it arrived, seconds of the worker's clock.
    """

    read: Callable[[], np.ndarray]
    camera: Camera
    stamp_ns: int
    frame_id: str
    received_s: float


@dataclass(frozen=True)
class FrameResult:
    """Hold what was detected in one frame.

    Attributes:
        frame: the frame that was encoded last.
        image: (H, W, 3) uint8 RGB, its pixels.
        location: everything that was detected.
        age_ms: from the frame's arrival to this result.
    """

    frame: Frame
    image: np.ndarray
    location: Location
    age_ms: float
