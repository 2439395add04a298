# SPDX-License-Identifier: Apache-2.0
"""Nodes in processes: one that ends says why, and none is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ros_graph import until

from ide3d_ros.cli.node_process import NodeEndedError, NodeProcess, stop_all

CONFIG = Path(__file__).parents[2] / "config"


def start(tmp_path: Path, parameters: dict[str, object]) -> NodeProcess:
    return NodeProcess(
        "replay", params_file=CONFIG / "replay.yaml", parameters=parameters, log=tmp_path / "replay.log"
    )


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_node_that_ends_is_reported_with_its_last_words(tmp_path: Path) -> None:
    node = start(tmp_path, {"replay.path": str(tmp_path / "nothing here: 1")})

    def ended() -> bool:
        try:
            node.check()
        except NodeEndedError:
            return True
        return False

    until(ended, "the node did not end", 30.0)
    with pytest.raises(
        NodeEndedError, match=r"replay node ended with status 1.*nothing here: 1.*replay\.log"
    ):
        node.check()


def test_value_that_looks_like_a_number_reaches_the_node_as_a_text(tmp_path: Path) -> None:
    node = start(tmp_path, {"replay.path": "12"})
    until(lambda: "no recording at 12" in node.log.read_text(), "the node did not refuse the path", 30.0)
    stop_all([node])


def test_running_node_is_stopped(tmp_path: Path, labelled_recording: Path) -> None:
    node = start(tmp_path, {"replay.path": str(labelled_recording)})
    time.sleep(1.0)
    stop_all([node])
    assert not is_running(node.pid)


def test_node_does_not_outlive_a_parent_that_was_killed(tmp_path: Path, labelled_recording: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from ide3d_ros.cli.node_process import NodeProcess\n"
        "node = NodeProcess('replay', params_file=Path(sys.argv[1]), log=Path(sys.argv[2]),"
        " parameters={'replay.path': sys.argv[3]})\n"
        "print(node.pid, flush=True); time.sleep(60)"
    )
    arguments = [str(CONFIG / "replay.yaml"), str(tmp_path / "replay.log"), str(labelled_recording)]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as parent:
        pid = int(parent.stdout.readline())
        until(lambda: b"main()" in Path(f"/proc/{pid}/cmdline").read_bytes(), "the node did not start", 10.0)
        time.sleep(1.5)  # until it has asked the kernel
        parent.kill()
    until(lambda: not is_running(pid), "the node lives on", 20.0)
