# SPDX-License-Identifier: Apache-2.0
"""What is detected is compared with the objects of which enough can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.evaluate.detection import ap_interval, detection_figures
from ide3d_training.evaluate.posed import Found, PosedObject
from ide3d_training.evaluate.scoring import DetectionScore
from ide3d_training.metrics.average_precision import ap3d
from ide3d_training.metrics.detection import LabelledBoxes, ScoredBoxes


def found(box, label: str, score: float = 0.9) -> Found:
    return Found(box, score, label, f"a {label}")


def test_perfect_detections_have_full_precision(box):
    objects = (PosedObject("1", "chair", box(0), True), PosedObject("2", "table", box(3), True))
    figures = detection_figures(
        [DetectionScore(0, (found(box(0), "chair"), found(box(3), "table")), objects)]
    )
    assert (figures["frames"], figures["objects"], figures["detections"]) == (1, 2, 2)
    assert figures["ap3d@0.50"] == figures["ap3d_any@0.50"] == 100.0
    assert figures["by_category"]["table"] == {
        "n": 1,
        "ap3d@0.15": 100.0,
        "ap3d@0.25": 100.0,
        "ap3d@0.50": 100.0,
    }


def test_wrong_name_counts_only_where_names_do_not(box):
    figures = detection_figures(
        [DetectionScore(0, (found(box(0), "sofa"),), (PosedObject("1", "chair", box(0), True),))]
    )
    assert (figures["ap3d@0.25"], figures["ap3d_any@0.25"]) == (0.0, 100.0)


def test_hardly_visible_object_is_neither_missed_nor_wrongly_found(box):
    objects = (PosedObject("1", "chair", box(0), True), PosedObject("2", "chair", box(3), False))
    hit = found(box(0), "chair", 0.5)
    alone = detection_figures([DetectionScore(0, (hit,), objects)])
    both = detection_figures([DetectionScore(0, (found(box(3), "chair", 0.9), hit), objects)])
    assert alone["objects"] == both["objects"] == 1
    assert alone["ap3d@0.25"] == both["ap3d@0.25"] == 100.0


def test_detection_of_nothing_is_wrong(box):
    objects = (PosedObject("1", "chair", box(0), True),)
    detections = (found(box(5), "chair", 0.9), found(box(0), "chair", 0.5))
    assert detection_figures([DetectionScore(0, detections, objects)])["ap3d@0.25"] == 50.0


def test_nothing_to_detect_gives_no_figure(box):
    figures = detection_figures([DetectionScore(0, (), (PosedObject("1", "chair", box(0), False),))])
    assert (figures["objects"], figures["ap3d@0.25"]) == (0, None)
    assert detection_figures([])["ap3d_any@0.25"] is None


def test_interval_holds_the_figure_and_is_narrow_where_all_frames_are_alike(box):
    true = LabelledBoxes([box(0)], ["chair"])
    hit, miss = (ScoredBoxes([box(x)], ["chair"], [0.9]) for x in (0, 5))
    assert ap_interval([hit] * 5, [true] * 5, 0.25) == [100.0, 100.0]
    low, high = ap_interval([hit, hit, miss, miss], [true] * 4, 0.25)
    assert low < 100 * ap3d([hit, hit, miss, miss], [true] * 4)[0.25].mean < high


def test_interval_matches_detections_as_the_measure_does(box, monkeypatch):
    rng = np.random.default_rng(0)
    truths, detections = [], []
    for _ in range(6):
        places = rng.uniform(-4, 4, 5)
        names = rng.choice(["chair", "table"], 5).tolist()
        truths.append(LabelledBoxes([box(x) for x in places], names))
        near = places + rng.normal(0, 0.4, 5)
        detections.append(ScoredBoxes([box(x) for x in near], names, rng.uniform(0, 1, 5).tolist()))
    # One resample that takes every frame once is the figure itself.
    monkeypatch.setattr("ide3d_training.evaluate.detection.RESAMPLES", 1)
    monkeypatch.setattr(np.random, "default_rng", lambda seed: InOrder())
    expected = round(100 * ap3d(detections, truths)[0.25].mean, 2)
    assert ap_interval(detections, truths, 0.25) == pytest.approx([expected, expected])


class InOrder:
    """Draw every frame once."""

    def integers(self, high: int, size: int) -> np.ndarray:
        return np.arange(size) % high
