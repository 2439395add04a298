# SPDX-License-Identifier: Apache-2.0
"""`ide3d ask` as a person types it, beside a running perception node and without one."""

from __future__ import annotations

import re
import subprocess
import time

import pytest
import rclpy
from camera_stand_in import FRAME_ID
from rclpy.context import Context
from rclpy.node import Node
from rich.console import Console
from ros_graph import DISCOVERY_S, Graph, until

from ide3d_msgs.msg import Status
from ide3d_msgs.srv import Locate
from ide3d_ros.cli import ask
from ide3d_ros.cli.ask import AskError, AskSettings, run_ask
from ide3d_ros.cli.graph_names import perception_nodes
from ide3d_ros.cli.wording import LOCATE, Request

Command = tuple[list[str], dict[str, str]]


def asked(command: Command, *words: str) -> subprocess.CompletedProcess[str]:
    start, environment = command
    return subprocess.run(
        [*start, "ask", *words], env=environment, capture_output=True, text=True, timeout=180
    )


@pytest.fixture(scope="module")
def seeing(live_graph: Graph, live_camera: object) -> str:
    """Wait until the node sees the red chair; return its name."""
    until(
        lambda: (
            live_graph.call(Locate, "perception/locate", expression="the red chair").status.code == Status.OK
        ),
        "perception does not see the camera",
        60.0,
    )
    return f"{live_graph.namespace}/perception"


@pytest.mark.usefixtures("seeing")
def test_where_question_prints_the_box_in_metres_with_its_frame(live_command: Command) -> None:
    done = asked(live_command, "where is the red chair?", "--timeout", "60")
    assert done.returncode == 0, done.stderr
    assert "the red chair: 1 box, OK" in done.stdout
    row = next(line for line in done.stdout.splitlines() if FRAME_ID in line)
    assert "0.50, 0.50, 1.00" in row  # the extents of what the bundle takes for a chair
    assert re.search(r"\d+ ms there and back; in the node \d+\.\d ms \(queue", done.stdout)


@pytest.mark.usefixtures("seeing")
def test_what_is_not_there_is_said_and_is_no_failure(live_command: Command) -> None:
    done = asked(live_command, "the zebra", "--timeout", "60")
    assert done.returncode == 0, done.stderr
    assert "the zebra: 0 boxes, NO_TARGET" in done.stdout


def test_question_goes_to_the_node_that_is_named(live_command: Command, seeing: str) -> None:
    done = asked(live_command, "is there a chair", "--node", seeing, "--timeout", "60")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "yes"
    assert re.search(r"OK, confidence \d", done.stdout)


@pytest.mark.usefixtures("seeing")
def test_description_needs_no_text(live_command: Command) -> None:
    done = asked(live_command, "--describe", "--timeout", "60")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "a room"), done.stderr


@pytest.mark.usefixtures("seeing")
def test_stream_shows_the_text_once(live_command: Command) -> None:
    done = asked(live_command, "is there a zebra", "--stream", "--timeout", "60")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].strip() == "no"
    assert len(re.findall(r"\bno\b", done.stdout)) == 1


@pytest.mark.usefixtures("seeing")
@pytest.mark.parametrize("words", [("the chair",), ("is there a chair", "--stream")])
def test_request_names_the_camera_it_means(live_command: Command, words: tuple[str, ...]) -> None:
    done = asked(live_command, *words, "--camera", "attic", "--timeout", "60")
    assert done.returncode == 1
    assert "there is no camera 'attic'" in done.stdout + done.stderr


@pytest.mark.usefixtures("live_perception")
def test_node_that_is_not_there_is_named_with_what_was_seen(live_command: Command, live_graph: Graph) -> None:
    done = asked(live_command, "the chair", "--node", "/rear/perception", "--timeout", "2")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "no node answers: looked 2 s for /rear/perception" in line
    assert f"in ROS domain {live_graph.domain_id}" in line
    assert f"saw {live_graph.namespace}/" in line and "ide3d run --params" in line


def test_empty_domain_is_said_with_the_way_to_start_a_node(ide3d_command: Command) -> None:
    start, environment = ide3d_command
    done = asked((start, {**environment, "ROS_DOMAIN_ID": "101"}), "the chair", "--timeout", "1")
    assert done.returncode == 1
    assert "saw no other node; start one: ros2 launch" in done.stderr


@pytest.mark.usefixtures("seeing")
def test_two_nodes_are_not_chosen_between(live_command: Command, live_graph: Graph) -> None:
    context = Context()
    rclpy.init(context=context, domain_id=live_graph.domain_id)
    second = Node("second", namespace="/rear", context=context)
    second.create_service(Locate, "~/locate", lambda _, response: response)
    try:
        until(lambda: "/rear/second" in perception_nodes(live_graph.node), "no second node", DISCOVERY_S)
        done = asked(live_command, "the chair", "--timeout", "60")
    finally:
        second.destroy_node()
        context.try_shutdown()
    assert done.returncode == 1
    assert "2 nodes could answer; name one: --node " in done.stderr and "--node /rear/second" in done.stderr


@pytest.mark.parametrize(
    ("named_s", "served_s"),
    [
        pytest.param(0.7, 1.4, id="its services come after its name"),
        pytest.param(2.5, 2.5, id="it comes while the other is asked in vain"),
    ],
)
def test_node_that_is_announced_late_is_not_overlooked(
    monkeypatch: pytest.MonkeyPatch, named_s: float, served_s: float
) -> None:
    begin = time.monotonic()

    def known_after(late_s: float) -> list[str]:
        return ["/front", "/rear"] if time.monotonic() - begin > late_s else ["/front"]

    monkeypatch.setattr(ask, "node_names", lambda _: known_after(named_s))
    monkeypatch.setattr(ask, "perception_nodes", lambda _: known_after(served_s))
    monkeypatch.setenv("ROS_DOMAIN_ID", "101")
    settings = AskSettings(Request(LOCATE, "the chair"), node="", timeout_s=2.0, stream=False, camera="")
    with pytest.raises(AskError, match="2 nodes could answer; name one: --node /front or --node /rear"):
        run_ask(settings, Console())


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "what shall be asked?"),
        (("  ",), 2, "what shall be asked?"),
        (("the chair", "--locate", "--ask"), 2, "--locate and --ask exclude each other"),
        (("the chair", "--stream"), 2, "--stream is for questions"),
        (("the chair", "--timeout", "0"), 2, "--timeout must be at least 0.1"),
        (("the chair", "--timeout", "nan"), 2, "--timeout must be at least 0.1"),
        (("a" * 513, "--locate"), 1, "the expression has 513 characters; at most 512"),
        (("is\nit", "--ask"), 1, "the question holds a control character"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(
    ide3d_command: Command, words: tuple[str, ...], status: int, said: str
) -> None:
    done = asked(ide3d_command, *words)
    assert done.returncode == status
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("ide3d: ") and said in line
