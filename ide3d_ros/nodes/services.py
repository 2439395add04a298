# SPDX-License-Identifier: Apache-2.0
"""The services of the perception node: locate, ask, describe, set the vocabulary, reset."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node

from ide3d_msgs.srv import Ask, Describe, Locate, Reset, SetVocabulary
from ide3d_ros.conversions.answers import locate_response, status_message
from ide3d_ros.nodes.dialogue import (
    ask_request,
    describe_request,
    locate_request,
    own_categories_request,
    reset_request,
)
from ide3d_ros.nodes.futures import outcome_of
from ide3d_ros.nodes.reporting import Reporter
from ide3d_ros.nodes.request_desk import RequestDesk
from ide3d_ros.nodes.vocabulary import refused_labels, text_fault
from ide3d_ros.scene.results import Answer
from ide3d_ros.scene.status import Status


class PerceptionServices:
    """Serve requests that have one reply. They are there in every state of the node."""

    def __init__(
        self,
        node: Node,
        desk: RequestDesk,
        report: Reporter,
        on_vocabulary: Callable[[], None],
        *,
        callback_group: CallbackGroup,
    ) -> None:
        """Create the services.

        Args:
            node: the node that they belong to.
            desk: takes the requests.
            report: where faults go.
            on_vocabulary: called when the vocabulary has changed.
            callback_group: a reentrant group, as a waiting reply counts as a running callback.
        """
        self._node = node
        self._desk = desk
        self._report = report
        self._on_vocabulary = on_vocabulary
        for kind, name, callback in (
            (Locate, "~/locate", self._locate),
            (Ask, "~/ask", self._ask),
            (Describe, "~/describe", self._describe),
            (SetVocabulary, "~/set_vocabulary", self._set_vocabulary),
            (Reset, "~/reset", self._reset),
        ):
            node.create_service(kind, name, self._answering(name, callback), callback_group=callback_group)

    def _answering(self, name: str, callback: Callable) -> Callable:
        """Wrap a service callback: an unexpected error becomes a reply; escaping, it would end the node."""

        async def answer(request: object, response: object) -> object:
            try:
                return await callback(request, response)
            except Exception as error:
                self._report.fault(name, error)
                status = status_message(
                    Status.ENGINE_ERROR, f"{name} failed: {type(error).__name__}: {error}"
                )
                target = response.answer if hasattr(response, "answer") else response
                target.status = status
                return response

        return answer

    async def _locate(self, request: Locate.Request, _response: Locate.Response) -> Locate.Response:
        wanted = locate_request(request.expression, self._desk.timeout(request.timeout_s), request.camera)
        self._desk.submit(wanted, request.timeout_s, text_fault(request.expression, "expression"))
        outcome = await outcome_of(self._node, wanted)
        location = outcome.result
        answer = Answer(
            status=location.status,
            message=location.message,
            evidence=location.detections,
            frames=outcome.frames,
            latency=location.latency,
        )
        self._desk.publish(request.expression, wanted, answer, outcome)
        return locate_response(location, outcome.frames, queue_ms=outcome.queue_ms, total_ms=outcome.total_ms)

    async def _ask(self, request: Ask.Request, response: Ask.Response) -> Ask.Response:
        wanted = ask_request(request.question, self._desk.timeout(request.timeout_s), request.camera)
        self._desk.submit(wanted, request.timeout_s, text_fault(request.question, "question"))
        outcome = await outcome_of(self._node, wanted)
        response.answer = self._desk.publish(request.question, wanted, outcome.result, outcome)
        return response

    async def _describe(self, request: Describe.Request, response: Describe.Response) -> Describe.Response:
        wanted = describe_request(self._desk.timeout(request.timeout_s), request.camera)
        self._desk.submit(wanted, request.timeout_s)
        outcome = await outcome_of(self._node, wanted)
        response.answer = self._desk.publish("", wanted, outcome.result, outcome)
        return response

    async def _reset(self, _request: Reset.Request, response: Reset.Response) -> Reset.Response:
        if (worker := self._desk.worker) is not None:
            worker.end_all(Status.CANCELED, "the node was reset")
            worker.forget_frames()
        resets = [reset_request(self._desk.timeout(0.0), camera) for camera in self._desk.cameras]
        for one in resets:
            self._desk.submit(one, 0.0)
        results = [(await outcome_of(self._node, one)).result for one in resets]
        worst = max(results, key=lambda result: result.status)
        response.status = status_message(worst.status, worst.message)
        return response

    async def _set_vocabulary(
        self, request: SetVocabulary.Request, response: SetVocabulary.Response
    ) -> SetVocabulary.Response:
        labels = [] if list(request.labels) == [""] else list(request.labels)
        refused = refused_labels(labels)
        own: list[str] = []
        wanted = own_categories_request(self._desk.timeout(0.0), own.extend)
        self._desk.submit(wanted, 0.0)
        worker = self._desk.worker
        outcome = await outcome_of(self._node, wanted)
        response.status = status_message(outcome.result.status, outcome.result.message)
        if outcome.result.status is not Status.OK:
            return response
        if refused:
            response.rejected = list(refused)
            response.reasons = list(refused.values())
            text = f"{len(refused)} labels were refused, so nothing was changed; see reasons"
            response.status = status_message(Status.INVALID_REQUEST, text)
        else:
            worker.vocabulary = tuple(labels) or None
            self._on_vocabulary()
        response.vocabulary = list(worker.vocabulary or own)
        return response
