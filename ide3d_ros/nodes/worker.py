# SPDX-License-Identifier: Apache-2.0
"""The one thread that owns the scene: it encodes frames, detects in them and answers requests.

Frames never queue: one slot holds the newest, and what it replaces is dropped and counted. Requests go before
frames, with two exceptions that keep answers honest and detections alive under a flood of questions: a
waiting frame is encoded first when what the scene knows is older than `freshness_s`, and a detection that is
`patience_s` late is made first.

This module knows nothing of ROS.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from ide3d_ros.nodes.frames import FrameInput, FrameResult
from ide3d_ros.nodes.requests import Request
from ide3d_ros.scene.results import Frame
from ide3d_ros.scene.scene import Scene
from ide3d_ros.scene.status import Status


@dataclass(frozen=True)
class Pace:
    """Say how the worker shares its time.

    Attributes:
        rate_hz: detections a second at most; 0 detects nothing and encodes a frame only for a request.
        freshness_s: a request is answered on the frame encoded last unless that is older than this and a
            newer one waits.
        max_frame_age_s: a request is STALE when no frame has arrived for this long.
        queue_size: requests that may wait.
        patience_s: how late a detection may be before it goes ahead of requests.
    """

    rate_hz: float = 5.0
    freshness_s: float = 0.2
    max_frame_age_s: float = 2.0
    queue_size: int = 16
    patience_s: float = 1.0


class State(Enum):
    """Name what the worker is doing as a whole."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass
class Tally:
    """Count what happened to frames and requests since the start.

    Attributes:
        offered, dropped, encoded, detected: frames at each stage.
        unreadable: frames whose pixels could not be decoded or were refused by the scene.
        faults: times that the engine failed.
        answered, refused: requests by how they ended.
    """

    offered: int = 0
    dropped: int = 0
    encoded: int = 0
    detected: int = 0
    unreadable: int = 0
    faults: int = 0
    answered: int = 0
    refused: int = 0
    encode_ms: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    age_ms: deque[float] = field(default_factory=lambda: deque(maxlen=100))


