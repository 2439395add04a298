# SPDX-License-Identifier: Apache-2.0
"""One detection for each thing survives: the best one."""

from __future__ import annotations

import numpy as np

from ide3d_ros.geometry import Box3D, Camera
from ide3d_ros.scene import Detection, Frame
from ide3d_ros.scene.suppression import suppress_each, suppress_overlaps

CAMERA = Camera.from_fov(64, 48, 1.0)
FRAME, LATER = Frame("camera", 1, CAMERA), Frame("camera", 1, CAMERA)


def detection(x: float, score: float, frame: Frame = FRAME) -> Detection:
    return Detection("chair", score, Box3D([x, 0, 2], [1, 1, 1], [1, 0, 0, 0]), frame, np.eye(6))


def test_the_better_of_two_overlapping_boxes_stays() -> None:
    weak, strong = detection(0.0, 0.6), detection(0.2, 0.9)  # IoU 2/3
    assert suppress_overlaps([weak, strong], 0.5) == (strong,)


def test_boxes_below_the_threshold_both_stay_best_first() -> None:
    weak, strong = detection(0.0, 0.6), detection(0.5, 0.9)  # IoU 1/3
    assert suppress_overlaps([weak, strong], 0.5) == (strong, weak)


def test_a_dropped_box_drops_no_other() -> None:
    best, middle, far = (
        detection(0.0, 0.9),
        detection(0.3, 0.8),
        detection(0.6, 0.7),
    )  # IoU 0.54, 0.54 and 0.25
    assert suppress_overlaps([far, middle, best], 0.5) == (best, far)


def test_equal_boxes_of_different_frames_both_stay() -> None:
    assert len(suppress_overlaps([detection(0.0, 0.9), detection(0.0, 0.8, LATER)], 0.5)) == 2


def test_nothing_stays_nothing() -> None:
    assert suppress_overlaps([], 0.5) == ()


def test_lists_that_are_weighed_together_do_not_see_one_another() -> None:
    weak, strong, twin = detection(0.0, 0.6), detection(0.2, 0.9), detection(0.2, 0.9)
    assert suppress_each([[weak, strong], [], [twin], [weak]], 0.5) == [(strong,), (), (twin,), (weak,)]


def test_boxes_turned_against_each_other_are_weighed_exactly() -> None:
    eighth = [np.cos(np.pi / 8), 0, 0, np.sin(np.pi / 8)]
    turned = Detection("chair", 0.5, Box3D([0, 0, 2], [1, 1, 1], eighth), FRAME, np.eye(6))
    straight = detection(0.0, 0.9)  # they share an octagon: IoU 0.71, where the bound says 1
    assert suppress_overlaps([turned, straight], 0.70) == (straight,)
    assert suppress_overlaps([turned, straight], 0.72) == (straight, turned)
