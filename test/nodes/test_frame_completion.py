# SPDX-License-Identifier: Apache-2.0
"""Frames go on with the depth and the pose of their moment, in their order, or not at all."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from ide3d_ros.conversions.images import ImageError, image_from_depth
from ide3d_ros.conversions.stamps import header
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.transform_tree import TransformTree
from ide3d_ros.nodes.depth_intake import DepthIntake
from ide3d_ros.nodes.frame_completion import MOST_WAITING, FrameCompletion
from ide3d_ros.nodes.frames import FrameInput
from ide3d_ros.nodes.intake import IntakeError
from ide3d_ros.nodes.transforms import FrameTransforms

CAMERA = Camera(8, 6, 7.0, 7.0, 3.5, 2.5)
STEP = 100_000_000


@dataclass
class Source:
    """A TF that a test fills."""

    tree: TransformTree

    def lookup(self, target: str, source: str, stamp_ns: int) -> np.ndarray:
        """Look into the tree."""
        return self.tree.lookup(target, source, stamp_ns)

    def close(self) -> None:
        """Do nothing."""


class Bench:
    """A completion with a clock that a test moves, and what came out of it."""

    def __init__(self, *, depth: bool = True, pose: bool = True) -> None:
        self.now_s = 0.0
        self.done: list[FrameInput] = []
        self.lacks: list[tuple[str, str]] = []
        self.intake = DepthIntake("/depth")
        self.tree = TransformTree()
        clock = lambda: self.now_s  # noqa: E731
        poses = FrameTransforms(Source(self.tree), "odom", 0.2, clock=clock) if pose else None
        self.completion = FrameCompletion(
            self.done.append,
            lambda _, *lack: self.lacks.append(lack),
            depth=self.intake if depth else None,
            poses=poses,
            wait_s=0.2,
            clock=clock,
        )

    def frame(self, number: int) -> None:
        """Take a frame."""
        self.completion.take(FrameInput(lambda: None, CAMERA, number * STEP, "eye", self.now_s))

    def depth(self, number: int, metres: float = 2.0, message: Image | CompressedImage | None = None) -> None:
        """Take a depth message."""
        wall = np.full((6, 8), metres)
        message = message or image_from_depth(wall, stamp_ns=number * STEP, frame_id="eye")
        self.completion.add_depth(self.intake.take(message))

    def pose(self, number: int, x: float = 0.0) -> None:
        """Say where the camera is."""
        matrix = np.eye(4)
        matrix[0, 3] = x
        self.tree.add("eye", "odom", matrix, number * STEP)

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now_s += seconds
        self.completion.look()

    @property
    def numbers(self) -> list[int]:
        """Number the frames that went on."""
        return [one.stamp_ns // STEP for one in self.done]


@pytest.mark.parametrize("order", ["frame first", "frame last"])
def test_frame_goes_on_with_its_depth_and_pose_whichever_comes_first(order: str) -> None:
    bench = Bench()
    bench.pose(0)
    if order == "frame first":
        bench.frame(1)
        assert bench.completion.is_waiting and not bench.done
    bench.depth(1, metres=2.5)
    bench.pose(1, x=7.0)
    if order == "frame last":
        bench.frame(1)
    bench.wait(0.01)
    (frame,) = bench.done
    assert not bench.completion.is_waiting and bench.completion.tally.completed == 1
    np.testing.assert_array_equal(frame.depth(), np.full((6, 8), np.float32(2.5)))
    assert frame.world_from_camera[0, 3] == 7.0


def test_pose_that_is_late_is_waited_for() -> None:
    bench = Bench()
    bench.pose(0, x=0.0)
    bench.depth(1)
    bench.frame(1)
    bench.wait(0.1)
    assert bench.completion.is_waiting
    bench.pose(2, x=4.0)
    bench.wait(0.05)
    assert bench.done[0].world_from_camera[0, 3] == 2.0  # half way between the two


def test_frame_without_depth_is_dropped_when_its_time_is_over() -> None:
    bench = Bench()
    bench.pose(1)
    bench.frame(1)
    bench.wait(0.19)
    assert bench.completion.is_waiting
    bench.wait(0.02)
    assert not bench.completion.is_waiting and bench.done == []
    assert bench.completion.tally.without_depth == 1
    assert bench.lacks == [("depth", bench.completion.tally.last_lack)]
    assert "/depth: no depth has come within 0.2 s" in bench.lacks[0][1]


def test_frame_without_pose_is_dropped_and_the_cause_named() -> None:
    bench = Bench()
    bench.pose(0)
    bench.depth(1)
    bench.frame(1)
    bench.wait(0.21)
    assert bench.completion.tally.without_pose == 1
    assert "no pose of the camera in fixed_frame 'odom': the newest transform" in bench.lacks[0][1]


def test_frame_that_no_waiting_helps_is_dropped_at_once() -> None:
    bench = Bench()
    bench.depth(1)
    bench.frame(1)
    assert not bench.completion.is_waiting and "not in TF" in bench.lacks[0][1]


def test_frame_whose_depth_was_lost_does_not_keep_the_next_ones_waiting() -> None:
    bench = Bench(pose=False)
    for number in (1, 2, 3):
        bench.frame(number)
    bench.depth(3)
    assert bench.numbers == [3] and bench.completion.tally.without_depth == 2


def test_frame_from_before_a_jump_back_in_time_does_not_go_on_after_it() -> None:
    bench = Bench(pose=False)
    bench.frame(60)
    bench.frame(1)  # the recording begins again
    bench.depth(1)
    assert bench.numbers == [1]
    assert not bench.completion.is_waiting and bench.completion.tally.without_depth == 1


def test_frames_do_not_pile_up() -> None:
    bench = Bench(pose=False)
    for number in range(1, MOST_WAITING + 3):
        bench.frame(number)
    assert bench.completion.tally.without_depth == 2


def test_bundle_that_reads_the_pose_alone_waits_for_no_depth() -> None:
    bench = Bench(depth=False)
    bench.pose(1, x=3.0)
    bench.frame(1)
    assert bench.done[0].depth is None and bench.done[0].world_from_camera[0, 3] == 3.0


def test_depth_in_another_frame_is_not_registered_to_the_image() -> None:
    bench = Bench(pose=False)
    bench.frame(1)
    bench.depth(1, message=image_from_depth(np.ones((6, 8)), stamp_ns=STEP, frame_id="depth_eye"))
    assert bench.done == [] and bench.intake.refused == {"frame_id": 1}
    assert "in frame 'depth_eye' but the image in 'eye'" in bench.lacks[0][1]


def test_smaller_depth_of_the_same_shape_is_enlarged_without_new_depths() -> None:
    bench = Bench(pose=False)
    small = np.array([[1.0, 2.0, 3.0, 4.0]] * 3)
    bench.frame(1)
    bench.depth(1, message=image_from_depth(small, stamp_ns=STEP, frame_id="eye"))
    depth = bench.done[0].depth()
    assert depth.shape == (6, 8) and set(np.unique(depth)) == {1.0, 2.0, 3.0, 4.0}


def test_depth_of_another_shape_is_refused_with_both_sizes() -> None:
    bench = Bench(pose=False)
    bench.frame(1)
    bench.depth(1, message=image_from_depth(np.ones((8, 8)), stamp_ns=STEP, frame_id="eye"))
    assert bench.done == [] and bench.intake.refused == {"size": 1}
    assert "the depth is 8x8 but its image 8x6" in bench.lacks[0][1]
    assert bench.intake.last_refusal == bench.lacks[0][1]


@pytest.mark.parametrize(
    ("changes", "kind", "cause"),
    [
        ({"encoding": "mono8"}, "encoding", "'mono8' is not a depth picture"),
        ({"data": b"short"}, "encoding", "has 5 bytes"),
    ],
)
def test_message_that_is_no_depth_is_refused_by_name(
    changes: dict[str, object], kind: str, cause: str
) -> None:
    message = image_from_depth(np.ones((6, 8)), stamp_ns=STEP, frame_id="eye")
    for name, value in changes.items():
        setattr(message, name, value)
    intake = DepthIntake("/depth")
    with pytest.raises(IntakeError, match=cause) as refused:
        intake.take(message)
    assert refused.value.kind == kind and intake.refused == {kind: 1}


def test_depth_without_a_stamp_is_refused() -> None:
    intake = DepthIntake("/depth")
    with pytest.raises(IntakeError, match="the depth's stamp is zero"):
        intake.take(image_from_depth(np.ones((6, 8)), stamp_ns=0, frame_id="eye"))


def compressed(pixels: np.ndarray) -> CompressedImage:
    """Write (H, W) uint16 millimetres as image_transport's compressedDepth."""
    png = cv2.imencode(".png", pixels)[1].tobytes()
    message = CompressedImage(header=header("eye", STEP), format="16UC1; compressedDepth png")
    message.data = struct.pack("<iff", 0, 0.0, 0.0) + png
    return message


def test_compressed_depth_is_decoded_when_the_frame_is_used() -> None:
    bench = Bench(pose=False)
    bench.frame(1)
    bench.depth(1, message=compressed(np.full((3, 4), 1500, np.uint16)))
    np.testing.assert_allclose(bench.done[0].depth(), np.full((6, 8), 1.5), rtol=1e-6)


def test_compressed_depth_of_another_shape_makes_its_frame_unreadable() -> None:
    bench = Bench(pose=False)
    bench.frame(1)
    bench.depth(1, message=compressed(np.full((8, 8), 1500, np.uint16)))
    with pytest.raises(ImageError, match="/depth: the depth is 8x8 but its image 8x6"):
        bench.done[0].depth()
