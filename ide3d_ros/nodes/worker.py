# SPDX-License-Identifier: Apache-2.0
"""The one thread that owns the scenes: it encodes frames, detects in them and answers requests.

Requests go before frames, with two exceptions that keep answers honest and detections alive under a flood of
questions: a waiting frame is encoded first when what the scene knows is older than `freshness_s`, and a
detection that is `patience_s` late is made first. Cameras take turns, one detection each. Expressions that
wait for the same camera are located together, in one pass.

This module knows nothing of ROS.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import takewhile

from ide3d_ros.nodes.frames import UNNAMED, FrameInput, FrameResult
from ide3d_ros.nodes.lane import Lane, Step
from ide3d_ros.nodes.pace import Pace
from ide3d_ros.nodes.requests import Request
from ide3d_ros.scene.keyframes import KeyframeRule
from ide3d_ros.scene.results import Latency, Location
from ide3d_ros.scene.scene import PROMPTS_PER_PASS, Scene
from ide3d_ros.scene.status import Status


class State(Enum):
    """Name what the worker is doing as a whole."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass
class RequestTally:
    """Count how requests ended since the start.

    Attributes:
        answered, refused: requests by how they ended.
        faults: times that the engine, or the worker itself, failed at a request.
        latencies: where the time of the newest answers went.
    """

    answered: int = 0
    refused: int = 0
    faults: int = 0
    latencies: deque[Latency] = field(default_factory=lambda: deque(maxlen=100))


