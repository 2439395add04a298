# SPDX-License-Identifier: Apache-2.0
"""Questions are asked at the frames that the file names, about the frames that a node would have seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from camera_stand_in import CAMERA, FRAME_ID

from ide3d_ros.bundle import Bundle
from ide3d_ros.cli.offline.answering import OfflineAnswer, answers
from ide3d_ros.cli.offline.frames import BagFrame, BagFrames
from ide3d_ros.cli.offline.questions import Question
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes.recordings import Bag, RecordingError
from ide3d_ros.scene import Scene
from ide3d_ros.scene.status import Status

START_NS, STEP_NS = 5_000_000_000, 100_000_000


def frames_of(path: Path) -> list[BagFrame]:
    return list(BagFrames(Bag(path), "raw"))


def asked(
    bundle: Bundle, frames: list[BagFrame], *questions: Question, window: int = 1
) -> list[OfflineAnswer]:
    return list(answers(Scene.open(bundle.folder, window=window), frames, questions, window=window))


def told(found: list[OfflineAnswer]) -> list[tuple[int, int | None, str]]:
    return [(one.question, one.frame and one.frame.number, one.status.name) for one in found]


def test_questions_come_at_their_frames_in_order(fake_bundle: Bundle, record: Callable[..., Path]) -> None:
    found = asked(
        fake_bundle,
        frames_of(record()),
        Question(locate="the red chair", every_frames=2),
        Question(ask="is there a chair", at_s=0.25),
        Question(describe=True, stamp_ns=START_NS + 5 * STEP_NS),
        Question(locate="the green table", at_s=0.0),
        Question(locate="the zebra", at_s=99.0),
    )
    assert told(found) == [
        (1, 0, "OK"),
        (4, 0, "NO_TARGET"),
        (1, 2, "NO_TARGET"),
        (2, 3, "OK"),
        (1, 4, "OK"),
        (3, 5, "OK"),
        (5, None, "NO_FRAMES"),
    ]
    assert [one.text.strip() for one in found if one.text] == ["yes", "a room"]
    assert found[-1].message == "the bag's newest frame is 0.500 s after its first one"


def test_frames_that_nobody_asks_about_change_no_answer(
    fake_bundle: Bundle, record: Callable[..., Path]
) -> None:
    frames = frames_of(record())
    scene = Scene.open(fake_bundle.folder, window=2)
    for frame in frames[:5]:
        scene.add_frame(frame.rgb, frame.camera, stamp_ns=frame.stamp_ns, frame_id=frame.frame_id)
    expected = scene.locate("the red chair")
    question = Question(locate="the red chair", at_s=0.4)
    (found,) = asked(fake_bundle, frames, question, window=2)
    assert found.frame.number == 4
    assert [one.frame.stamp_ns for one in found.detections] == [one.frame.stamp_ns for one in expected]
    for one, other in zip(found.detections, expected, strict=True):
        np.testing.assert_array_equal(one.box.center, other.box.center)
        assert one.score == other.score


def test_window_reaches_back_over_frames_that_were_not_asked_about(
    fake_bundle: Bundle, record: Callable[..., Path]
) -> None:
    frames = frames_of(record())
    question = Question(locate="the green table", at_s=0.3)  # the table left the picture in the frame before
    assert [one.status for one in asked(fake_bundle, frames, question)] == [Status.NO_TARGET]
    (found,) = asked(fake_bundle, frames, question, window=3)
    assert found.status is Status.OK
    assert {one.frame.stamp_ns for one in found.detections} <= {START_NS + STEP_NS, START_NS + 2 * STEP_NS}


def test_order_of_image_and_calibration_does_not_matter(record: Callable[..., Path]) -> None:
    first = frames_of(record(name="a.mcap"))
    last = frames_of(record(name="b.mcap", infos_last=True))
    assert len(first) == len(last) == 6
    assert [one.stamp_ns for one in first] == [one.stamp_ns for one in last]


def test_image_takes_the_calibration_of_its_time(record: Callable[..., Path]) -> None:
    zoomed = Camera(CAMERA.width, CAMERA.height, 80.0, 80.0, CAMERA.cx, CAMERA.cy)
    path = record(cameras={number: zoomed for number in (3, 4, 5)}, infos_last=True)
    assert [one.camera.fx for one in frames_of(path)] == [50.0, 50.0, 50.0, 80.0, 80.0, 80.0]


def spoil_stamp(image) -> None:
    image.header.stamp.sec = image.header.stamp.nanosec = 0


def spoil_frame(image) -> None:
    image.header.frame_id = "rear"


def spoil_encoding(image) -> None:
    image.encoding = "16UC1"


def spoil_size(image) -> None:
    image.height //= 2
    del image.data[len(image.data) // 2 :]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (spoil_stamp, "stamp is zero"),
        (spoil_frame, f"the image is in 'rear', camera_info in '{FRAME_ID}'"),
        (spoil_encoding, "16UC1"),
        (spoil_size, "the image is 64x24, camera_info says 64x48"),
    ],
)
def test_image_that_cannot_be_used_is_counted_with_its_reason(
    record: Callable[..., Path], spoil: Callable, reason: str
) -> None:
    path = record(change=lambda number, image: spoil(image) if number == 2 else None)
    frames = BagFrames(Bag(path), "raw")
    assert [one.stamp_ns for one in frames] == [START_NS + n * STEP_NS for n in (0, 1, 3, 4, 5)]
    assert frames.refused.count == 1
    ((_, told_reason),) = frames.refused.first
    assert reason in told_reason


def test_numbers_of_frames_have_no_gaps(record: Callable[..., Path]) -> None:
    path = record(change=lambda number, image: spoil_stamp(image) if number == 2 else None)
    assert [one.number for one in BagFrames(Bag(path), "raw")] == [0, 1, 2, 3, 4]


def test_bag_without_any_image_answers_that_there_is_none(
    fake_bundle: Bundle, record: Callable[..., Path]
) -> None:
    path = record(change=lambda _, image: spoil_stamp(image))
    (found,) = asked(fake_bundle, frames_of(path), Question(locate="the chair", at_s=0.0))
    assert (found.status, found.message) == (Status.NO_FRAMES, "the bag holds no usable frame")


def test_damaged_bag_is_not_answered_from(record: Callable[..., Path]) -> None:
    path = record()
    data = bytearray(path.read_bytes())
    data[len(data) // 4] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(RecordingError, match=r"drive\.mcap"):
        frames_of(path)


def test_bag_with_chunks_that_no_memory_should_hold_is_refused(
    record: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record()
    monkeypatch.setattr("ide3d_ros.nodes.recordings.MAX_CHUNK_BYTES", 1000)
    with pytest.raises(RecordingError, match="more than 1000|RecordLengthLimitExceeded"):
        Bag(path)
