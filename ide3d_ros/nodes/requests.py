# SPDX-License-Identifier: Apache-2.0
"""One request to the inference worker: what to run, until when, and how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ide3d_ros.nodes.frames import UNNAMED
from ide3d_ros.scene.results import Answer, Frame, Location
from ide3d_ros.scene.scene import Scene
from ide3d_ros.scene.status import Status

Result = Answer | Location


@dataclass(frozen=True)
class Outcome:
    """Hold how a request ended.

    Attributes:
        result: what the scene said, or why it was not asked.
        frames: the frames that were looked at, oldest first.
        queue_ms: time spent waiting for the worker.
        total_ms: time from arrival to the end.
    """

    result: Result
    frames: tuple[Frame, ...]
    queue_ms: float
    total_ms: float


class Request:
    """Carry one request from the thread that received it to the worker and its outcome back.

    The first ending wins: a request that timed out or was canceled has its outcome at once, whatever the
    engine is still doing for it; the work itself stops at the next token, when it sees `withdrawn`.
    """

    def __init__(
        self,
        run: Callable[[Scene, Request], Result],
        refuse: Callable[[Status, str], Result],
        *,
        timeout_s: float,
        camera: str = UNNAMED,
        needs_frames: bool = True,
        expression: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a request that waits to be submitted.

        Args:
            run: does the work on the worker thread; it watches `withdrawn` where it can stop early.
            refuse: makes a result of the right type for a request that did not run to its end.
            timeout_s: seconds from now until it ends as TIMEOUT.
            camera: whose frames it is about; "" is the first camera.
            needs_frames: whether there must be a recent frame to run it.
            expression: what it locates, if that is all it does: such requests may share a pass.
            clock: seconds, monotonic.
        """
        self.camera = camera
        self.needs_frames = needs_frames
        self.expression = expression
        self.arrived_s = clock()
        self.timeout_s = timeout_s
        self._run = run
        self._refuse = refuse
        self._clock = clock
        self._started_s: float | None = None
        self._outcome: Outcome | None = None
        self._listeners: list[Callable[[Outcome], None]] = []
        self._lock = threading.Lock()

    @property
    def outcome(self) -> Outcome | None:
        """Return how the request ended; None while it waits or runs."""
        return self._outcome

    def withdrawn(self) -> bool:
        """Tell whether nobody waits for the result any more."""
        return self._outcome is not None

    def overdue(self) -> bool:
        """Tell whether the time for an answer is up."""
        return self._clock() - self.arrived_s > self.timeout_s

    def refuse(self, status: Status, message: str) -> bool:
        """End the request without a result.

        Returns:
            False when it had ended before.
        """
        return self._end(self._refuse(status, message), ())

    def start(self) -> None:
        """Note that the waiting is over; `run` does it too, unless it was done before."""
        with self._lock:
            if self._started_s is None:
                self._started_s = self._clock()

    def run(
        self,
        scene: Scene,
        place: Callable[[Result], Result] = lambda result: result,
        *,
        found: Result | None = None,
    ) -> None:
        """Do the work on the calling thread, unless the request has ended already.

        Args:
            scene: what is asked.
            place: takes the boxes of the result to the frame that they are wanted in.
            found: the result before it is placed, where a pass shared with other requests has found it.

        Raises:
            Exception: whatever the work raised, after the request has ended as ENGINE_ERROR.
        """
        if self.withdrawn():
            return
        self.start()
        try:
            result = place(self._run(scene, self) if found is None else found)
            frames = scene.frames
        except Exception as error:
            result = self._refuse(
                Status.ENGINE_ERROR, f"the engine failed: {type(error).__name__}: {error}; see the node's log"
            )
            self._end(result, ())
            raise
        self._end(result, frames)

    def on_end(self, listener: Callable[[Outcome], None]) -> None:
        """Call `listener` once with the outcome, on whichever thread ends the request."""
        with self._lock:
            if self._outcome is None:
                self._listeners.append(listener)
                return
        listener(self._outcome)

    def _end(self, result: Result, frames: tuple[Frame, ...]) -> bool:
        with self._lock:
            if self._outcome is not None:
                return False
            now = self._clock()
            started = now if self._started_s is None else self._started_s
            self._outcome = Outcome(
                result, frames, 1e3 * (started - self.arrived_s), 1e3 * (now - self.arrived_s)
            )
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(self._outcome)
        return True
