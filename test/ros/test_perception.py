# SPDX-License-Identifier: Apache-2.0
"""The perception node over real DDS, from another process: topics, services, the action."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from camera_stand_in import CAMERA, FRAME_ID, RELIABLE, CameraStandIn, picture
from diagnostic_msgs.msg import DiagnosticArray
from fake_bundle import EXTENTS
from rclpy.action import ActionClient
from ros_graph import Graph, until
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection3DArray, LabelInfo
from visualization_msgs.msg import Marker, MarkerArray

from ide3d_msgs.action import AnswerQuestion
from ide3d_msgs.msg import Answer, Status
from ide3d_msgs.srv import Ask, Describe, Locate, Reset, SetVocabulary
from ide3d_ros.conversions.boxes import detection_from_message
from ide3d_ros.conversions.images import rgb_from_image
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.nodes.qos import LATCHED

pytestmark = pytest.mark.usefixtures("perception")


def stamps(messages: list) -> list[int]:
    """Read the stamps of messages with headers."""
    return [nanoseconds_from_time(message.header.stamp) for message in messages]


def test_detections_carry_the_image_s_own_stamp_and_frame(shared_graph: Graph, camera: CameraStandIn) -> None:
    heard = shared_graph.listen(Detection3DArray, "detections")
    camera.stream()
    until(lambda: len(heard) >= 5, "no detections")
    camera.stop()
    for message in heard:
        assert message.header.frame_id == FRAME_ID
        assert (nanoseconds_from_time(message.header.stamp) - 1_000_000_000) % 33_000_000 == 0
        (one,) = message.detections
        assert one.header == message.header
        found = detection_from_message(one, CAMERA)
        assert found.label == "chair"
        np.testing.assert_allclose(found.box.extents, EXTENTS["chair"], rtol=1e-5)
        # The patch that shows the chair is in the second row and first column of the picture.
        assert CAMERA.project(found.box.center[None])[0] == pytest.approx([7.5, 23.5], abs=1.0)
    assert stamps(heard) == sorted(set(stamps(heard)))


def test_empty_scene_is_published_too(shared_graph: Graph, camera: CameraStandIn) -> None:
    heard = shared_graph.listen(Detection3DArray, "detections")
    markers = shared_graph.listen(MarkerArray, "markers")
    camera.stream(picture())
    until(lambda: heard and not heard[-1].detections, "no empty array")
    until(lambda: markers and len(markers[-1].markers) == 1, "markers were not cleared")
    assert markers[-1].markers[0].action == Marker.DELETEALL


def test_overlay_is_drawn_for_those_who_watch(shared_graph: Graph, camera: CameraStandIn) -> None:
    camera.stream()
    heard = shared_graph.listen(Image, "overlay")
    until(lambda: heard, "no overlay")
    overlay = rgb_from_image(heard[-1])
    assert overlay.shape == (CAMERA.height, CAMERA.width, 3)
    assert not np.array_equal(overlay, picture(red=(1, 0)))


def test_locate_finds_what_was_named(shared_graph: Graph, camera: CameraStandIn) -> None:
    camera.stream_used()
    reply = shared_graph.call(Locate, "perception/locate", expression="the red chair")
    assert reply.status.code == Status.OK, reply.status.message
    (one,) = reply.detections.detections
    assert one.results[0].hypothesis.class_id == "the red chair"
    assert reply.detections.header == one.header == reply.frames[-1]
    assert 0 < reply.latency.total_ms < 5000


def test_locate_of_what_is_not_there_says_so(shared_graph: Graph, camera: CameraStandIn) -> None:
    camera.stream_used()
    reply = shared_graph.call(Locate, "perception/locate", expression="the zebra")
    assert reply.status.code == Status.NO_TARGET
    assert "zebra" in reply.status.message
    assert reply.detections.detections == []
    assert reply.frames


def test_ask_answers_and_the_answer_is_published(shared_graph: Graph, camera: CameraStandIn) -> None:
    heard = shared_graph.listen(Answer, "answers")
    camera.stream_used()
    until(lambda: shared_graph.node.count_publishers("answers") == 1, "no answers topic")
    answer = shared_graph.call(Ask, "perception/ask", question="is there a chair").answer
    assert (answer.status.code, answer.text.strip()) == (Status.OK, "yes"), answer.status.message
    assert answer.prompt == "is there a chair"
    assert answer.header == answer.frames[-1]
    assert answer.header.frame_id == FRAME_ID
    assert 0 < answer.confidence <= 1
    until(lambda: heard and heard[-1] == answer, "the answer was not published")


def test_describe_describes(shared_graph: Graph, camera: CameraStandIn) -> None:
    camera.stream_used()
    answer = shared_graph.call(Describe, "perception/describe").answer
    assert (answer.status.code, answer.text.strip()) == (Status.OK, "a room")


def test_follow_up_question_costs_no_vision(shared_graph: Graph, camera: CameraStandIn) -> None:
    heard = shared_graph.listen(Detection3DArray, "detections")
    camera.show()
    shown_ns = camera.show()
    until(lambda: shown_ns in stamps(heard), "the frame was not used")
    first = shared_graph.call(Ask, "perception/ask", question="is there a chair").answer
    second = shared_graph.call(Ask, "perception/ask", question="is there a zebra").answer
    assert first.header == second.header
    assert second.latency.vision_ms == 0.0
    assert second.latency.prefix_ms < 0.1
    assert second.text.strip() == "no"


def test_vocabulary_can_be_changed_and_given_back(shared_graph: Graph, camera: CameraStandIn) -> None:
    heard = shared_graph.listen(Detection3DArray, "detections")
    camera.stream()

    def labels() -> set[str]:
        return {one.results[0].hypothesis.class_id for one in heard[-1].detections} if heard else set()

    reply = shared_graph.call(SetVocabulary, "perception/set_vocabulary", labels=["the red chair", "zebra"])
    assert reply.status.code == Status.OK
    assert list(reply.vocabulary) == ["the red chair", "zebra"]
    until(lambda: labels() == {"the red chair"}, f"detected {labels()}")
    for labels_sent in (
        ["chair", ""],
        ["chair", "chair"],
        ["a\nb"],
        ["x" * 600],
        [f"thing {i}" for i in range(99)],
    ):
        refused = shared_graph.call(SetVocabulary, "perception/set_vocabulary", labels=labels_sent)
        assert refused.status.code == Status.INVALID_REQUEST
        assert len(refused.rejected) == len(refused.reasons) >= 1
        assert list(refused.vocabulary) == ["the red chair", "zebra"]
    latched = shared_graph.listen(LabelInfo, "vocabulary", LATCHED)  # by one who comes late
    until(lambda: latched, "the vocabulary is not latched")
    assert [one.class_name for one in latched[-1].class_map] == ["the red chair", "zebra"]
    reply = shared_graph.call(SetVocabulary, "perception/set_vocabulary", labels=[])
    assert reply.status.code == Status.OK
    until(lambda: len(latched) == 2, "the change of vocabulary is not published")
    assert [one.class_name for one in latched[-1].class_map] == list(reply.vocabulary)
    assert [one.class_id for one in latched[-1].class_map] == list(range(len(reply.vocabulary)))
    assert 0 < latched[-1].threshold < 1
    assert "chair" in reply.vocabulary
    until(lambda: labels() == {"chair"}, f"detected {labels()}")


def test_reset_forgets_frames_until_new_ones_come(shared_graph: Graph, camera: CameraStandIn) -> None:
    def status_of_a_question() -> int:
        return shared_graph.call(Ask, "perception/ask", question="is there a chair").answer.status.code

    def forgotten() -> bool:
        assert shared_graph.call(Reset, "perception/reset").status.code == Status.OK
        return status_of_a_question() == Status.NO_FRAMES

    camera.stream_used()
    assert status_of_a_question() == Status.OK
    camera.stop()
    until(forgotten, "frames are not forgotten")  # the last ones may still be under way
    camera.stream_used()
    assert status_of_a_question() == Status.OK


def test_question_after_the_camera_stopped_is_stale(shared_graph: Graph, camera: CameraStandIn) -> None:
    camera.stream_used()
    camera.stop()

    def stale() -> Answer | None:
        answer = shared_graph.call(Ask, "perception/ask", question="is there a chair").answer
        return answer if answer.status.code == Status.STALE else None

    assert "max_frame_age_s" in until(stale, "an old frame is still used", 10).status.message


def test_endless_answer_ends_at_the_request_s_own_timeout(shared_graph: Graph, camera: CameraStandIn) -> None:
    camera.stream_used()
    spent_s = []
    for _ in range(3):
        begin = time.monotonic()
        answer = shared_graph.call(Ask, "perception/ask", question="how many", timeout_s=0.001).answer
        spent_s.append(time.monotonic() - begin)
        assert answer.status.code in (Status.TIMEOUT, Status.OK)  # OK only where 1 ms is enough
    assert min(spent_s) < 2  # of a busy machine's answers the quickest counts
    for timeout_s in (-1.0, float("nan"), float("inf"), 1e9):
        reply = shared_graph.call(
            Ask, "perception/ask", question="is there a chair", timeout_s=timeout_s
        ).answer
        assert reply.status.code == Status.INVALID_REQUEST
        assert "timeout_s" in reply.status.message


def test_many_questions_at_once_are_all_answered(shared_graph: Graph, camera: CameraStandIn) -> None:
    camera.stream_used()
    client = shared_graph.client(Ask, "perception/ask")
    futures = [client.call_async(Ask.Request(question="is there a chair")) for _ in range(10)]
    until(lambda: all(future.done() for future in futures), "not all were answered", 20)
    assert {future.result().answer.status.code for future in futures} == {Status.OK}


class GoalRun:
    """One goal of the action, followed to its end."""

    def __init__(self, graph: Graph, question: str) -> None:
        self.deltas: list[str] = []
        self.client = ActionClient(graph.node, AnswerQuestion, "perception/answer_question")
        assert self.client.wait_for_server(20)
        goal = AnswerQuestion.Goal(question=question)
        sent = self.client.send_goal_async(goal, lambda message: self.deltas.append(message.feedback.delta))
        until(sent.done, "the goal was not answered")
        self.handle = sent.result()
        self.ended = threading.Event()
        if self.handle.accepted:
            self.result = self.handle.get_result_async()
            self.result.add_done_callback(lambda _: self.ended.set())

    def answer(self) -> Answer:
        """Wait for the result."""
        assert self.ended.wait(20), "the goal did not end"
        return self.result.result().result.answer


def test_action_streams_the_text_that_it_returns(shared_graph: Graph, camera: CameraStandIn) -> None:
    camera.stream_used()
    run = GoalRun(shared_graph, "is there a chair")
    answer = run.answer()
    assert (answer.status.code, answer.text.strip()) == (Status.OK, "yes")
    until(lambda: "".join(run.deltas).strip() == answer.text.strip(), f"heard {run.deltas}")


def test_action_result_names_what_is_wrong_with_a_question(
    shared_graph: Graph, camera: CameraStandIn
) -> None:
    camera.stream_used()
    answer = GoalRun(shared_graph, "").answer()
    assert answer.status.code == Status.INVALID_REQUEST
    assert "empty" in answer.status.message


def test_diagnostics_count_what_happens(shared_graph: Graph, camera: CameraStandIn) -> None:
    heard = shared_graph.listen(DiagnosticArray, "/diagnostics")
    camera.stream()
    until(lambda: heard and heard[-1].status[0].message == "detecting", "no healthy diagnostics")
    values = {pair.key: pair.value for pair in heard[-1].status[0].values}
    assert heard[-1].status[0].level == b"\x00"
    assert heard[-1].status[0].name.endswith("/perception")
    assert values["state"] == "active"
    assert int(values["frames_received"]) >= int(values["frames_detected"]) > 0
    assert float(values["input_rate_hz"]) > 5
    assert values["engine"].startswith("onnx (onnxruntime ")
    assert (values["bundle"], values["precision"]) == ("fake", "float32")
    assert heard[-1].status[0].hardware_id == "ide3d cpu"
    assert float(values["end_to_end_ms_p95"]) >= float(values["end_to_end_ms_p50"]) > 0
    assert float(values["memory_mb"]) > 20
    shared_graph.call(Ask, "perception/ask", question="is there a chair")
    heard.clear()
    until(lambda: heard, "no diagnostics")
    values = {pair.key: pair.value for pair in heard[-1].status[0].values}
    assert int(values["queries_ok"]) > 0
    assert float(values["latency_prompt_ms_p50"]) > 0
    assert float(values["latency_decode_ms_p50"]) > 0


def test_reliable_publisher_is_heard_as_well(shared_graph: Graph, camera: CameraStandIn) -> None:
    camera.stop()
    heard = shared_graph.listen(Detection3DArray, "detections")
    reliable = CameraStandIn(shared_graph, RELIABLE)
    reliable.stamp_ns = 900_000_000_000_000_001
    until(lambda: reliable.show() and max(stamps(heard), default=0) > reliable.stamp_ns - 10**9, "nothing")
