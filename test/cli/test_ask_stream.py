# SPDX-License-Identifier: Apache-2.0
"""`ide3d ask --stream` with a node that takes its time: words as they come, and an end at Ctrl-C."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator

import pytest
from camera_stand_in import CameraStandIn
from rich.console import Console
from ros_graph import Graph, NodeProcess

from ide3d_msgs.msg import Answer
from ide3d_ros.cli.replies import print_answer

Command = tuple[list[str], dict[str, str]]


@pytest.fixture(scope="module")
def slow_node(live_graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """Run perception with an engine that needs 20 ms for each of 500 words, and a camera."""
    process = NodeProcess(
        "slow_perception",
        live_graph,
        tmp_path_factory.mktemp("log") / "perception.log",
        "query.max_frame_age_s:=600.0",
        "query.timeout_s:=600.0",
    )
    camera = CameraStandIn(live_graph)
    camera.stream(rate_hz=2.0)
    yield process
    camera.stop()
    process.stop()
    print(process.output())


@pytest.mark.usefixtures("slow_node")
def test_words_come_while_they_are_made_and_ctrl_c_cancels_the_rest(live_command: Command) -> None:
    start, environment = live_command
    with subprocess.Popen(
        [*start, "ask", "what is there?", "--stream", "--timeout", "120"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = ""
        while "word3" not in said:
            letter = process.stdout.read(1)
            assert letter, f"the stream ended: {said}{process.stderr.read()}"
            said += letter
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "CANCELED" in rest and errors.strip() == "ide3d: interrupted"
    assert "word499" not in said + rest
    assert re.search(r"^word0 word1 word2 ", said + rest, re.MULTILINE)


@pytest.mark.usefixtures("slow_node")
def test_answer_that_is_not_ready_in_time_is_a_failure_with_what_was_said(live_command: Command) -> None:
    start, environment = live_command
    done = subprocess.run(
        [*start, "ask", "what is there?", "--stream", "--timeout", "5"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert re.search(r"^word0 word1 ", done.stdout, re.MULTILINE) and "TIMEOUT" in done.stdout


def test_pieces_that_did_not_come_are_printed_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    for shown, said in (
        ("a red chair", ["", "OK"]),  # the pieces stand in the line that ends here
        ("chair", ["", "a red chair", "OK"]),
        ("", ["a red chair", "OK"]),
    ):
        answer = Answer(text="a red chair", confidence=float("nan"))
        print_answer(answer, 1.0, console, shown=shown)
        assert capsys.readouterr().out.splitlines()[: len(said)] == said
