# SPDX-License-Identifier: Apache-2.0
"""A recording that is labelled, and the way to start `ide3d`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import ros_graph
from demo_samples import CAMERA, LOOKING_DOWN
from fake_bundle import HEIGHT, WIDTH, picture

from ide3d_ros.bundle import Bundle
from ide3d_ros.nodes.ros_environment import prepare_ros_environment
from ide3d_ros.scene import Scene

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