class InferenceWorker:
    """Run everything that touches a Scene on one thread.

    Any thread may offer frames and submit requests; the callbacks are called on the worker thread.
    """

    def __init__(
        self,
        scene_factory: Callable[[], Scene],
        *,
        on_result: Callable[[FrameResult], None],
        on_fault: Callable[[str, Exception], None],
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a worker; `start` starts it.

        Args:
            scene_factory: opens the scene, on the worker thread.
            on_result: takes what was detected in a frame.
            on_fault: takes what failed ("opening the bundle", "a frame", "a request", "publishing") and the
                error.
            pace: how it shares its time.
            clock: seconds, monotonic.
        """
        self.pace = pace or Pace()
        self.tally = Tally()
        self.state = State.LOADING
        self.failure = ""
        self.vocabulary: tuple[str, ...] | None = None  # what is detected; None = the bundle's own categories
        self._scene_factory = scene_factory
        self._on_result = on_result
        self._on_fault = on_fault
        self._clock = clock
        self._wake = threading.Condition()
        self._slot: FrameInput | None = None
        self._requests: deque[Request] = deque()
        self._running: Request | None = None
        self._fed: Request | None = None  # the request that a frame has been encoded for, good or bad
        self._received_s: float | None = None
        self._encoded_s: float | None = None
        self._undetected: tuple[Frame, np.ndarray, float] | None = None
        self._promised = False  # whether the undetected frame was encoded in order to be detected
        self._due_s = 0.0
        self._closing = False
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ide3d-inference", daemon=True)

    def start(self) -> None:
        """Start the thread, which opens the scene first."""
        self._thread.start()

    def wait_until_open(self, timeout_s: float | None = None) -> bool:
        """Wait until the scene is open or has failed to open; `state` says which.

        Args:
            timeout_s: seconds; None waits as long as it takes.

        Returns:
            False when the time was up before.
        """
        return self._opened.wait(timeout_s)

    def close(self, timeout_s: float = 5.0) -> bool:
        """End all requests as CANCELED, stop the thread and wait for it.

        Returns:
            False when the engine was still busy after `timeout_s` seconds; the thread then ends with it.
        """
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self.end_all(Status.CANCELED, "the node is shutting down")
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self.state = State.CLOSED
        return not self._thread.is_alive()

    def offer(self, frame: FrameInput) -> bool:
        """Hand over the newest frame, in place of one that still waits.

        Returns:
            Whether an older frame was dropped for it.
        """
        with self._wake:
            dropped = self._slot is not None
            self._slot = frame
            self._received_s = frame.received_s
            self.tally.offered += 1
            self.tally.dropped += dropped
            self._wake.notify_all()
        return dropped

    def submit(self, request: Request) -> None:
        """Queue a request; it is refused at once when the engine cannot run or too many wait."""
        refusal = None
        with self._wake:
            if self.state is State.FAILED:
                refusal = (Status.ENGINE_ERROR, self.failure)
            elif self._closing:
                refusal = (Status.CANCELED, "the node is shutting down")
            elif len(self._requests) >= self.pace.queue_size:
                refusal = (
                    Status.TIMEOUT,
                    f"{len(self._requests)} requests wait already; ask less often or raise query.queue_size",
                )
            else:
                self._requests.append(request)
                self._wake.notify_all()
        if refusal:
            self.refuse(request, *refusal)

    def refuse(self, request: Request, status: Status, message: str) -> None:
        """End a request that will not be answered, and count it."""
        if request.refuse(status, message):
            self.tally.refused += 1

    def expire(self) -> None:
        """End overdue requests as TIMEOUT, also the one that runs; call it a few times a second."""
        for request in self._open_requests():
            if request.overdue():
                waiting = "for the bundle to open" if self.state is State.LOADING else "for the engine"
                self.refuse(
                    request,
                    Status.TIMEOUT,
                    f"no answer within {request.timeout_s:g} s, waiting {waiting}; raise query.timeout_s",
                )

    def end_all(self, status: Status, reason: str) -> None:
        """End every open request."""
        for request in self._open_requests():
            self.refuse(request, status, reason)

    def forget_frames(self) -> None:
        """Drop the waiting frame and what is known of earlier ones; a request resets the scene itself."""
        with self._wake:
            self._slot = None
            self._received_s = None
            self._encoded_s = None
            self._undetected = None

    def _open_requests(self) -> list[Request]:
        with self._wake:
            running = [self._running] if self._running is not None else []
            return running + list(self._requests)

    def _work(self) -> None:
        scene = self._open_scene()
        self._opened.set()
        while (step := self._next_step(scene is not None)) is not None:
            if scene is not None:
                step(scene)

    def _open_scene(self) -> Scene | None:
        try:
            scene = self._scene_factory()
        except Exception as error:
            self.failure = f"the bundle could not be opened: {error}"
            with self._wake:
                self.state = State.FAILED
                waiting, self._requests = list(self._requests), deque()
            for request in waiting:
                self.refuse(request, Status.ENGINE_ERROR, self.failure)
            self._fault("opening the bundle", error)
            return None
        self.state = State.READY
        return scene

    def _next_step(self, ready: bool) -> Callable[[Scene], None] | None:
        """Wait for the next thing to do; None when the worker closes."""
        with self._wake:
            while not self._closing:
                if not ready:
                    self._wake.wait()
                    continue
                step, wait_s = self._choose()
                if step is not None:
                    return step
                self._wake.wait(wait_s)
        return None

    def _choose(self) -> tuple[Callable[[Scene], None] | None, float | None]:
        """Pick the next step under the lock, or say how long nothing will be due (None: until woken)."""
        now = self._clock()
        pace = self.pace
        while self._requests and self._requests[0].withdrawn():
            self._requests.popleft()
        if self._requests:
            request = self._requests[0]
            if (
                request.needs_frames
                and self._slot is not None
                and self._outdated(now)
                and request is not self._fed
            ):
                self._fed = request
                self._promised = False
                return self._take_frame(), None
            if self._undetected is not None and pace.rate_hz > 0 and now > self._due_s + pace.patience_s:
                return self._detect, None
            self._requests.popleft()
            self._running = request
            return self._answer, None
        if pace.rate_hz <= 0:
            return None, None
        if self._slot is None and self._undetected is None:
            return None, None
        if now < self._due_s:
            return None, self._due_s - now
        # A frame that was encoded for a detection gets it, even if a newer one has come meanwhile: otherwise
        # an engine slower than the camera would encode for ever. One encoded for a request gives way to a
        # newer one.
        if self._slot is None or (self._undetected is not None and self._promised):
            return self._detect, None
        self._promised = True
        return self._take_frame(), None

    def _outdated(self, now: float) -> bool:
        return self._encoded_s is None or now - self._encoded_s > self.pace.freshness_s

    def _take_frame(self) -> Callable[[Scene], None]:
        frame, self._slot = self._slot, None
        return lambda scene: self._encode(scene, frame)

    def _encode(self, scene: Scene, waiting: FrameInput) -> None:
        started = self._clock()
        try:
            image = waiting.read()
            frame = scene.add_frame(
                image, waiting.camera, stamp_ns=waiting.stamp_ns, frame_id=waiting.frame_id
            )
        except ValueError as error:  # the picture is at fault, not the engine
            self.tally.unreadable += 1
            self._fault("a frame", error)
            return
        except Exception as error:
            self.tally.faults += 1
            self._fault("a frame", error)
            return
        self.tally.encoded += 1
        self.tally.encode_ms.append(1e3 * (self._clock() - started))
        with self._wake:
            self._encoded_s = waiting.received_s
            self._undetected = (frame, image, waiting.received_s)

    def _detect(self, scene: Scene) -> None:
        with self._wake:
            undetected, self._undetected = self._undetected, None
            # From the time it was due, so that the rate holds; from now, when it could not be held.
            now = self._clock()
            period = 1.0 / self.pace.rate_hz if self.pace.rate_hz > 0 else 0.0
            self._due_s = max(self._due_s + period, now)
        if undetected is None:
            return
        frame, image, received_s = undetected
        try:
            location = scene.detect(self.vocabulary)
        except Exception as error:
            self.tally.faults += 1
            self._fault("a frame", error)
            return
        if location.status is Status.ENGINE_ERROR:
            self.tally.faults += 1
            self._fault("a frame", RuntimeError(location.message))
            return
        self.tally.detected += 1
        age_ms = 1e3 * (self._clock() - received_s)
        self.tally.age_ms.append(age_ms)
        try:
            self._on_result(FrameResult(frame, image, location, age_ms))
        except Exception as error:
            self._fault("publishing", error)

    def _answer(self, scene: Scene) -> None:
        request = self._running
        try:
            missing = self._missing_frames() if request.needs_frames else None
            if missing is not None:
                self.refuse(request, *missing)
            else:
                request.run(scene)
                self._count(request)
        except Exception as error:
            self.tally.faults += 1
            self._fault("a request", error)
        finally:
            with self._wake:
                self._running = None

    def _count(self, request: Request) -> None:
        result = request.outcome.result
        if result.status is Status.ENGINE_ERROR:
            self.tally.faults += 1
            self._fault("a request", RuntimeError(result.message))
        elif result.status is Status.INVALID_REQUEST:
            self.tally.refused += 1
        elif result.status not in (
            Status.TIMEOUT,
            Status.CANCELED,
        ):  # those were counted when they were refused
            self.tally.answered += 1

    def _missing_frames(self) -> tuple[Status, str] | None:
        if self._encoded_s is None:
            return Status.NO_FRAMES, "no usable frame has arrived yet; check the image and camera_info topics"
        age_s = self._clock() - (self._received_s or self._encoded_s)
        if age_s > self.pace.max_frame_age_s:
            return (
                Status.STALE,
                f"the newest frame is {age_s:.1f} s old; check the camera, or raise query.max_frame_age_s "
                f"({self.pace.max_frame_age_s:g} s)",
            )
        return None

    def _fault(self, what: str, error: Exception) -> None:
        try:
            self._on_fault(what, error)
        except Exception:  # a fault in reporting must not end the only thread that can work
            self.tally.faults += 1
