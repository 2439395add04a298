# SPDX-License-Identifier: Apache-2.0
"""Boxes drawn into pictures: in the right place, bent as the lens bends, and never outside memory."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_detections import CAMERA, DETECTIONS, detection

from ide3d_ros.conversions.overlay import box_polylines, draw_detections
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.results import Detection

BLACK = np.zeros((240, 320, 3), np.uint8)
BLACK.flags.writeable = False


def test_every_corner_of_the_box_is_inked_and_the_input_is_not() -> None:
    one = detection()
    drawn = draw_detections(BLACK, [one], CAMERA)
    for u, v in np.round(one.box.projected(CAMERA)).astype(int):
        assert drawn[v, u].any()
    assert not BLACK.any()
    outside = drawn[200:, :40]
    assert not outside.any()


def test_near_box_is_drawn_over_a_far_one() -> None:
    far, near = detection("far", center=(0.7, 0.0, 4.0)), detection("near", center=(0.0, 0.0, 2.0))
    far_first = draw_detections(draw_detections(BLACK, [far], CAMERA), [near], CAMERA)
    near_first = draw_detections(draw_detections(BLACK, [near], CAMERA), [far], CAMERA)
    assert not np.array_equal(far_first, near_first)
    for order in ([near, far], [far, near]):
        assert np.array_equal(draw_detections(BLACK, order, CAMERA), far_first)


def test_straight_edges_bend_with_the_lens() -> None:
    lens = Camera(320, 240, 280.0, 280.0, 159.5, 119.5, (-0.3, 0.05, 0.0, 0.0, 0.0))
    box = detection(center=(-0.9, -0.3, 2.0)).box

    def bend(camera: Camera) -> float:
        worst = 0.0
        for line in box_polylines(box, camera):
            chord, steps = (line[-1] - line[0]).astype(float), (line - line[0]).astype(float)
            aside = np.abs(chord[0] * steps[:, 1] - chord[1] * steps[:, 0]) / max(1.0, np.hypot(*chord))
            worst = max(worst, float(aside.max()))
        return worst

    assert bend(CAMERA) <= 1.0  # rounding alone
    assert bend(lens) > 1.5


def test_box_behind_the_camera_leaves_no_trace() -> None:
    behind = detection(center=(0.0, 0.0, -2.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is divided by a depth that is not there
        assert box_polylines(behind.box, CAMERA) == []
    assert not draw_detections(BLACK, [behind], CAMERA).any()


def test_box_around_the_camera_is_cut_at_the_camera() -> None:
    around = Box3D(np.array([0.0, 0.0, 0.5]), np.array([2.0, 2.0, 3.0]), np.array([1.0, 0.0, 0.0, 0.0]))
    lines = box_polylines(around, CAMERA)
    assert 0 < len(lines) <= 8
    for line in lines:
        assert np.abs(line).max() < 640


@given(st.lists(DETECTIONS, max_size=3))
@settings(deadline=None, max_examples=40)
def test_any_box_with_any_label_can_be_drawn(detections: list[Detection]) -> None:
    drawn = draw_detections(BLACK[:60, :80], detections, CAMERA.resized(80, 60))
    assert drawn.shape == (60, 80, 3)
