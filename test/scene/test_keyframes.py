# SPDX-License-Identifier: Apache-2.0
"""Keyframes: a window remembers what was different, and ends with the newest frame."""

from __future__ import annotations

import numpy as np
import pytest
from fake_bundle import picture

from ide3d_ros.bundle import Bundle
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene import Scene
from ide3d_ros.scene.keyframes import KeyframeChooser, KeyframeRule

S = 1_000_000_000
CAMERA = Camera(64, 48, 50.0, 50.0, 31.5, 23.5)
GREY, WHITE = np.full((48, 64, 3), 100, np.uint8), np.full((48, 64, 3), 255, np.uint8)


def window(
    images: list[np.ndarray], rule: KeyframeRule, *, period_s: float = 0.1, size: int = 4
) -> list[int]:
    """Return which of the images are in a window at the end, by their number; they come 0.1 s apart."""
    chooser, kept = KeyframeChooser(rule), []
    for number, image in enumerate(images):
        kept = (kept if chooser.keeps_newest() else kept[:-1])[-size + 1 :] + [number]
        chooser.follow(image, number * S // 10)
    return kept


def test_still_camera_keeps_its_first_and_its_newest_frame() -> None:
    assert window([GREY] * 15, KeyframeRule(0.03, 100.0)) == [0, 14]


def test_noise_is_no_motion() -> None:
    generator = np.random.default_rng(0)
    noisy = [np.clip(GREY + generator.normal(0, 8, GREY.shape), 0, 255).astype(np.uint8) for _ in range(10)]
    assert window(noisy, KeyframeRule(0.03, 100.0)) == [0, 9]


def test_frames_that_show_something_else_stay() -> None:
    images = [GREY, GREY, GREY, WHITE, WHITE, WHITE, GREY, GREY]
    assert window(images, KeyframeRule(0.03, 100.0)) == [0, 3, 6, 7]


def test_time_alone_earns_a_place() -> None:
    assert window([GREY] * 26, KeyframeRule(0.03, 1.0)) == [0, 10, 20, 25]


def test_window_holds_the_newest_of_many_keyframes() -> None:
    images = [WHITE if number % 2 else GREY for number in range(9)]
    assert window(images, KeyframeRule(0.03, 100.0), size=4) == [5, 6, 7, 8]


def test_recording_that_begins_again_does_not_stop_the_choice() -> None:
    chooser = KeyframeChooser(KeyframeRule(0.03, 1.0))
    for stamp_ns in (100 * S, 100 * S + 1, 5 * S):
        chooser.follow(GREY, stamp_ns)
    assert chooser.keeps_newest()


def test_emptied_window_begins_anew() -> None:
    chooser = KeyframeChooser(KeyframeRule(0.03, 100.0))
    for number in range(3):
        chooser.follow(GREY, number)
    assert not chooser.keeps_newest()
    chooser.forget()
    assert chooser.keeps_newest()


@pytest.fixture
def scene(fake_bundle: Bundle) -> Scene:
    """Open a scene with a window of two frames."""
    return Scene.open(fake_bundle.folder, window=2)


def test_replaced_frame_leaves_no_trace_in_what_is_found(scene: Scene) -> None:
    scene.add_frame(picture(("red", 1, 0)), CAMERA, stamp_ns=1, frame_id="eye")
    assert [one.label for one in scene.detect()] == ["chair"]
    scene.replace_newest_frame(picture(), CAMERA, stamp_ns=2, frame_id="eye")
    assert [frame.stamp_ns for frame in scene.frames] == [2]
    assert len(scene.detect()) == 0
    scene.add_frame(picture(("red", 1, 0)), CAMERA, stamp_ns=3, frame_id="eye")
    scene.replace_newest_frame(picture(("red", 1, 0)), CAMERA, stamp_ns=4, frame_id="eye")
    assert [frame.stamp_ns for frame in scene.frames] == [2, 4]
    assert [one.frame.stamp_ns for one in scene.detect()] == [4]


def test_frame_that_is_refused_replaces_nothing(scene: Scene) -> None:
    scene.add_frame(picture(), CAMERA, stamp_ns=1, frame_id="eye")
    with pytest.raises(ValueError, match="frame_id"):
        scene.replace_newest_frame(picture(), CAMERA, stamp_ns=2, frame_id="")
    assert [frame.stamp_ns for frame in scene.frames] == [1]


def test_first_frame_may_come_as_a_replacement(scene: Scene) -> None:
    scene.replace_newest_frame(picture(), CAMERA, stamp_ns=1, frame_id="eye")
    assert [frame.stamp_ns for frame in scene.frames] == [1]
