# SPDX-License-Identifier: Apache-2.0
"""`ide3d demo` as a whole: three processes, real DDS, services asked, everything written down."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import cv2
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from ros_graph import until

from ide3d_ros.bundle import Bundle

Command = tuple[list[str], dict[str, str]]


def run(command: Command, output: Path, bundle: Bundle, *words: str) -> subprocess.CompletedProcess[str]:
    start, environment = command
    return subprocess.run(
        [*start, "demo", "--output", str(output), "--bundle", str(bundle.folder), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=170,
    )


def children(marker: str) -> list[str]:
    """List the processes whose command line holds a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if marker in line:
            found.append(line)
    return found


def test_recording_that_the_model_understands_is_answered_rightly(
    ide3d_command: Command, labelled_recording: Path, fake_bundle: Bundle, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "mine.png").touch()
    done = run(ide3d_command, output, fake_bundle, "--recording", str(labelled_recording), "--duration", "4")
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads((output / "report.json").read_text())
    rows = {row["question"]: row for row in report["rows"]}
    assert set(rows) == {"the red chair", "a zebra", "is there a red chair", "how far is the chair"}
    assert rows["the red chair"]["iou"][0] > 0.99  # through TF, services and messages, and back
    assert rows["the red chair"]["right"] and rows["a zebra"]["right"]
    assert rows["is there a red chair"]["right"] and rows["is there a red chair"]["text"].strip() == "yes"
    assert not rows["how far is the chair"]["right"]
    assert report["summary"]["right"] == 3 and report["summary"]["left_out"] == 0
    assert "located 2 of 2 rightly, answered 1 of 2 rightly" in done.stdout
    assert "the red chair" in done.stdout
    for row in rows.values():
        assert cv2.imread(str(output / row["picture"])) is not None
    assert (output / "mine.png").exists()
    assert children(str(fake_bundle.folder)) == []


def test_simulated_rooms_are_asked_about_and_recorded(
    ide3d_command: Command, fake_bundle: Bundle, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    done = run(ide3d_command, output, fake_bundle, "--rooms", "2", "--duration", "3")
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads((output / "report.json").read_text())
    assert len(report["rows"]) >= 16
    assert {row["where"] for row in report["rows"]} == {"room 800009", "room 800010"}
    assert {row["service"] for row in report["rows"]} == {"locate", "ask", "describe"}
    assert all(row["status"] in ("OK", "NO_TARGET") for row in report["rows"])
    assert len(list(output.glob("*.png"))) == len(report["rows"])
    assert cv2.imread(str(output / "overview.jpg")) is not None
    topics: dict[str, int] = {}
    prompts = set()
    with (output / "demo.mcap").open("rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        for _, channel, _, message in reader.iter_decoded_messages():
            topics[channel.topic] = topics.get(channel.topic, 0) + 1
            if channel.topic == "/answers":
                prompts.add(message.prompt)
    assert topics == report["bag"]["messages"]
    assert set(topics) >= {
        *("/image/compressed", "/camera_info", "/tf", "/tf_static", "/detections", "/markers"),
        *("/answers", "/ground_truth", "/diagnostics"),
    }
    assert prompts >= {row["question"] for row in report["rows"]}


def test_bundle_that_reads_depth_and_pose_gets_them_from_the_simulated_camera(
    ide3d_command: Command, depth_bundle: Bundle, tmp_path: Path
) -> None:
    done = run(ide3d_command, tmp_path / "out", depth_bundle, "--rooms", "1", "--duration", "2")
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["rows"] and all(row["status"] in ("OK", "NO_TARGET") for row in report["rows"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_leaves_nothing_running(
    ide3d_command: Command, labelled_recording: Path, fake_bundle: Bundle, tmp_path: Path, number: int
) -> None:
    start, environment = ide3d_command
    output = tmp_path / "out"
    words = ["--output", str(output), "--bundle", str(fake_bundle.folder), "--duration", "500"]
    with subprocess.Popen(
        [*start, "demo", *words, "--recording", str(labelled_recording)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        until(lambda: (output / "perception.log").exists(), "the nodes did not start", 60.0)
        demo.send_signal(number)
        _, said = demo.communicate(timeout=60)
    assert (demo.returncode, said.strip()) == (130, "ide3d: interrupted")
    until(lambda: not children(str(fake_bundle.folder)), "a node is left", 5.0)


def test_node_that_cannot_start_ends_the_demo_with_its_reason(
    ide3d_command: Command, fake_bundle: Bundle, tmp_path: Path
) -> None:
    start, environment = ide3d_command
    environment = {**environment, "MUJOCO_GL": "nonsense"}
    done = run((start, environment), tmp_path / "out", fake_bundle, "--rooms", "1")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "the sim_camera node ended with status 1" in line and "nonsense" in line
