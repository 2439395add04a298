# SPDX-License-Identifier: Apache-2.0
"""Scores are compared with how often they are right."""

from __future__ import annotations

import json

import pytest

from ide3d_training.evaluate.confidence import confidence_figures
from ide3d_training.evaluate.scoring import ExpressionScore, QuestionScore, Scores


def located(confidence: float | None, iou: float, kind: str = "unique") -> ExpressionScore:
    return ExpressionScore(0, kind, "category", True, iou, (0.0, 0.0), None, confidence)


def test_overconfidence_is_the_calibration_error():
    scores = Scores(tuple(located(0.9, iou) for iou in (0.5, 0.0, 0.25, 0.2)))
    boxes = confidence_figures(scores)["boxes"]
    assert (boxes["n"], boxes["right"], boxes["ece"]) == (4, 50.0, 40.0)
    assert boxes["bins"] == [{"from": 0.8, "to": 0.9, "n": 4, "confidence": 0.9, "right": 0.5}]


def test_surest_answers_come_first_in_the_risk():
    asked = tuple(
        QuestionScore(0, "count", "one", "one", right, sure)
        for right, sure in ((True, 0.9), (True, 0.8), (False, 0.3), (False, 0.2))
    )
    answers = confidence_figures(Scores(questions=asked))["answers"]
    assert answers["risk_coverage"]["risk"] == [0.0, 0.0, pytest.approx(1 / 3, abs=1e-3), 0.5]
    assert answers["e_aurc"] == 0.0  # in the best order already


def test_only_unique_targets_with_a_score_count():
    scores = Scores((located(None, 0.9), located(0.5, 0.9, kind="multi"), located(1.0 + 1e-9, 0.9)))
    figures = confidence_figures(scores)
    assert figures["boxes"]["n"] == 1
    assert figures["answers"] is None


def test_figures_survive_json():
    figures = confidence_figures(Scores(tuple(located(i / 300, i / 300) for i in range(300))))
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert len(figures["boxes"]["risk_coverage"]["risk"]) <= 50
