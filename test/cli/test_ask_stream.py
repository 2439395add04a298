# SPDX-License-Identifier: Apache-2.0
"""`ide3d ask --stream` with a node that takes its time: words as they come, and an end at Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest
from camera_stand_in import CameraStandIn
from ros_graph import Graph, NodeProcess

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
    assert (said + rest).count("word1 ") == 1


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
    assert done.stdout.startswith("word0 ") and "TIMEOUT" in done.stdout