class InferenceWorker:
    """Run everything that touches a Scene on one thread.

    Any thread may offer frames and submit requests; the callbacks are called on the worker thread.

    Attributes:
        lanes: each camera's, by its name.
        vocabulary: what is detected; None detects the bundle's own categories.
    """

    def __init__(
        self,
        scenes_factory: Callable[[], Mapping[str, Scene]],
        *,
        on_result: Callable[[FrameResult], None],
        on_fault: Callable[[str, Exception], None],
        pace: Pace | None = None,
        cameras: Sequence[str] = (UNNAMED,),
        target_frame_id: str = "",
        keyframes: KeyframeRule | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a worker; `start` starts it.

        Args:
            scenes_factory: opens a scene for each camera, on the worker thread.
            on_result: takes what was detected in a frame.
            on_fault: takes what failed ("opening the bundle", "a frame", "a request", "publishing") and the
                error.
            pace: how it shares its time.
            cameras: their names; a request that names none asks the first.
            target_frame_id: the frame that boxes are wanted in; empty leaves them in the optical frame.
            keyframes: which frames stay in a window of several; None keeps every frame.
            clock: seconds, monotonic.
        """
        self.pace = pace or Pace()
        self.tally = RequestTally()
        self.state = State.LOADING
        self.failure = ""
        self.vocabulary: tuple[str, ...] | None = None
        self._scenes_factory = scenes_factory
        self._report = on_fault
        self._clock = clock
        self._wake = threading.Condition()
        self.lanes = {
            name: Lane(
                name,
                self._wake,
                clock,
                target_frame_id=target_frame_id,
                keyframes=keyframes,
                vocabulary=lambda: self.vocabulary,
                on_result=on_result,
                on_fault=self._fault,
            )
            for name in cameras
        }
        self._turns = deque(self.lanes.values())  # the lane whose turn it is stands first
        self._requests: deque[Request] = deque()
        self._running: tuple[Request, ...] = ()
        self._fed: Request | None = None  # the request that a frame has been encoded for, good or bad
        self._closing = False
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ide3d-inference", daemon=True)

    def start(self) -> None:
        """Start the thread, which opens the scenes first."""
        self._thread.start()

    def wait_until_open(self, timeout_s: float | None = None) -> bool:
        """Wait until the scenes are open or have failed to open; `state` says which.

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

    def offer(self, frame: FrameInput, camera: str = UNNAMED) -> bool:
        """Hand over a camera's newest frame, in place of one that still waits.

        Returns:
            Whether an older frame was dropped for it.
        """
        return self.lanes[camera].offer(frame)

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
        """Drop the waiting frames and what is known of earlier ones; a request resets a scene itself."""
        for lane in self.lanes.values():
            lane.forget()

    def _open_requests(self) -> list[Request]:
        with self._wake:
            return [*self._running, *self._requests]

    def _work(self) -> None:
        ready = self._open_scenes()
        self._opened.set()
        while (step := self._next_step(ready)) is not None:
            step()

    def _open_scenes(self) -> bool:
        try:
            scenes = self._scenes_factory()
            for name, lane in self.lanes.items():
                lane.scene = scenes[name]
        except Exception as error:
            self.failure = f"the bundle could not be opened: {error}"
            with self._wake:
                self.state = State.FAILED
                waiting, self._requests = list(self._requests), deque()
            for request in waiting:
                self.refuse(request, Status.ENGINE_ERROR, self.failure)
            self._fault("opening the bundle", error)
            return False
        self.state = State.READY
        return True

    def _next_step(self, ready: bool) -> Step | None:
        """Wait for the next thing to do; None when the worker closes."""
        with self._wake:
            while not self._closing:
                step, wait_s = self._choose() if ready else (None, None)
                if step is not None:
                    return step
                self._wake.wait(wait_s)
        return None

    def _choose(self) -> tuple[Step | None, float | None]:
        """Pick the next step under the lock, or say how long nothing will be due (None: until woken)."""
        now, pace = self._clock(), self.pace
        while self._requests and self._requests[0].withdrawn():
            self._requests.popleft()
        if self._requests:
            return self._choose_for(self._requests[0], now, pace), None
        if pace.rate_hz <= 0:
            return None, None
        waits: list[float] = []
        for lane in self._turns:
            step, wait_s = lane.next_step(now, pace)
            if step is not None:
                return self._in_turn(lane, step), None
            if wait_s is not None:
                waits.append(wait_s)
        return None, min(waits, default=None)

    def _choose_for(self, request: Request, now: float, pace: Pace) -> Step:
        lane = self._lane_of(request)
        if request.needs_frames and request is not self._fed and (step := lane.feed(now, pace)) is not None:
            self._fed = request
            return step
        for other in self._turns:
            if (step := other.overdue(now, pace)) is not None:
                return self._in_turn(other, step)
        self._running = together = self._take_with_peers(request)
        return lambda: self._answer(together, lane)

    def _take_with_peers(self, request: Request) -> tuple[Request, ...]:
        """Take the first request off the queue, and with it those that one pass can answer at once."""
        self._requests.popleft()
        if request.expression is None:
            return (request,)
        # Nothing overtakes a reset.
        before = takewhile(lambda other: other.needs_frames, self._requests)
        peers = [
            other
            for other in before
            if other.expression is not None
            and self._lane_of(other) is self._lane_of(request)
            and not other.withdrawn()
        ][: PROMPTS_PER_PASS - 1]
        self._requests = deque(other for other in self._requests if other not in peers)
        return (request, *peers)

    def _in_turn(self, lane: Lane, step: Step) -> Step:
        def take() -> bool:
            over = step()
            if over:
                self._turns.remove(lane)
                self._turns.append(lane)
            return over

        return take

    def _lane_of(self, request: Request) -> Lane:
        return self.lanes[request.camera or next(iter(self.lanes))]

    def _answer(self, together: tuple[Request, ...], lane: Lane) -> bool:
        found: Sequence[Location | None] = [None] * len(together)
        if len(together) > 1 and lane.missing_frames(self.pace) is None:
            found = self._locate(together, lane)
        for request, location in zip(together, found, strict=True):
            self._answer_one(request, location, lane)
        with self._wake:
            self._running = ()
        return False

    def _locate(self, together: tuple[Request, ...], lane: Lane) -> Sequence[Location | None]:
        """Find what several requests refer to in one pass; None where each has to be run by itself."""
        for request in together:
            request.start()
        try:
            return lane.scene.locate_all([request.expression for request in together])
        except Exception:  # the request that is at fault fails again, by itself
            return [None] * len(together)

    def _answer_one(self, request: Request, found: Location | None, lane: Lane) -> None:
        try:
            missing = lane.missing_frames(self.pace) if request.needs_frames else None
            if missing is not None:
                self.refuse(request, *missing)
            else:
                request.run(lane.scene, lane.place, found=found)
                self._count(request)
        except Exception as error:
            self.tally.faults += 1
            self._fault("a request", error)

    def _count(self, request: Request) -> None:
        result = request.outcome.result
        if result.status is Status.ENGINE_ERROR:
            self.tally.faults += 1
            self._fault("a request", RuntimeError(result.message))
        elif result.status in (Status.INVALID_REQUEST, Status.NO_TRANSFORM):
            self.tally.refused += 1
        elif result.status not in (
            Status.TIMEOUT,
            Status.CANCELED,
        ):  # those were counted when they were refused
            self.tally.answered += 1
            self.tally.latencies.append(result.latency)

    def _fault(self, what: str, error: Exception) -> None:
        try:
            self._report(what, error)
        except Exception:  # a fault in reporting must not end the only thread that can work
            self.tally.faults += 1
