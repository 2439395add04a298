# SPDX-License-Identifier: Apache-2.0
"""The perception node's states, walked from another process, along legal and illegal ways."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from camera_stand_in import CameraStandIn
from diagnostic_msgs.msg import DiagnosticArray
from fake_bundle import write_fake_bundle
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from ros_graph import Graph, NodeProcess, until
from vision_msgs.msg import Detection3DArray

from ide3d_msgs.action import AnswerQuestion
from ide3d_msgs.msg import Status
from ide3d_msgs.srv import Ask, Describe, Locate, Reset, SetVocabulary
from ide3d_ros.nodes.perception import PerceptionNode

PERCEPTION = "ide3d_ros.nodes.perception"


def change(graph: Graph, transition: int) -> bool:
    """Ask for a transition once; it is not repeated, as a second one would be illegal."""
    client = graph.client(ChangeState, "perception/change_state")
    future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
    until(future.done, f"transition {transition} was not answered", 30)
    return future.result().success


def state(graph: Graph) -> str:
    """Return the node's state."""
    return graph.call(GetState, "perception/get_state").current_state.label


def replies(graph: Graph) -> list:
    """Ask everything and return the statuses."""
    return [
        graph.call(Locate, "perception/locate", expression="the chair").status,
        graph.call(Ask, "perception/ask", question="is there a chair").answer.status,
        graph.call(Describe, "perception/describe").answer.status,
        graph.call(SetVocabulary, "perception/set_vocabulary", labels=["chair"]).status,
        graph.call(Reset, "perception/reset").status,
    ]


@pytest.fixture
def idle(start, graph: Graph, fake_bundle) -> NodeProcess:
    """Start a node that waits for a manager."""
    return start(
        PERCEPTION, "autostart:=false", f"model.bundle:={fake_bundle.folder}", "diagnostics.period_s:=0.2"
    )


