# SPDX-License-Identifier: Apache-2.0
"""A short soak: the node holds at the end what it held after its warm-up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ros_graph import Graph

from ide3d_ros.bundle import Bundle

SOAK = Path(__file__).parents[2] / "bench" / "soak.py"


def test_memory_threads_and_files_do_not_grow(graph: Graph, fake_bundle: Bundle, tmp_path: Path) -> None:
    report = tmp_path / "soak.json"
    command = [
        *(sys.executable, str(SOAK), "--bundle", str(fake_bundle.folder), "--json", str(report)),
        *("--frames", "1500", "--questions", "60", "--width", "64", "--height", "48"),
        *("--rate-hz", "150", "--domain", str(graph.domain_id)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    assert (found["frames"], found["questions"]) == (1500, 60)
    assert sum(found["answers"].values()) == 60
    assert found["detections"] > 10
    assert found["faults"] == []
