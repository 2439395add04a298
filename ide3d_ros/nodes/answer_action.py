# SPDX-License-Identifier: Apache-2.0
"""The action ~/answer_question: text that is sent while it is generated and can be canceled."""

from __future__ import annotations

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node

from ide3d_msgs.action import AnswerQuestion
from ide3d_msgs.msg import Answer as AnswerMessage
from ide3d_ros.conversions.answers import printable, status_message
from ide3d_ros.nodes.dialogue import stream_request
from ide3d_ros.nodes.futures import outcome_of
from ide3d_ros.nodes.reporting import Reporter
from ide3d_ros.nodes.request_desk import RequestDesk
from ide3d_ros.nodes.requests import Request
from ide3d_ros.nodes.vocabulary import text_fault
from ide3d_ros.scene.status import Status

_SUCCEEDED = (Status.OK, Status.NO_TARGET, Status.AMBIGUOUS)


class AnswerAction:
    """Serve the action with one goal at a time; a second one is rejected, not queued."""

    def __init__(
        self, node: Node, desk: RequestDesk, report: Reporter, *, callback_group: CallbackGroup
    ) -> None:
        """Create the action server.

        Args:
            node: the node that it belongs to.
            desk: takes the requests.
            report: where faults go.
            callback_group: a reentrant group.
        """
        self._node = node
        self._desk = desk
        self._report = report
        self._goal_is_open = False
        self._request: Request | None = None
        self._server = ActionServer(
            node,
            AnswerQuestion,
            "~/answer_question",
            execute_callback=self._execute,
            goal_callback=self._accept,
            cancel_callback=self._cancel,
            callback_group=callback_group,
        )

    def destroy(self) -> None:
        """Take the action off the graph."""
        self._server.destroy()

    def _accept(self, _goal: AnswerQuestion.Goal) -> GoalResponse:
        if self._goal_is_open:
            self._report.warn(
                "goal", "~/answer_question: a goal was rejected, as another one runs; cancel that first"
            )
            return GoalResponse.REJECT
        self._goal_is_open = True
        return GoalResponse.ACCEPT

    def _cancel(self, _handle: ServerGoalHandle) -> CancelResponse:
        if self._request is not None:
            self._desk.cancel(self._request)
        return CancelResponse.ACCEPT

    async def _execute(self, handle: ServerGoalHandle) -> AnswerQuestion.Result:
        try:
            return await self._answer(handle)
        except Exception as error:
            self._report.fault("~/answer_question", error)
            handle.abort()
            text = f"~/answer_question failed: {type(error).__name__}: {error}"
            return AnswerQuestion.Result(
                answer=AnswerMessage(status=status_message(Status.ENGINE_ERROR, text))
            )
        finally:
            self._request = None
            self._goal_is_open = False

    async def _answer(self, handle: ServerGoalHandle) -> AnswerQuestion.Result:
        goal = handle.request

        def send(delta: str) -> None:
            if handle.is_active:
                handle.publish_feedback(AnswerQuestion.Feedback(delta=printable(delta)))

        request = self._request = stream_request(
            goal.question, self._desk.timeout(goal.timeout_s), send, goal.camera
        )
        if handle.is_cancel_requested:  # it came between acceptance and this callback
            self._desk.cancel(request)
        else:
            self._desk.submit(request, goal.timeout_s, text_fault(goal.question, "question"))
        outcome = await outcome_of(self._node, request)
        message = self._desk.publish(goal.question, request, outcome.result, outcome)
        if handle.is_cancel_requested:
            handle.canceled()
        elif outcome.result.status in _SUCCEEDED:
            handle.succeed()
        else:
            handle.abort()
        return AnswerQuestion.Result(answer=message)
