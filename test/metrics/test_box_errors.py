# SPDX-License-Identifier: Apache-2.0
"""Errors of a box are told by extent, and averaged by source data set."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_training.metrics.box_errors import BoxErrors, box_errors, mean_box_errors
from ide3d_training.metrics.grouping import GroupMean
from ide3d_training.metrics.inputs import MetricInputError

UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])
TRUTH = Box3D(np.array([1.0, 0.0, 3.0]), np.array([2.0, 1.0, 0.5]), UPRIGHT)


def test_errors_are_absolute_and_named_by_axis():
    found = box_errors(Box3D(np.array([5.0, 9.0, 2.5]), np.array([1.9, 1.2, 0.8]), UPRIGHT), TRUTH)
    assert (found.depth_m, found.length_m, found.width_m, found.height_m) == pytest.approx(
        (0.5, 0.1, 0.2, 0.3)
    )


def test_extents_are_compared_in_each_boxs_own_axes():
    turned = Box3D(TRUTH.center, TRUTH.extents, np.array([0.0, 0.0, 0.0, 1.0]))
    assert box_errors(turned, TRUTH) == BoxErrors(0.0, 0.0, 0.0, 0.0)


def test_means_are_by_source():
    errors = [BoxErrors(0.2, 0.0, 0.0, 0.1), BoxErrors(0.4, 0.0, 0.0, 0.3), BoxErrors(3.0, 1.0, 2.0, 4.0)]
    found = mean_box_errors(errors, ["sunrgbd", "sunrgbd", "kitti"])
    assert found["sunrgbd"].depth_m.mean == pytest.approx(0.3)
    assert found["sunrgbd"].height_m.mean == pytest.approx(0.2)
    assert found["kitti"].width_m == GroupMean(2.0, 1)


def test_bad_input_is_named():
    broken = Box3D(np.array([0.0, np.nan, 1.0]), np.ones(3), UPRIGHT)
    with pytest.raises(MetricInputError, match="predicted box is not finite"):
        box_errors(broken, TRUTH)
    with pytest.raises(MetricInputError, match="1 errors, 0 sources"):
        mean_box_errors([BoxErrors(0, 0, 0, 0)], [])
