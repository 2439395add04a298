# SPDX-License-Identifier: Apache-2.0
"""Detections without scores are counted as VG-LLM counts them."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.metrics.detection import LabelledBoxes, ScoredBoxes
from ide3d_training.metrics.detection_f1 import DetectionCounts, detection_f1, greedy_matches
from ide3d_training.metrics.inputs import MetricInputError


def test_iou_has_to_exceed_the_threshold():
    assert greedy_matches(np.array([[0.25]]), 0.25) == 0
    assert greedy_matches(np.array([[0.26]]), 0.25) == 1


def test_matching_goes_by_order_of_output_and_never_looks_back():
    # The first takes the column that the second needs, though the other way round both would match.
    assert greedy_matches(np.array([[0.5, 0.4], [0.6, 0.0]]), 0.25) == 1
    assert greedy_matches(np.array([[0.6, 0.0], [0.5, 0.4]]), 0.25) == 2


def test_scores_play_no_part(cube):
    truths = [LabelledBoxes([cube(0)], ["bed"])]
    boxes = [cube(0), cube(0.1)]
    first, second = (
        detection_f1([ScoredBoxes(boxes, ["bed"] * 2, scores)], truths) for scores in ([0.1, 0.9], [0.9, 0.1])
    )
    assert first == second


def test_counts_are_summed_over_scenes_before_the_ratios_and_classes_weigh_alike(cube):
    truths = [
        LabelledBoxes([cube(0), cube(3)], ["bed", "chair"]),
        LabelledBoxes([cube(0), cube(3)], ["bed", "bed"]),
    ]
    detections = [
        LabelledBoxes([cube(0), cube(6)], ["bed", "bed"]),
        LabelledBoxes([cube(0)], ["bed"]),
    ]
    found = detection_f1(detections, truths, classes=["bed", "chair"])
    assert found.by_class == {"bed": DetectionCounts(2, 1, 1), "chair": DetectionCounts(0, 0, 1)}
    assert found.by_class["bed"].f1 == pytest.approx(2 / 3)
    assert (found.precision, found.recall, found.f1) == pytest.approx((1 / 3, 1 / 3, 1 / 3))


def test_benchmark_averages_over_twenty_classes_even_where_they_do_not_occur(cube):
    scene = LabelledBoxes([cube(0)], ["bed"])
    found = detection_f1([scene], [LabelledBoxes([cube(0)], ["bed"])])
    assert len(found.by_class) == 20
    assert found.f1 == pytest.approx(1 / 20)


def test_box_of_another_class_is_no_match(cube):
    scene = LabelledBoxes([cube(0)], ["sofa"])
    found = detection_f1([scene], [LabelledBoxes([cube(0)], ["bed"])], classes=["bed", "sofa"])
    assert found.by_class == {"bed": DetectionCounts(0, 0, 1), "sofa": DetectionCounts(0, 1, 0)}


def test_true_box_of_an_unlisted_class_is_an_error_and_not_left_out(cube):
    with pytest.raises(MetricInputError, match="'robot'"):
        detection_f1([LabelledBoxes([], [])], [LabelledBoxes([cube(0)], ["robot"])])
    with pytest.raises(MetricInputError, match="no classes"):
        detection_f1([LabelledBoxes([], [])], [LabelledBoxes([cube(0)], ["bed"])], classes=[])
