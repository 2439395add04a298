# SPDX-License-Identifier: Apache-2.0
"""A recording that is labelled, and the way to start `ide3d`."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pytest
import ros_graph
from camera_stand_in import CameraStandIn
from demo_samples import CAMERA, LOOKING_DOWN
from fake_bundle import HEIGHT, WIDTH, picture

from ide3d_ros.bundle import Bundle
from ide3d_ros.nodes.ros_environment import prepare_ros_environment
from ide3d_ros.scene import Scene

_NUMBERS = count()

prepare_ros_environment()  # for the ament index, which knows where message definitions lie


@pytest.fixture
def labelled_recording(tmp_path: Path, fake_bundle: Bundle) -> Path:
    """Write four pictures of what the hand-built bundle takes for a red chair, with its box as the label."""
    image = picture(("red", 1, 0))
    scene = Scene.open(fake_bundle.folder)
    scene.add_frame(image, CAMERA, stamp_ns=1, frame_id="eye")
    seen = scene.locate("the red chair")[0].box.transformed(LOOKING_DOWN)
    folder = tmp_path / "recording"
    (folder / "frames").mkdir(parents=True)
    numbers = (0, 5, 10, 15)
    for number in numbers:
        cv2.imwrite(str(folder / "frames" / f"frame-{number:06d}.color.png"), image[..., ::-1])
    chair = {
        "id": "chair_1",
        "label": "chair",
        "center": seen.center.tolist(),
        "size": seen.extents.tolist(),
        "yaw": float(np.arctan2(seen.rotation[1, 0], seen.rotation[0, 0])),
    }
    # The camera steps aside by a tenth of a millimetre a frame, so that each frame has a pose of its own.
    poses = {n: LOOKING_DOWN + np.eye(4, k=3) * 0.0001 * n for n in numbers}
    files = {
        "calibration.json": {
            "image_size": [WIDTH, HEIGHT],
            "color": {"fx": CAMERA.fx, "fy": CAMERA.fy, "cx": CAMERA.cx, "cy": CAMERA.cy},
        },
        "poses.json": {str(number): pose.tolist() for number, pose in poses.items()},
        "objects.json": {"room_from_world": np.eye(4).tolist(), "objects": [chair]},
        "grounding.json": [
            {"text": "the red chair", "target_ids": ["chair_1"], "frame": 5, "kind": "unique"},
            {"text": "a zebra", "target_ids": [], "frame": 0, "kind": "zero"},
        ],
        "qa.json": [
            {
                "question": "is there a red chair",
                "answer": "yes",
                "accepted": ["yes", "Yes"],
                "frames": [0, 10],
                "kind": "existence",
            },
            {
                "question": "how far is the chair",
                "answer": "2.0 m",
                "accepted": ["2.0 m"],
                "frames": [5],
                "kind": "distance",
                "value_m": 2.0,
                "tolerance_m": 0.1,
            },
        ],
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def ide3d_command() -> tuple[list[str], dict[str, str]]:
    """Return the words that start `ide3d`, and the environment that it runs in."""
    environment = {**os.environ, "FASTRTPS_DEFAULT_PROFILES_FILE": str(ros_graph.PROFILE), "COLUMNS": "160"}
    environment.pop("ROS_DOMAIN_ID", None)
    return [sys.executable, "-P", "-m", "ide3d_ros.cli.main"], environment


@pytest.fixture(scope="module")
def live_graph() -> Iterator[ros_graph.Graph]:
    """Join an empty graph in a domain of its own, for all tests of a module."""
    number = next(_NUMBERS)
    graph = ros_graph.Graph(1 + (os.getpid() * 11 + number) % 100, f"/cli_{os.getpid()}_{number}")
    yield graph
    graph.close()


@pytest.fixture(scope="module")
def live_perception(
    live_graph: ros_graph.Graph, fake_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ros_graph.NodeProcess]:
    """Run the perception node with the hand-built bundle, for all tests of a module."""
    process = ros_graph.NodeProcess(
        "ide3d_ros.nodes.perception",
        live_graph,
        tmp_path_factory.mktemp("log") / "perception.log",
        f"model.bundle:={fake_bundle.folder}",
        "query.max_frame_age_s:=30.0",
        "diagnostics.period_s:=0.2",
    )
    yield process
    process.stop()
    print(process.output())


@pytest.fixture(scope="module")
def live_camera(
    live_graph: ros_graph.Graph, live_perception: ros_graph.NodeProcess
) -> Iterator[CameraStandIn]:
    """Show the perception node the hand-built bundle's red chair, ten times a second, stamped now."""
    camera = CameraStandIn(live_graph)
    stop = threading.Event()

    def show() -> None:
        while not stop.wait(0.1):
            camera.stamp_ns = time.time_ns()
            camera.show()

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    yield camera
    stop.set()
    thread.join(5.0)


@pytest.fixture
def live_command(
    ide3d_command: tuple[list[str], dict[str, str]], live_graph: ros_graph.Graph
) -> tuple[list[str], dict[str, str]]:
    """Return what starts `ide3d` in the domain of the live graph."""
    start, environment = ide3d_command
    return start, {**environment, "ROS_DOMAIN_ID": str(live_graph.domain_id)}
