# SPDX-License-Identifier: Apache-2.0
"""One camera's way through the inference worker: its newest frame, its scene, its detections.

Frames never queue: one slot holds the newest, and what it replaces is dropped and counted.
Knows nothing of ROS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ide3d_ros.nodes.frames import FrameInput, FrameResult, FrameTally, FrameTimes
from ide3d_ros.nodes.pace import Pace
from ide3d_ros.nodes.requests import Result
from ide3d_ros.scene.keyframes import KeyframeChooser, KeyframeRule
from ide3d_ros.scene.placing import NoTransformError, place_answer, place_location
from ide3d_ros.scene.results import Frame, Location
from ide3d_ros.scene.scene import Scene
from ide3d_ros.scene.status import Status

Step = Callable[[], bool]
"""Something to do on the worker's thread; it says whether its lane's turn is over."""


@dataclass(frozen=True, eq=False)
class _Encoded:
    """A frame that was encoded and not detected yet; milliseconds and seconds as in `FrameTimes`."""

    frame: Frame
    image: np.ndarray
    received_s: float
    wait_ms: float
    read_ms: float


class Lane:
    """Hold the state of one camera. `encode` and `detect` run on the worker's thread, the rest on any.

    Attributes:
        name: the camera's.
        tally: what became of its frames.
        scene: set by the worker once it is open.
    """

    def __init__(
        self,
        name: str,
        lock: threading.Condition,
        clock: Callable[[], float],
        *,
        target_frame_id: str,
        keyframes: KeyframeRule | None,
        vocabulary: Callable[[], Sequence[str] | None],
        on_result: Callable[[FrameResult], None],
        on_fault: Callable[[str, Exception], None],
    ) -> None:
        """Make an empty lane.

        Args:
            name: the camera's.
            lock: the worker's, which guards the state of all lanes.
            clock: seconds, monotonic.
            target_frame_id: the frame that boxes are wanted in; empty leaves them in the optical frame.
            keyframes: which frames stay in a window of several; None keeps every frame.
            vocabulary: asked before each detection what to look for; None is the bundle's own categories.
            on_result: takes what was detected in a frame.
            on_fault: takes what failed and the error; it does not raise.
        """
        self.name = name
        self.tally = FrameTally()
        self.scene: Scene | None = None
        self._lock = lock
        self._clock = clock
        self._target_frame_id = target_frame_id
        self._keyframes = KeyframeChooser(keyframes) if keyframes is not None else None
        self._vocabulary = vocabulary
        self._on_result = on_result
        self._on_fault = on_fault
        self._slot: FrameInput | None = None
        self._received_s: float | None = None
        self._encoded_s: float | None = None
        self._undetected: _Encoded | None = None
        self._motions: dict[tuple[str, int], Callable[[], np.ndarray]] = {}  # of the frames in the window
        self._promised = False  # whether the undetected frame was encoded in order to be detected
        self._due_s = 0.0
        self._era = 0  # counts how often everything was forgotten; what began before that is not kept

    def offer(self, frame: FrameInput) -> bool:
        """Take the newest frame, in place of one that still waits; say whether that one was dropped."""
        with self._lock:
            dropped = self._slot is not None
            self._slot = frame
            self._received_s = frame.received_s
            self.tally.offered += 1
            self.tally.dropped += dropped
            self._lock.notify_all()
        time.sleep(0)  # lets the worker begin: the executor would keep the interpreter for some 0.3 ms
        return dropped

    def forget(self) -> None:
        """Drop the waiting frame and what is known of earlier ones; the scene is not touched."""
        with self._lock:
            self._era += 1
            self._slot = None
            self._received_s = None
            self._encoded_s = None
            self._undetected = None
            if self._keyframes is not None:
                self._keyframes.forget()

    def missing_frames(self, pace: Pace) -> tuple[Status, str] | None:
        """Say why no request can be answered on this camera's frames; None when one can."""
        if self._encoded_s is None:
            return Status.NO_FRAMES, (
                f"no usable frame has arrived yet{self._whence()}; "
                f"check the image and camera_info topics{self._besides()}"
            )
        age_s = self._clock() - (self._received_s or self._encoded_s)
        if age_s > pace.max_frame_age_s:
            return Status.STALE, (
                f"the newest frame{self._whence()} is {age_s:.1f} s old; "
                f"check the camera{self._besides()}, or raise "
                f"query.max_frame_age_s ({pace.max_frame_age_s:g} s)"
            )
        return None

    def feed(self, now: float, pace: Pace) -> Step | None:
        """Return the encoding that a request has to wait for; None when what is known is fresh enough."""
        outdated = self._encoded_s is None or now - self._encoded_s > pace.freshness_s
        if self._slot is None or not outdated:
            return None
        self._promised = False
        return self._take_frame()

    def overdue(self, now: float, pace: Pace) -> Step | None:
        """Return the detection that may not wait any longer, if there is one."""
        late = self._undetected is not None and pace.rate_hz > 0 and now > self._due_s + pace.patience_s
        return (lambda: self.detect(pace)) if late else None

    def next_step(self, now: float, pace: Pace) -> tuple[Step | None, float | None]:
        """Return what is due, or how long nothing will be (None: until another frame comes)."""
        if self._slot is None and self._undetected is None:
            return None, None
        if now < self._due_s:
            return None, self._due_s - now
        # A frame that was encoded for a detection gets it, even if a newer one has come meanwhile: otherwise
        # an engine slower than the camera would encode for ever. One encoded for a request gives way to a
        # newer one.
        if self._slot is None or (self._undetected is not None and self._promised):
            return (lambda: self.detect(pace)), None
        self._promised = True
        return self._take_frame(), None

    def detect(self, pace: Pace) -> bool:
        """Detect in the frame that was encoded last; the lane's turn is over then."""
        with self._lock:
            undetected, self._undetected = self._undetected, None
            now, due_s = self._clock(), self._due_s
            # From the time it was due, so that the rate holds; from now, when it could not be held.
            self._due_s = max(due_s + pace.period_s, now)
        if undetected is None:
            return True
        self.tally.late += now - max(due_s, undetected.received_s) > pace.period_s
        try:
            location = self.scene.detect(self._vocabulary())
            if location.status is Status.ENGINE_ERROR:
                raise RuntimeError(location.message)
        except Exception as error:
            self.tally.faults += 1
            self._on_fault("a frame", error)
            return True
        self.tally.detected += 1
        placed = self.place(location)
        self.tally.unplaced += placed.status is Status.NO_TRANSFORM
        self._publish(undetected, location, placed)
        return True

    def _publish(self, encoded: _Encoded, location: Location, placed: Location) -> None:
        frame, detected_s = encoded.frame, self._clock()
        age_ms = 1e3 * (detected_s - encoded.received_s)
        self.tally.age_ms.append(age_ms)
        try:
            self._on_result(FrameResult(frame, encoded.image, location, placed, age_ms, self.name))
        except Exception as error:
            self._on_fault("publishing", error)
            return
        publish_ms = 1e3 * (self._clock() - detected_s)
        self.tally.times.append(
            FrameTimes(
                stamp_ns=frame.stamp_ns,
                received_s=encoded.received_s,
                wait_ms=encoded.wait_ms,
                read_ms=encoded.read_ms,
                latency=location.latency,
                publish_ms=publish_ms,
                total_ms=age_ms + publish_ms,
            )
        )

    def place(self, result: Result) -> Result:
        """Take what was found in this lane's window to the frame that boxes are wanted in."""
        if not self._target_frame_id:
            return result
        place = place_location if isinstance(result, Location) else place_answer
        return place(result, self._target_frame_id, self._motion_of)

    def _motion_of(self, frame: Frame) -> np.ndarray:
        motion = self._motions.get((frame.frame_id, frame.stamp_ns))
        if motion is None:
            raise NoTransformError(f"the frame at {frame.stamp_ns} ns came without a transform")
        return motion()

    def _take_frame(self) -> Step:
        frame, self._slot, era = self._slot, None, self._era
        return lambda: self._encode(frame, era)

    def _encode(self, waiting: FrameInput, era: int) -> bool:
        started = self._clock()
        try:
            image = waiting.read()
            extra = _extra_inputs(waiting)
            read_s = self._clock()
            frame = self._add(image, waiting, extra)
        except ValueError as error:  # the picture is at fault, not the engine
            self.tally.unreadable += 1
            self._on_fault("a frame", error)
            return True
        except Exception as error:
            self.tally.faults += 1
            self._on_fault("a frame", error)
            return True
        if waiting.target_from_optical is not None:
            kept = {(one.frame_id, one.stamp_ns) for one in self.scene.frames}
            self._motions[frame.frame_id, frame.stamp_ns] = waiting.target_from_optical
            self._motions = {key: motion for key, motion in self._motions.items() if key in kept}
        self.tally.encoded += 1
        self.tally.encode_ms.append(1e3 * (self._clock() - started))
        with self._lock:
            if era != self._era:
                return True
            if self._keyframes is not None:
                self._keyframes.follow(image, waiting.stamp_ns)
            self._encoded_s = waiting.received_s
            self._undetected = _Encoded(
                frame,
                image,
                waiting.received_s,
                wait_ms=1e3 * (started - waiting.received_s),
                read_ms=1e3 * (read_s - started),
            )
        return False

    def _add(self, image: np.ndarray, waiting: FrameInput, extra: Mapping[str, np.ndarray]) -> Frame:
        seen = {"stamp_ns": waiting.stamp_ns, "frame_id": waiting.frame_id, **extra}
        if self._keyframes is None or self._keyframes.keeps_newest():
            return self.scene.add_frame(image, waiting.camera, **seen)
        return self.scene.replace_newest_frame(image, waiting.camera, **seen)

    def _besides(self) -> str:
        extra = self.scene.bundle.manifest.extra_inputs
        return f", and for {' and '.join(extra)} the diagnostics" if extra else ""

    def _whence(self) -> str:
        return f" from camera {self.name!r}" if self.name else ""


def _extra_inputs(waiting: FrameInput) -> Mapping[str, np.ndarray]:
    """Read what a frame brings besides its image, by the names of `Scene.add_frame`."""
    if waiting.depth is None and waiting.world_from_camera is None:
        return {}
    depth = None if waiting.depth is None else waiting.depth()
    return {"depth": depth, "world_from_camera": waiting.world_from_camera}