def test_node_walks_through_its_states_and_works_in_the_active_one(idle: NodeProcess, graph: Graph) -> None:
    assert state(graph) == "unconfigured"
    for status in replies(graph):
        assert (status.code, status.message) == (
            Status.INACTIVE,
            "the node is unconfigured; configure and activate it",
        )
    assert change(graph, Transition.TRANSITION_CONFIGURE)
    assert state(graph) == "inactive"
    assert {status.code for status in replies(graph)} == {Status.INACTIVE}
    assert graph.node.count_subscribers(f"{graph.namespace}/image") == 0, "it listens already"

    heard = graph.listen(Detection3DArray, "detections")
    for _ in range(2):  # active, inactive, and active again without loading anything
        assert change(graph, Transition.TRANSITION_ACTIVATE)
        camera = CameraStandIn(graph)
        heard.clear()
        until(lambda camera=camera: camera.show() and heard, "an active node detects nothing", 20)
        answer = graph.call(Ask, "perception/ask", question="is there a chair").answer
        assert answer.status.code in (Status.OK, Status.STALE)
        assert change(graph, Transition.TRANSITION_DEACTIVATE)
        assert {status.code for status in replies(graph)} == {Status.INACTIVE}
        until(lambda: graph.node.count_subscribers(f"{graph.namespace}/image") == 0, "it still listens")

    assert change(graph, Transition.TRANSITION_CLEANUP)
    until(lambda: graph.node.count_publishers(f"{graph.namespace}/detections") == 0, "topics are left")
    assert state(graph) == "unconfigured"
    assert change(graph, Transition.TRANSITION_CONFIGURE)
    assert change(graph, Transition.TRANSITION_ACTIVATE)
    assert change(graph, Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert state(graph) == "finalized"
    assert (
        graph.call(Ask, "perception/ask", question="is there a chair").answer.status.code == Status.INACTIVE
    )
    assert idle.stop() == 0


def test_illegal_transitions_are_answered_and_change_nothing(idle: NodeProcess, graph: Graph) -> None:
    for illegal in (
        Transition.TRANSITION_ACTIVATE,
        Transition.TRANSITION_DEACTIVATE,
        Transition.TRANSITION_CLEANUP,
        Transition.TRANSITION_ACTIVE_SHUTDOWN,
        Transition.TRANSITION_ON_CONFIGURE_SUCCESS,
        99,
    ):
        assert not change(graph, illegal), illegal
        assert state(graph) == "unconfigured"
    unknown = ChangeState.Request(transition=Transition(label="fly"))
    future = graph.client(ChangeState, "perception/change_state").call_async(unknown)
    until(future.done, "not answered")
    assert not future.result().success
    assert change(graph, Transition.TRANSITION_CONFIGURE)
    assert not change(graph, Transition.TRANSITION_CONFIGURE)
    assert change(graph, Transition.TRANSITION_ACTIVATE)
    assert not change(graph, Transition.TRANSITION_ACTIVATE)
    assert not change(graph, Transition.TRANSITION_CLEANUP)
    assert state(graph) == "active"
    assert "is not possible while active" in idle.output()
    assert "Traceback" not in idle.output()


def test_configuring_with_a_damaged_bundle_fails_until_it_is_mended(
    start, graph: Graph, bundle_copy: Path
) -> None:
    (bundle_copy / "weights.bin").write_bytes(b"short")
    node = start(PERCEPTION, "autostart:=false", f"model.bundle:={bundle_copy}", "diagnostics.period_s:=0.2")
    diagnostics = graph.listen(DiagnosticArray, "/diagnostics")
    assert not change(graph, Transition.TRANSITION_CONFIGURE)
    assert state(graph) == "unconfigured"
    status = graph.call(Ask, "perception/ask", question="is there a chair").answer.status
    assert status.code == Status.ENGINE_ERROR
    assert "weights.bin" in status.message
    assert "mend that" in status.message
    until(lambda: diagnostics and b"\x02" == diagnostics[-1].status[0].level, "diagnostics do not say so")
    for file in bundle_copy.iterdir():
        file.unlink()
    write_fake_bundle(bundle_copy)
    assert change(graph, Transition.TRANSITION_CONFIGURE)
    assert change(graph, Transition.TRANSITION_ACTIVATE)
    until(lambda: b"\x02" != diagnostics[-1].status[0].level, "diagnostics still report the damage")
    assert node.alive


def test_transition_that_raises_is_logged_and_leads_back_to_unconfigured(start, graph: Graph) -> None:
    node = start("failing_perception", "autostart:=false")
    assert change(graph, Transition.TRANSITION_CONFIGURE)
    assert not change(graph, Transition.TRANSITION_ACTIVATE)
    assert state(graph) == "unconfigured"
    assert "RuntimeError: failed on purpose" in node.output()
    assert "Traceback" in node.output()
    assert change(graph, Transition.TRANSITION_CONFIGURE)


def test_node_starts_and_answers_while_a_simulation_s_clock_stands_still(
    start, graph: Graph, fake_bundle
) -> None:
    node = start(
        PERCEPTION,
        f"model.bundle:={fake_bundle.folder}",
        "use_sim_time:=true",
        "diagnostics.period_s:=0.2",
        "query.max_frame_age_s:=600.0",
    )
    camera, heard = CameraStandIn(graph), graph.listen(Detection3DArray, "detections")
    diagnostics = graph.listen(DiagnosticArray, "/diagnostics")
    until(lambda: camera.show() and heard and diagnostics, node.output)
    answer = graph.call(Ask, "perception/ask", question="how many", timeout_s=0.001).answer
    assert answer.status.code in (Status.TIMEOUT, Status.OK)


def test_destroyed_node_leaves_the_graph_though_its_process_lives_on(graph: Graph, fake_bundle) -> None:
    context = Context()
    rclpy.init(context=context, domain_id=graph.domain_id)
    arguments = ["--ros-args", "-p", f"model.bundle:={fake_bundle.folder}"]
    threads = threading.active_count()
    node = PerceptionNode(context=context, cli_args=arguments)
    assert node.trigger_configure() == node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    until(lambda: "perception" in graph.node.get_node_names(), "the node did not appear")
    node.destroy_node()
    until(lambda: "perception" not in graph.node.get_node_names(), "the node is still there")
    assert threading.active_count() == threads
    context.try_shutdown()


def test_deactivating_ends_a_running_answer(start, graph: Graph) -> None:
    start("slow_perception", "detection.rate_hz:=10.0")
    camera = CameraStandIn(graph)
    heard = graph.listen(Detection3DArray, "detections")
    camera.stream()
    until(lambda: heard, "no detections", 20)
    client = ActionClient(graph.node, AnswerQuestion, "perception/answer_question")
    assert client.wait_for_server(20)
    deltas: list = []
    sent = client.send_goal_async(AnswerQuestion.Goal(question="what is there?"), deltas.append)
    until(lambda: deltas, "no text streamed", 20)
    assert change(graph, Transition.TRANSITION_DEACTIVATE)
    ended = sent.result().get_result_async()
    until(ended.done, "the goal did not end")
    assert ended.result().status == GoalStatus.STATUS_ABORTED
    assert ended.result().result.answer.status.code == Status.INACTIVE
    assert change(graph, Transition.TRANSITION_ACTIVATE)
    heard.clear()
    until(lambda: heard, "no detections after activating again", 20)
    camera.stop()
    assert graph.call(GetState, "perception/get_state").current_state.id == State.PRIMARY_STATE_ACTIVE
