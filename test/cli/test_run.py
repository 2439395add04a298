# SPDX-License-Identifier: Apache-2.0
"""`ide3d run` as a person types it: nodes in one process, a clean end, and why one cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ros_graph import Graph, until
from vision_msgs.msg import Detection3DArray

from ide3d_ros.bundle import Bundle

Command = tuple[list[str], dict[str, str]]


@pytest.fixture
def graph() -> Iterator[Graph]:
    """Join an empty graph in a namespace that the nodes share."""
    made = Graph(1 + (os.getpid() * 13) % 100, f"/run_{os.getpid()}")
    yield made
    made.close()


@pytest.fixture
def parameters(tmp_path: Path, fake_bundle: Bundle, labelled_recording: Path) -> Path:
    """Write one file for a perception node and a replay node."""
    path = tmp_path / "nodes.yaml"
    path.write_text(
        f"/**/perception:\n  ros__parameters:\n    model: {{bundle: {fake_bundle.folder}}}\n"
        f"/**/replay:\n  ros__parameters:\n    replay: {{path: {labelled_recording}, rate_hz: 20.0}}\n"
    )
    return path


def ended(command: Command, *words: str) -> subprocess.CompletedProcess[str]:
    start, environment = command
    return subprocess.run(
        [*start, "run", *words], env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_two_nodes_run_in_one_process_and_end_cleanly(
    ide3d_command: Command, graph: Graph, parameters: Path, tmp_path: Path, number: int
) -> None:
    start, environment = ide3d_command
    words = ["--params", str(parameters), "--namespace", graph.namespace, "--remap", "detections:=seen"]
    heard = graph.listen(Detection3DArray, "seen")
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*start, "run", *words],
            env={**environment, "ROS_DOMAIN_ID": str(graph.domain_id)},
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            until(
                lambda: heard and heard[-1].detections,
                lambda: f"nothing was detected: {log.read_text()}",
                60.0,
            )
            # Names travel apart from data, and may come later.
            until(lambda: {"perception", "replay"} <= set(graph.node.get_node_names()), "a node has no name")
        finally:
            process.send_signal(number)
            status = process.wait(60)
    said = log.read_text()
    assert status == 0, said
    assert f"running {graph.namespace}/perception, {graph.namespace}/replay; Ctrl-C ends them" in said
    assert said.rstrip().endswith("ending") and "Traceback" not in said


def test_node_that_cannot_start_ends_the_others(
    ide3d_command: Command, parameters: Path, tmp_path: Path
) -> None:
    parameters.write_text(parameters.read_text().replace("recording,", "no_recording,"))
    done = ended(ide3d_command, "--params", str(parameters))
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("ide3d: /replay: there is no recording at")


def test_bundle_that_is_damaged_ends_the_run(
    ide3d_command: Command, bundle_copy: Path, tmp_path: Path
) -> None:
    (bundle_copy / "weights.bin").write_bytes(b"short")
    path = tmp_path / "perception.yaml"
    path.write_text(f"/**:\n  ros__parameters:\n    model: {{bundle: {bundle_copy}}}\n")
    done = ended(ide3d_command, "--params", str(path))
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ide3d: /perception: ") and "weights.bin" in last


def test_unknown_parameter_is_refused_by_the_node(ide3d_command: Command, tmp_path: Path) -> None:
    path = tmp_path / "perception.yaml"
    path.write_text("/**:\n  ros__parameters:\n    model: {bundle: nano, bundel: nano}\n")
    done = ended(ide3d_command, "--params", str(path))
    assert done.returncode == 1
    assert "/perception: perception has no parameter model.bundel" in done.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "--params"),
        (("--params", "none.yaml"), 1, "none.yaml cannot be read"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(
    ide3d_command: Command, words: tuple[str, ...], status: int, said: str
) -> None:
    done = ended(ide3d_command, *words)
    assert done.returncode == status
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("ide3d: ") and said in line
