# SPDX-License-Identifier: Apache-2.0
"""Hold frames until what the bundle reads besides the image has come: depth, and the camera's pose.

A frame that is still incomplete when it has waited long enough, or when a newer one is complete, is dropped
and counted: no frame goes on without what the bundle reads of it.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ide3d_ros.nodes.depth_intake import DepthImage, DepthIntake
from ide3d_ros.nodes.depth_pairing import DepthPairing
from ide3d_ros.nodes.frames import FrameInput
from ide3d_ros.nodes.intake import IntakeError
from ide3d_ros.nodes.transforms import Capture, FrameTransforms
from ide3d_ros.scene.placing import NoTransformError

MOST_WAITING = 16
"""Frames that wait at once; the oldest gives way."""


@dataclass
class CompletionTally:
    """Count what became of the frames that had to be completed.

    Attributes:
        completed: went on with all that the bundle reads.
        without_depth, without_pose: were dropped for want of it.
        last_lack: why the newest of those was dropped, as a sentence; empty when there was none.
    """

    completed: int = 0
    without_depth: int = 0
    without_pose: int = 0
    last_lack: str = ""


@dataclass(frozen=True, eq=False)
class _Waiting:
    frame: FrameInput
    pose: Capture | None
    until_s: float


class _Lack(Exception):
    """A frame will not be completed."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(text)
        self.what = what


class FrameCompletion:
    """Complete the frames of one camera, in their order. One thread at a time.

    Attributes:
        tally: what became of the frames.
        wait_s: how long depth and pose may come after a frame, seconds.
    """

    def __init__(
        self,
        on_frame: Callable[[FrameInput], object],
        on_lack: Callable[[FrameInput, str, str], None],
        *,
        depth: DepthIntake | None,
        poses: FrameTransforms | None,
        wait_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold nothing yet.

        Args:
            on_frame: takes each complete frame.
            on_lack: takes a frame that is dropped, what it lacked ("depth" or "pose") and why, as a sentence.
            depth: fits depth to frames; None for a bundle that reads none.
            poses: captures the camera's pose in the fixed frame; None for a bundle that reads none.
            wait_s: how long depth and pose may come after a frame, seconds.
            clock: seconds, monotonic.
        """
        self.tally = CompletionTally()
        self.wait_s = wait_s
        self._on_frame, self._on_lack = on_frame, on_lack
        self._depth, self._poses = depth, poses
        self._clock = clock
        self._pairing: DepthPairing[DepthImage] = DepthPairing()
        self._waiting: deque[_Waiting] = deque()

    @property
    def is_waiting(self) -> bool:
        """Tell whether a frame is held."""
        return bool(self._waiting)

    def take(self, frame: FrameInput) -> None:
        """Take the camera's next frame."""
        self._pairing.see_frame(frame.stamp_ns)
        pose = None if self._poses is None else self._poses.capture(frame.frame_id, frame.stamp_ns)
        self._waiting.append(_Waiting(frame, pose, self._clock() + self.wait_s))
        self.look()
        if len(self._waiting) > MOST_WAITING:
            self._end(self._waiting.popleft())

    def add_depth(self, depth: DepthImage) -> None:
        """Take the next depth image."""
        self._pairing.add(depth.stamp_ns, depth)
        self.look()

    def look(self) -> None:
        """Let frames go on that are complete, and drop those that waited too long; call it often."""
        now_s = self._clock()
        still: deque[_Waiting] = deque()
        for waiting in self._waiting:
            try:
                frame = self._complete(waiting, now_s)
            except _Lack as lack:
                self._drop(waiting.frame, lack)
                continue
            if frame is None:
                still.append(waiting)
                continue
            while still:  # older ones that go on later would turn the time back
                self._end(still.popleft())
            self._go_on(frame)
        self._waiting = still

    def _complete(self, waiting: _Waiting, now_s: float) -> FrameInput | None:
        """Return the whole frame; None while something may still come. Raises _Lack when it will not."""
        read = pose = None
        if self._depth is not None and (read := self._depth_of(waiting, now_s)) is None:
            return None
        if waiting.pose is not None and (pose := self._pose_of(waiting, now_s)) is None:
            return None
        return replace(waiting.frame, depth=read, world_from_camera=pose)

    def _depth_of(self, waiting: _Waiting, now_s: float) -> Callable[[], np.ndarray] | None:
        stamp_ns = waiting.frame.stamp_ns
        if now_s <= waiting.until_s and not self._pairing.is_settled(stamp_ns):
            return None
        found = self._pairing.nearest(stamp_ns)
        if found is None:
            raise _Lack("depth", self._no_depth(stamp_ns))
        try:
            return self._depth.reader(found, waiting.frame)
        except IntakeError as error:
            raise _Lack("depth", str(error)) from error

    def _pose_of(self, waiting: _Waiting, now_s: float) -> np.ndarray | None:
        try:
            pose = waiting.pose.known()
        except NoTransformError as error:
            raise _Lack("pose", self._no_pose(str(error))) from error
        if pose is None and now_s > waiting.until_s:
            raise _Lack("pose", self._no_pose("that of a newer frame came first"))
        return pose

    def _end(self, waiting: _Waiting) -> None:
        """Settle a frame that may not wait any longer."""
        try:
            self._go_on(self._complete(waiting, math.inf))
        except _Lack as lack:
            self._drop(waiting.frame, lack)

    def _go_on(self, frame: FrameInput) -> None:
        self.tally.completed += 1
        self._on_frame(frame)

    def _drop(self, frame: FrameInput, lack: _Lack) -> None:
        if lack.what == "depth":
            self.tally.without_depth += 1
        else:
            self.tally.without_pose += 1
        self.tally.last_lack = str(lack)
        self._on_lack(frame, lack.what, str(lack))

    def _no_depth(self, stamp_ns: int) -> str:
        topic, distance_ns = self._depth.topic, self._pairing.distance_ns(stamp_ns)
        if distance_ns is None:
            return (
                f"{topic}: no depth has come within {self.wait_s:g} s of an image; check the topic "
                "(depth.topic) and its publisher"
            )
        return (
            f"{topic}: no depth of an image's moment: the nearest is {distance_ns / 1e6:.0f} ms away, half a "
            f"frame period is {self._pairing.tolerance_ns / 1e6:.0f} ms; let the driver synchronise depth "
            "and colour, or raise depth.wait_s"
        )

    def _no_pose(self, cause: str) -> str:
        return f"no pose of the camera in fixed_frame {self._poses.target!r}: {cause}"
