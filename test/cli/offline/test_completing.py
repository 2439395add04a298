# SPDX-License-Identifier: Apache-2.0
"""A bag's depth and TF complete its frames for bundles that read them, as on a running robot."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_stand_in import CAMERA, FRAME_ID, picture
from rich.console import Console
from sensor_msgs.msg import CompressedImage
from tf2_msgs.msg import TFMessage

from ide3d_ros.bundle import Bundle
from ide3d_ros.cli.bag import Bag as BagWriter
from ide3d_ros.cli.offline.completing import ExtraSources
from ide3d_ros.cli.offline.frames import BagFrames
from ide3d_ros.cli.offline.run import OfflineError, OfflineSettings, run_offline
from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.conversions.images import image_from_depth, image_from_rgb
from ide3d_ros.conversions.stamps import header
from ide3d_ros.conversions.transforms import transform_from_matrix
from ide3d_ros.nodes.recordings import Bag

START_NS, STEP_NS = 5_000_000_000, 100_000_000
EXTRA = ExtraSources(("depth", "world_from_camera"), "odom")
ASKED = "questions:\n  - {locate: the red chair, every_frames: 1}\n"


def compressed(metres: np.ndarray, stamp_ns: int) -> CompressedImage:
    png = cv2.imencode(".png", (1000 * metres).astype(np.uint16))[1].tobytes()
    message = CompressedImage(header=header(FRAME_ID, stamp_ns), format="16UC1; compressedDepth png")
    message.data = struct.pack("<iff", 0, 0.0, 0.0) + png
    return message


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """Record five frames on a robot that drives east; the third has no depth, and TF ends before the last."""
    path = tmp_path / "drive.mcap"
    with BagWriter(path) as bag:
        for number in range(5):
            stamp_ns = START_NS + number * STEP_NS
            stamped = {"stamp_ns": stamp_ns, "frame_id": FRAME_ID}
            wall = np.full((CAMERA.height, CAMERA.width), 2.0 + number)
            pose = np.eye(4)
            pose[0, 3] = number
            moved = transform_from_matrix(
                pose, target_frame_id="odom", source_frame_id=FRAME_ID, stamp_ns=stamp_ns
            )
            recorded = [("/front/depth/compressedDepth", compressed(wall, stamp_ns))]
            if number != 2:
                recorded.append(("/front/depth", image_from_depth(wall, **stamped)))
            recorded.append(("/front/camera_info", info_from_camera(CAMERA, **stamped)))
            recorded.append(("/front/image", image_from_rgb(picture(red=(1, 0)), **stamped)))
            if number != 4:
                recorded.append(("/tf", TFMessage(transforms=[moved])))
            if number == 0:
                recorded.reverse()  # TF has to be known before the first frame
            for later, (topic, message) in enumerate(recorded):
                bag.write(topic, message, stamp_ns=stamp_ns + later)
    return path


@pytest.mark.parametrize(
    ("topic", "numbers"), [("/front/depth", [0, 1, 3]), ("/front/depth/compressedDepth", [0, 1, 2, 3])]
)
def test_frames_have_the_depth_and_the_pose_of_their_moment_or_are_left_out(
    drive: Path, topic: str, numbers: list[int]
) -> None:
    frames = BagFrames(Bag(drive, image_topic="/front/image", depth_topic=topic), "raw", EXTRA)
    found = list(frames)
    assert [(one.stamp_ns - START_NS) // STEP_NS for one in found] == numbers
    assert [one.number for one in found] == list(range(len(numbers)))
    assert [float(one.depth[0, 0]) for one in found] == pytest.approx([2.0 + one for one in numbers])
    assert [one.world_from_camera[0, 3] for one in found] == numbers
    assert frames.refused.count == 5 - len(numbers)
    stamp_ns, reason = frames.refused.first[-1]
    assert stamp_ns == START_NS + 4 * STEP_NS and "no pose of the camera in fixed_frame 'odom'" in reason


def test_answers_follow_the_depth(
    drive: Path, depth_bundle: Bundle, questions: Callable[[str], Path], tmp_path: Path
) -> None:
    asked = questions("image_topic: /front/image\ndepth_topic: /front/depth\nfixed_frame: odom\n" + ASKED)
    settings = OfflineSettings(drive, asked, tmp_path / "answers.json", str(depth_bundle.folder))
    run_offline(settings, Console(quiet=True))
    report = json.loads(settings.output.read_text())
    assert (report["bag"]["frames"], report["bag"]["refused"]) == (3, 2)
    assert [one["boxes"][0]["center_m"][2] for one in report["answers"]] == pytest.approx([2.0, 3.0, 5.0])


def test_bundle_that_reads_what_the_questions_do_not_name_is_refused(
    drive: Path, depth_bundle: Bundle, questions: Callable[[str], Path], tmp_path: Path
) -> None:
    asked = questions("image_topic: /front/image\nfixed_frame: odom\n" + ASKED)
    settings = OfflineSettings(drive, asked, tmp_path / "answers.json", str(depth_bundle.folder))
    with pytest.raises(OfflineError, match="reads depth of every frame; set depth_topic in the questions"):
        run_offline(settings, Console(quiet=True))
