# SPDX-License-Identifier: Apache-2.0
"""Where requests of all services and of the action come in, and where every answer goes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ide3d_msgs.msg import Answer as AnswerMessage
from ide3d_ros.conversions.answers import answer_message
from ide3d_ros.nodes.requests import Outcome, Request
from ide3d_ros.nodes.worker import InferenceWorker
from ide3d_ros.scene.results import Answer
from ide3d_ros.scene.status import Status

MAX_TIMEOUT_S = 600.0


class RequestDesk:
    """Hand requests to the worker while there is one to work, and refuse them with the reason while not.

    Attributes:
        default_timeout_s: for requests that bring none.
    """

    def __init__(
        self,
        cameras: Sequence[str],
        publish: Callable[[AnswerMessage], None],
        why_closed: Callable[[], tuple[Status, str]],
        default_timeout_s: float,
    ) -> None:
        """Make a closed desk.

        Args:
            cameras: names of the cameras that may be asked; a request without a name asks the first.
            publish: takes every answer, also those to other callers.
            why_closed: gives the status and the sentence for requests that come while it is closed.
            default_timeout_s: seconds for requests that bring no timeout.
        """
        self.default_timeout_s = default_timeout_s
        self._cameras = tuple(cameras)
        self._publish = publish
        self._why_closed = why_closed
        self._worker: InferenceWorker | None = None

    @property
    def cameras(self) -> tuple[str, ...]:
        """Return the names of the cameras, the first one first."""
        return self._cameras

    @property
    def worker(self) -> InferenceWorker | None:
        """Return the worker behind the desk; None while it is closed."""
        return self._worker

    def open(self, worker: InferenceWorker) -> None:
        """Hand requests to a worker from now on."""
        self._worker = worker

    def close(self, status: Status, reason: str) -> None:
        """Refuse requests from now on, and end those that are open.

        Args:
            status: of the open ones.
            reason: the sentence with it.
        """
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end_all(status, reason)

    def submit(self, request: Request, timeout_s: float, fault: str = "") -> None:
        """Hand a request over, unless what came with it is unusable or nobody works.

        Args:
            request: the request.
            timeout_s: as it came.
            fault: what is wrong with the rest of what came; empty when nothing is.
        """
        if not 0.0 <= timeout_s <= MAX_TIMEOUT_S:
            fault = f"timeout_s is {timeout_s:g}; give 0 for the node's own, or up to {MAX_TIMEOUT_S:g}"
        fault = fault or self._camera_fault(request.camera)
        worker = self._worker
        if worker is None:
            request.refuse(*self._why_closed())
        elif fault:
            worker.refuse(request, Status.INVALID_REQUEST, fault)
        else:
            worker.submit(request)

    def cancel(self, request: Request) -> None:
        """End a request whose caller withdrew it."""
        reason = "canceled by the caller"
        if self._worker is None:
            request.refuse(Status.CANCELED, reason)
        else:
            self._worker.refuse(request, Status.CANCELED, reason)

    def timeout(self, requested_s: float) -> float:
        """Take a request's own timeout when it is one, else the default."""
        return requested_s if 0.0 < requested_s <= MAX_TIMEOUT_S else self.default_timeout_s

    def publish(self, prompt: str, request: Request, answer: Answer, outcome: Outcome) -> AnswerMessage:
        """Publish an answer and return its message.

        Args:
            prompt: the question or expression as it was received.
            request: what became of it.
            answer: what was said.
            outcome: of the request.
        """
        message = answer_message(
            prompt,
            answer,
            camera=request.camera or self._cameras[0],
            queue_ms=outcome.queue_ms,
            total_ms=outcome.total_ms,
        )
        self._publish(message)
        return message

    def _camera_fault(self, camera: str) -> str:
        if not camera or camera in self._cameras:
            return ""
        known = ", ".join(name for name in self._cameras if name)
        return (
            f"there is no camera {camera[:80]!r}; this node has {known}"
            if known
            else f"there is no camera {camera[:80]!r}; this node's only camera has no name, leave it empty"
        )
