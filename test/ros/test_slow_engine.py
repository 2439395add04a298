# SPDX-License-Identifier: Apache-2.0
"""A busy engine: requests are taken at once, answers stream, cancels and time limits hold."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from action_msgs.msg import GoalStatus
from camera_stand_in import CameraStandIn
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.action import ActionClient
from ros_graph import Graph, NodeProcess, until
from vision_msgs.msg import Detection3DArray

from ide3d_msgs.action import AnswerQuestion
from ide3d_msgs.msg import Status
from ide3d_msgs.srv import Ask, Reset


@pytest.fixture(scope="module")
def slow_node(shared_graph: Graph, tmp_path_factory) -> Iterator[NodeProcess]:
    """Run perception with the slow engine."""
    process = NodeProcess(
        "slow_perception",
        shared_graph,
        tmp_path_factory.mktemp("log") / "slow.log",
        "detection.rate_hz:=10.0",
        "diagnostics.period_s:=0.2",
    )
    yield process
    status = process.stop()
    print(process.output())
    assert status == 0


@pytest.fixture
def busy_camera(shared_graph: Graph, slow_node: NodeProcess) -> Iterator[CameraStandIn]:
    """Stream frames faster than the engine takes them."""
    camera = CameraStandIn.of(shared_graph)
    camera.stream()
    yield camera
    camera.stop()


@pytest.fixture
def action(shared_graph: Graph, busy_camera: CameraStandIn) -> Iterator[ActionClient]:
    """Be a client of the action, once frames have been seen."""
    heard = shared_graph.listen(Detection3DArray, "detections")
    until(lambda: heard, "no detections")
    client = ActionClient(shared_graph.node, AnswerQuestion, "perception/answer_question")
    assert client.wait_for_server(20)
    yield client
    client.destroy()


def _send(action: ActionClient, deltas: list[str], **fields: object):
    sent = action.send_goal_async(
        AnswerQuestion.Goal(question="what is there?", **fields),
        lambda message: deltas.append(message.feedback.delta),
    )
    until(sent.done, "the goal was not answered")
    return sent.result()


def test_goal_is_taken_and_canceled_before_the_engine_has_done_one_frame(action: ActionClient) -> None:
    deltas: list[str] = []
    begin = time.monotonic()
    handle = _send(action, deltas)
    accepted_s = time.monotonic() - begin
    assert handle.accepted
    until(lambda: len(deltas) >= 3, "no text streamed", 20)
    begin = time.monotonic()
    handle.cancel_goal_async()
    result = handle.get_result_async()
    until(result.done, "the cancel was not honoured")
    canceled_s = time.monotonic() - begin
    assert result.result().status == GoalStatus.STATUS_CANCELED
    answer = result.result().result.answer
    assert answer.status.code == Status.CANCELED
    assert answer.text.startswith("word0 word1 word2 ")
    assert answer.text.count("word") < 400
    assert max(accepted_s, canceled_s) < 0.45, (accepted_s, canceled_s)  # a frame takes 0.5 s


def test_second_goal_is_rejected_while_one_runs(action: ActionClient) -> None:
    deltas: list[str] = []
    first = _send(action, deltas)
    second = _send(action, [])
    assert (first.accepted, second.accepted) == (True, False)
    first.cancel_goal_async()
    ended = first.get_result_async()
    until(ended.done, "the first goal did not end")
    third = _send(action, [])
    assert third.accepted
    third.cancel_goal_async()
    ended = third.get_result_async()
    until(ended.done, "the third goal did not end")


def test_goal_ends_at_its_timeout_with_what_was_said(action: ActionClient) -> None:
    handle = _send(action, [], timeout_s=1.5)
    ended = handle.get_result_async()
    begin = time.monotonic()
    until(ended.done, "the goal did not end", 5)
    assert time.monotonic() - begin < 2.0
    assert ended.result().status == GoalStatus.STATUS_ABORTED
    answer = ended.result().result.answer
    assert answer.status.code == Status.TIMEOUT
    assert "query.timeout_s" in answer.status.message
    assert answer.text.startswith("word0 ")


def test_reset_ends_a_running_answer(shared_graph: Graph, action: ActionClient) -> None:
    deltas: list[str] = []
    handle = _send(action, deltas)
    until(lambda: deltas, "no text streamed", 20)
    assert shared_graph.call(Reset, "perception/reset").status.code == Status.OK
    ended = handle.get_result_async()
    until(ended.done, "the goal did not end")
    assert ended.result().result.answer.status.code == Status.CANCELED
    assert "reset" in ended.result().result.answer.status.message


def test_overload_drops_frames_and_says_so(shared_graph: Graph, busy_camera: CameraStandIn) -> None:
    heard = shared_graph.listen(DiagnosticArray, "/diagnostics")
    found = shared_graph.listen(Detection3DArray, "detections")
    until(lambda: len(found) >= 3, "no detections", 15)
    newest_ns = busy_camera.stamp_ns
    stamp = found[-1].header.stamp
    age_s = (newest_ns - stamp.sec * 10**9 - stamp.nanosec) / 33e6 / 30
    assert age_s < 1.5  # one encoding behind, not a queue behind
    values = {pair.key: pair.value for pair in heard[-1].status[0].values}
    assert int(values["frames_dropped"]) > int(values["frames_encoded"])
    assert float(values["input_rate_hz"]) > 20, "the camera callback was starved"
    assert int(values["frames_late"]) > 0

    def said() -> bool:
        status = heard[-1].status[0]
        return (
            status.level == b"\x01"
            and "overloaded" in status.message
            and "detection.rate_hz" in status.message
        )

    until(said, f"diagnostics do not say so: {heard[-1].status[0].message}", 20)


def test_question_asked_of_a_busy_engine_waits_for_one_frame_at_most(
    shared_graph: Graph, busy_camera: CameraStandIn
) -> None:
    answer = shared_graph.call(Ask, "perception/ask", question="is there a chair?").answer
    assert answer.status.code == Status.OK
    assert answer.latency.queue_ms < 1300  # the encoding that ran, and the newest frame's own
