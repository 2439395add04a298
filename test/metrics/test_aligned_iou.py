# SPDX-License-Identifier: Apache-2.0
"""Closed-form IoU agrees with hand-worked overlaps and with the exact oriented IoU."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.iou import iou_matrix
from ide3d_training.metrics.aligned_iou import aligned_iou_matrix
from ide3d_training.metrics.inputs import MetricInputError

CUBE = np.array([[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]])


@pytest.mark.parametrize(
    ("other", "iou"),
    [
        ([0, 0, 0, 1, 1, 1], 1.0),
        ([0.5, 0, 0, 1, 1, 1], 1 / 3),
        ([0.5, 0.5, 0.5, 1, 1, 1], 0.125 / 1.875),
        ([0, 0, 0, 2, 2, 2], 1 / 8),
        ([1, 0, 0, 1, 1, 1], 0.0),
        ([5, 0.5, 0, 1, 1, 1], 0.0),
        ([0, 0, 0, 1, 1, 0], 0.0),
    ],
)
def test_overlap_worked_by_hand(other, iou):
    assert aligned_iou_matrix(CUBE, np.array([other], float))[0, 0] == pytest.approx(iou, abs=1e-7)


def test_agrees_with_oriented_iou_of_boxes_that_are_not_turned():
    rng = np.random.default_rng(3)
    first, second = (np.hstack([rng.uniform(-1, 1, (n, 3)), rng.uniform(0.3, 2, (n, 3))]) for n in (5, 7))
    upright = np.array([1.0, 0.0, 0.0, 0.0])
    boxes = [[Box3D(row[:3], row[3:], upright) for row in rows] for rows in (first, second)]
    ious = aligned_iou_matrix(first, second)
    assert ious.shape == (5, 7) and ious.max() > 0.1
    np.testing.assert_allclose(ious, iou_matrix(*boxes), atol=1e-6)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (np.zeros((1, 7)), "not of shape"),
        (np.zeros(6), "not of shape"),
        (np.full((1, 6), np.nan), "not finite"),
        (np.array([[0, 0, 0, 1, -1, 1.0]]), "negative"),
    ],
)
def test_what_is_no_box_is_refused(boxes, message):
    with pytest.raises(MetricInputError, match=message):
        aligned_iou_matrix(CUBE, boxes)
