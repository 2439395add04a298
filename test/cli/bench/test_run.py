# SPDX-License-Identifier: Apache-2.0
"""`ide3d bench` from its options to the JSON, on the hand-built bundle."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ide3d_ros.bundle import Bundle

Command = tuple[list[str], dict[str, str]]
LIBRARY_STAGES = {"preprocess", "vision", "prefix", "prompt", "step", "post"}
NODE_STAGES = {"receive", "decode", "publish"}


def run(command: Command, *words: str) -> subprocess.CompletedProcess[str]:
    start, environment = command
    return subprocess.run(
        [*start, "bench", *words], env=environment, capture_output=True, text=True, timeout=300
    )


def test_a_run_without_ros_writes_machine_versions_stages_and_ratios(
    ide3d_command: Command, fake_bundle: Bundle, tmp_path: Path
) -> None:
    file = tmp_path / "new" / "figures.json"
    words = ("--bundle", str(fake_bundle.folder), "--window", "2", "--repetitions", "2", "--threads", "1")
    done = run(ide3d_command, *words, "--seconds", "0", "--json", str(file))
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text())
    assert (report["program"], report["schema"]) == ("ide3d bench", 1)
    assert report["subject"]["bundle"] == "fake" and report["subject"]["engine"]["threads"] == 1
    assert report["settings"]["window"] == 2 and "json" not in report["settings"]
    assert report["machine"]["cores"] >= 1 and "numpy" in report["versions"]
    assert set(report["stages_ms"]) == LIBRARY_STAGES
    for summary in (*report["stages_ms"].values(), *report["cases_ms"].values()):
        assert 0 < summary["min"] <= summary["p50"] <= summary["p95"] <= summary["p99"]
    for name in ("follow_up_ratio", "vocabulary_20_ratio", "keyframe_ratio"):
        assert report[name] > 0
        assert f"{name}: {report[name]:.3f}" in done.stdout
    assert "node_overhead_ratio" not in report
    assert report["memory_peak_mb"]["library"] > 10


@pytest.mark.parametrize("bundle", ["fake_bundle", "depth_bundle"])
def test_a_run_with_nodes_measures_them_from_message_to_boxes(
    ide3d_command: Command, bundle: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    folder = str(request.getfixturevalue(bundle).folder)
    words = ("--bundle", folder, "--window", "1", "--repetitions", "1", "--threads", "1")
    sizes = ("--width", "64", "--height", "48", "--seconds", "1.5", "--rate", "15", "--cameras", "2")
    done = run(ide3d_command, *words, *sizes, "--json", str(file))
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text())
    assert set(report["stages_ms"]) == LIBRARY_STAGES | NODE_STAGES
    assert report["node_overhead_ratio"] > 0 and report["age_ratio"] > 0
    node, cameras = report["node"], report["cameras"]
    assert node["engine_ms"]["count"] == node["round_trip_ms"]["count"] > 0
    assert 0 < node["sustained"]["frames_detected"] <= node["sustained"]["frames_shown"] <= 23
    assert node["round_trip_ms"]["min"] > node["engine_ms"]["min"]
    assert set(cameras["detections_hz"]) == {"camera0", "camera1"}
    assert report["memory_peak_mb"]["node"] > 10


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--window", "0"), 2, "--window must be at least 1, not 0"),
        (("--phrases", "65"), 2, "--phrases must be at most 64, not 65"),
        (("--bundle", "giga"), 1, "no bundle is called 'giga'"),
        (("--window", "64", "--seconds", "0"), 1, "--window cannot be used: window is 64 frames"),
        (("--engine", "steam"), 1, "steam"),
        (
            ("--repetitions", "1", "--window", "1", "--seconds", "0", "--json", "/dev/null/x"),
            1,
            "give --json another path",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    ide3d_command: Command, fake_bundle: Bundle, words: tuple[str, ...], status: int, said: str
) -> None:
    given = words if "--bundle" in words else (*words, "--bundle", str(fake_bundle.folder))
    done = run(ide3d_command, *given)
    assert done.returncode == status
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1
