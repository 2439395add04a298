# SPDX-License-Identifier: Apache-2.0
"""Several cameras behind one inference worker: apart, in turns, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from slow_scene import CAMERA, SlowScene

from ide3d_ros.nodes.dialogue import ask_request
from ide3d_ros.nodes.frames import FrameInput, FrameResult
from ide3d_ros.nodes.pace import Pace
from ide3d_ros.nodes.requests import Request
from ide3d_ros.nodes.worker import InferenceWorker
from ide3d_ros.scene.status import Status


def until(condition: Callable[[], bool], wait_s: float = 20.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.002)


def _black() -> np.ndarray:
    return np.zeros((6, 8, 3), np.uint8)


class Cameras:
    """A worker with a slow scene for each of several cameras."""

    def __init__(self, *names: str, encode_s: float = 0.0, **pace: float) -> None:
        self.scenes = {name: SlowScene(encode_s=encode_s) for name in names}
        self.results: list[FrameResult] = []
        self.worker = InferenceWorker(
            lambda: self.scenes,
            on_result=self.results.append,
            on_fault=lambda what, error: None,
            pace=Pace(**pace),
            cameras=names,
        )
        self.worker.start()
        self._stamp_ns = 0

    def show(self, *names: str) -> int:
        """Offer each named camera a frame of the same stamp."""
        self._stamp_ns += 1
        for name in names:
            self.worker.offer(
                FrameInput(_black, CAMERA, self._stamp_ns, f"{name}_eye", time.monotonic()), name
            )
        return self._stamp_ns

    def ended(self, request: Request) -> Request:
        """Submit a request and wait for its end."""
        self.worker.submit(request)
        until(request.withdrawn)
        return request


def test_cameras_keep_their_frames_apart_and_share_one_thread() -> None:
    cameras = Cameras("front", "rear", rate_hz=50.0)
    cameras.show("front", "rear")
    until(lambda: len(cameras.results) == 2)
    assert {(one.camera_name, one.frame.frame_id) for one in cameras.results} == {
        ("front", "front_eye"),
        ("rear", "rear_eye"),
    }
    threads = [scene.threads for scene in cameras.scenes.values()]
    assert threads[0] == threads[1] and len(threads[0]) == 1
    assert cameras.worker.close(20)


def test_cameras_take_turns_when_the_engine_cannot_keep_up() -> None:
    cameras = Cameras("left", "front", "right", encode_s=0.01, rate_hz=100.0)
    while len(cameras.results) < 30:
        cameras.show("left", "front", "right")
        time.sleep(0.002)
    seen = [one.camera_name for one in cameras.results]
    counts = {name: seen.count(name) for name in cameras.scenes}
    assert max(counts.values()) - min(counts.values()) <= 1, counts
    assert all(lane.tally.dropped > 0 for lane in cameras.worker.lanes.values())
    assert cameras.worker.close(20)


def test_camera_that_is_silent_or_broken_does_not_hold_up_the_others() -> None:
    cameras = Cameras("front", "rear", rate_hz=100.0)
    cameras.scenes["rear"].failing = {"encode", "detect"}
    for count in range(1, 6):
        cameras.show("front", "rear")
        until(lambda wanted=count: len(cameras.results) >= wanted)
    assert {one.camera_name for one in cameras.results} == {"front"}
    until(lambda: cameras.worker.lanes["rear"].tally.faults > 0)
    assert cameras.worker.close(20)


def test_request_is_answered_from_the_frames_of_its_camera() -> None:
    cameras = Cameras("front", "rear", rate_hz=0.0)
    cameras.show("rear")
    rear = cameras.ended(ask_request("q?", 3, "rear"))
    assert [frame.frame_id for frame in rear.outcome.frames] == ["rear_eye"]
    front = cameras.ended(ask_request("q?", 3))
    assert front.outcome.result.status is Status.NO_FRAMES, "without a name the first camera is asked"
    assert "'front'" in front.outcome.result.message
    assert cameras.scenes["front"].log == []
    assert cameras.worker.close(20)


def test_detections_count_as_late_only_when_the_engine_cannot_hold_the_rate() -> None:
    quick, slow = Cameras("eye", rate_hz=20.0), Cameras("eye", encode_s=0.12, rate_hz=20.0)
    for cameras in (quick, slow):
        for count in range(1, 5):
            cameras.show("eye")
            until(lambda cameras=cameras, wanted=count: len(cameras.results) >= wanted)
    assert slow.worker.lanes["eye"].tally.late == 4
    assert quick.worker.lanes["eye"].tally.late < 4
    assert quick.worker.close(20) and slow.worker.close(20)
