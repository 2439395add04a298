# SPDX-License-Identifier: Apache-2.0
"""AP3D agrees with hand-worked curves and, through the curve, with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_training.metrics.average_precision import ap3d, interpolated_area, precision_recall
from ide3d_training.metrics.detection import LabelledBoxes, ScoredBoxes
from ide3d_training.metrics.inputs import MetricInputError


def detected(*rows: tuple[Box3D, str, float]) -> ScoredBoxes:
    return ScoredBoxes(*zip(*rows, strict=True)) if rows else ScoredBoxes([], [], [])


def true(*rows: tuple[Box3D, str]) -> LabelledBoxes:
    return LabelledBoxes(*zip(*rows, strict=True)) if rows else LabelledBoxes([], [])


def test_area_lies_under_the_interpolated_curve():
    precision, recall = precision_recall(np.array([True, False, True]), expected=3)
    assert precision == pytest.approx([1, 1 / 2, 2 / 3])
    assert recall == pytest.approx([1 / 3, 1 / 3, 2 / 3])
    assert interpolated_area(precision, recall) == pytest.approx(1 / 3 + 1 / 3 * 2 / 3)


def test_dip_in_precision_is_filled_from_beyond():
    # 1/3 at recall 1/2, then 2/4 at recall 1: the curve is 1/2 all along.
    curve = precision_recall(np.array([False, False, True, True]), expected=2)
    assert interpolated_area(*curve) == pytest.approx(1 / 2)


def test_thresholds_are_told_apart(cube):
    found = ap3d([detected((cube(0.5), "chair", 0.9))], [true((cube(0), "chair"))])  # IoU one third
    assert {k: ap.mean for k, ap in found.items()} == {0.15: 1.0, 0.25: 1.0, 0.5: 0.0}


def test_iou_is_of_oriented_boxes(cube):
    turned = Box3D(np.array([0, 0, 3.0]), np.array([2, 1, 1.0]), np.array([np.sqrt(0.5), 0, 0, np.sqrt(0.5)]))
    straight = Box3D(np.array([0, 0, 3.0]), np.array([2, 1, 1.0]), np.array([1.0, 0, 0, 0]))
    found = ap3d([detected((turned, "sofa", 1.0))], [true((straight, "sofa"))])  # 1 / 3
    assert (found[0.25].mean, found[0.5].mean) == (1.0, 0.0)


def test_second_detection_of_an_object_is_a_false_positive(cube):
    scene = detected((cube(0), "chair", 0.9), (cube(0.05), "chair", 0.8), (cube(4), "chair", 0.7))
    found = ap3d([scene], [true((cube(0), "chair"), (cube(4), "chair"))], [0.5])
    assert found[0.5].mean == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)


def test_detection_may_take_its_second_choice_where_the_first_is_taken(cube):
    scene = detected((cube(0), "chair", 0.9), (cube(0.2), "chair", 0.8))
    found = ap3d([scene], [true((cube(0), "chair"), (cube(0.6), "chair"))], [0.25])
    assert found[0.25].mean == 1.0


def test_scores_and_not_the_order_of_output_decide_across_scenes(cube):
    truths = [true((cube(0), "chair")), true((cube(0), "chair"))]
    scenes = [
        detected((cube(9), "chair", 0.2), (cube(0), "chair", 0.9)),
        detected((cube(0), "chair", 0.8)),
    ]
    assert ap3d(scenes, truths, [0.5])[0.5].mean == 1.0
    scenes[0] = detected((cube(9), "chair", 0.85), (cube(0), "chair", 0.9))
    assert ap3d(scenes, truths, [0.5])[0.5].mean == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)


def test_boxes_of_another_scene_are_no_match(cube):
    found = ap3d([detected(), detected((cube(0), "chair", 1.0))], [true((cube(0), "chair")), true()], [0.5])
    assert found[0.5].mean == 0.0


def test_mean_is_over_the_classes_that_are_there(cube):
    scene = detected((cube(0), "chair", 0.9), (cube(3), "lamp", 0.9))
    found = ap3d([scene], [true((cube(0), "chair"), (cube(3), "table"))], [0.5])
    assert found[0.5].by_class == {"chair": 1.0, "table": 0.0}
    assert found[0.5].mean == 0.5


def test_curve_and_area_agree_with_the_values_that_scikit_learn_printed():
    # scikit-learn 1.9.1, average_precision_score([1,0,1,0,1], falling scores) = 0.7555555555555555: the sum
    # of rises of recall times precision, without interpolation.
    precision, recall = precision_recall(np.array([1, 0, 1, 0, 1]), expected=3)
    assert np.diff(recall, prepend=0) @ precision == pytest.approx(0.7555555555555555)
    assert interpolated_area(precision, recall) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)


def test_agrees_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    for _ in range(20):
        hits, scores = rng.random(30) < 0.4, rng.permutation(30) / 30
        hits[0] = True
        precision, recall = precision_recall(hits[np.argsort(-scores)], int(hits.sum()))
        assert np.diff(recall, prepend=0) @ precision == pytest.approx(
            metrics.average_precision_score(hits, scores)
        )
        library_precision, library_recall, _ = metrics.precision_recall_curve(hits, scores)
        envelope = np.maximum.accumulate(library_precision)  # their curve runs from recall 1 to 0
        assert interpolated_area(precision, recall) == pytest.approx(-np.diff(library_recall) @ envelope[:-1])


def test_bad_input_is_named(cube):
    with pytest.raises(MetricInputError, match="1 detections, 0 truths"):
        ap3d([detected()], [])
    with pytest.raises(MetricInputError, match="no true box"):
        ap3d([detected()], [true()])
    with pytest.raises(MetricInputError, match="IoU threshold 25"):
        ap3d([detected()], [true((cube(0), "chair"))], [25])
    with pytest.raises(MetricInputError, match="1 boxes, 0 classes"):
        ScoredBoxes([cube(0)], [], [0.5])
    with pytest.raises(MetricInputError, match="scores"):
        ScoredBoxes([cube(0)], ["chair"], [float("nan")])
    with pytest.raises(MetricInputError, match="1 boxes, 2 scores"):
        ScoredBoxes([cube(0)], ["chair"], [0.5, 0.4])
    with pytest.raises(MetricInputError, match="1 boxes, 2 classes"):
        LabelledBoxes([cube(0)], ["chair", "table"])
    with pytest.raises(MetricInputError, match="1 true boxes for 2"):
        precision_recall(np.array([True, True]), 1)
    with pytest.raises(MetricInputError, match="recall falls"):
        interpolated_area(np.array([1.0, 1.0]), np.array([0.5, 0.2]))
