# SPDX-License-Identifier: Apache-2.0
"""Depth errors agree with hand-worked images and leave out what has no truth."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.metrics.depth import depth_errors, pooled
from ide3d_training.metrics.inputs import MetricInputError

TRUTH = np.array([[2.0, 4.0], [1.0, 0.0]])


def test_errors_worked_by_hand():
    found = depth_errors(np.array([[2.5, 3.0], [1.1, 7.0]]), TRUTH)
    assert found.pixels == 3  # a true depth of 0 is no measurement
    assert found.abs_rel == pytest.approx((0.25 + 0.25 + 0.1) / 3)
    assert found.rmse_m == pytest.approx(np.sqrt((0.25 + 1.0 + 0.01) / 3))
    assert found.delta == pytest.approx(1 / 3)  # 2.5 / 2 is 1.25 and not less; 4 / 3 is more


def test_mask_chooses_pixels_but_gives_none_a_truth():
    mask = np.array([[True, False], [False, True]])
    assert depth_errors(np.array([[2.5, 3.0], [1.1, 7.0]]), TRUTH, mask).pixels == 1
    assert depth_errors(np.array([[2.5, np.nan], [np.nan, np.nan]]), TRUTH, mask).abs_rel == pytest.approx(
        0.25
    )


def test_truth_that_is_not_finite_is_left_out():
    truth = np.array([[np.nan, np.inf], [2.0, -1.0]])
    assert depth_errors(np.full((2, 2), 2.0), truth).pixels == 1


def test_depth_behind_the_camera_is_outside_delta():
    assert depth_errors(np.array([[-2.0]]), np.array([[2.0]])).delta == 0.0


def test_pooling_weighs_pixels_and_not_images():
    prediction = np.array([[2.2, 3.0], [1.0, 1.0]])
    truth = np.array([[2.0, 4.0], [1.0, 2.0]])
    parts = [depth_errors(prediction[:1, :1], truth[:1, :1])]
    rest = np.array([[False, True], [True, True]])
    parts.append(depth_errors(prediction, truth, rest))
    whole, together = depth_errors(prediction, truth), pooled(parts)
    assert together.pixels == whole.pixels == 4
    assert (together.abs_rel, together.rmse_m, together.delta) == pytest.approx(
        (whole.abs_rel, whole.rmse_m, whole.delta)
    )


@pytest.mark.parametrize(
    ("prediction", "truth", "mask", "message"),
    [
        (np.ones((2, 2)), np.ones((2, 3)), None, "shape"),
        (np.ones((2, 2)), np.zeros((2, 2)), None, "nothing to measure"),
        (np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2)), "bool"),
        (np.ones((2, 2)), np.ones((2, 2)), np.ones((1, 2), bool), "mask of shape"),
        (np.array([[np.nan, 1.0]]), np.ones((1, 2)), None, "1 of 2 pixels"),
    ],
)
def test_bad_input_is_named(prediction, truth, mask, message):
    with pytest.raises(MetricInputError, match=message):
        depth_errors(prediction, truth, mask)


def test_no_images_cannot_be_pooled():
    with pytest.raises(MetricInputError, match="nothing to pool"):
        pooled([])
