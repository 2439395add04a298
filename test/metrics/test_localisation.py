# SPDX-License-Identifier: Apache-2.0
"""Acc and F1 follow ScanRefer's and Multi3DRefer's rules on cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_training.metrics.inputs import MetricInputError
from ide3d_training.metrics.localisation import f1_score, first_box_iou, matched_ious

UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])


def cube(x: float) -> Box3D:
    return Box3D(np.array([x, 0.0, 3.0]), np.ones(3), UPRIGHT)


def test_only_the_first_box_counts_for_acc():
    assert first_box_iou([cube(0), cube(5)], cube(0)) == pytest.approx(1.0)
    assert first_box_iou([cube(5), cube(0)], cube(0)) == 0.0
    assert first_box_iou([], cube(0)) == 0.0


def test_half_shifted_cube_overlaps_by_a_third():
    assert first_box_iou([cube(0.5)], cube(0)) == pytest.approx(1 / 3)


def test_nothing_predicted_where_nothing_is_expected_is_right():
    assert f1_score(matched_ious([], []), 0, 0, 0.25) == 1.0


@pytest.mark.parametrize(("predicted", "expected"), [([cube(0)], []), ([], [cube(0)])])
def test_one_empty_side_scores_zero(predicted, expected):
    assert f1_score(matched_ious(predicted, expected), len(predicted), len(expected), 0.25) == 0.0


def test_f1_counts_both_missing_and_surplus_boxes():
    truths = [cube(0), cube(2), cube(4)]
    assert f1_score(matched_ious(truths[:2], truths), 2, 3, 0.5) == pytest.approx(2 * 2 / 5)
    assert f1_score(matched_ious([*truths, cube(9)], truths), 4, 3, 0.5) == pytest.approx(2 * 3 / 7)


def test_two_boxes_on_one_target_count_once():
    ious = matched_ious([cube(0), cube(0.1)], [cube(0), cube(7)])
    assert f1_score(ious, 2, 2, 0.25) == pytest.approx(2 * 1 / 4)


def test_order_of_boxes_does_not_matter_for_f1():
    truths = [cube(0), cube(2)]
    assert f1_score(matched_ious(truths[::-1], truths), 2, 2, 0.5) == 1.0


def test_matching_maximises_total_iou_even_at_the_price_of_true_positives():
    # With shifts s the IoU is (1-s)/(1+s). a-A .9, a-B .2; b-A .2, b-B 0: the diagonal (total .9) wins over
    # a-B and b-A (total .4) although at k = .1 the latter would give two true positives.
    shift = lambda iou: (1 - iou) / (1 + iou)  # noqa: E731
    truth_a, truth_b = cube(0.0), cube(shift(0.9) + shift(0.2))
    a, b = cube(shift(0.9)), cube(-shift(0.2))
    ious = matched_ious([a, b], [truth_a, truth_b])
    assert sorted(ious) == pytest.approx([0.0, 0.9], abs=1e-6)
    assert f1_score(ious, 2, 2, 0.1) == pytest.approx(0.5)


def test_threshold_itself_counts():
    assert f1_score(np.array([0.25]), 1, 1, 0.25) == 1.0
    assert f1_score(np.array([0.2499]), 1, 1, 0.25) == 0.0


def test_f1_wants_every_pair_and_not_only_the_good_ones():
    with pytest.raises(MetricInputError, match="1 matched pairs of 3 predicted and 2 true boxes"):
        f1_score(np.array([0.9]), 3, 2, 0.25)
