# SPDX-License-Identifier: Apache-2.0
"""Scores of frames sum up to the figures that the report prints."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.evaluate.figures import intervals, majority, summary
from ide3d_training.evaluate.scoring import Scores, score_frame


def scored(posed, scripted, boxes, answers, rooms: int = 2) -> Scores:
    total = Scores()
    for room in range(rooms):
        frame = posed(room)
        total += score_frame(frame, scripted(boxes, answers).respond(frame))
    return total


def test_perfect_responses_score_a_hundred(posed, scripted, box):
    figures = summary(scored(posed, scripted, [[box(0)], [box(1.5), box(-1.5)], []], ["yes", "two"]))
    for key in ("acc@0.25", "acc@0.50", "f1@0.25", "f1@0.50", "em", "zero_rejection", "positive_detection"):
        assert figures[key] == 100.0, key
    assert figures["em_by_kind"] == {"count": 100.0, "existence": 100.0}
    assert figures["n_queries"] == 2 * 5
    assert figures["n_expressions"] == {"multi": 2, "unique": 2, "zero": 2}
    assert figures["depth_error_m"] == 0.0


def test_silence_scores_only_where_nothing_was_to_be_found(posed, scripted):
    figures = summary(scored(posed, scripted, [[], [], []], ["", ""]))
    assert figures["acc@0.25"] == 0.0
    assert figures["f1@0.25"] == 50.0  # zero target right, multi target wrong
    assert figures["zero_rejection"] == 100.0
    assert figures["positive_detection"] == 0.0
    assert figures["em"] == 0.0
    assert figures["depth_error_m"] is None


def test_acc_thresholds_are_told_apart(posed, scripted, box):
    figures = summary(scored(posed, scripted, [[box(0.5)], [], []], ["", ""]))  # IoU one third
    assert (figures["acc@0.25"], figures["acc@0.50"]) == (100.0, 0.0)


def test_f1_is_over_multi_and_zero_expressions_only(posed, scripted, box):
    figures = summary(scored(posed, scripted, [[], [box(-1.5)], [box(0)]], ["", ""]))
    assert figures["f1@0.25"] == pytest.approx(100 * (2 / 3 + 0) / 2, abs=0.01)
    assert figures["zero_rejection"] == 0.0
    assert figures["by_form"]["multi/category"] == {
        "n": 2,
        "f1@0.25": 66.67,
        "f1@0.50": 66.67,
        "interval": {"f1@0.25": [66.67, 66.67], "f1@0.50": [66.67, 66.67]},
    }
    assert figures["by_form"]["unique/color_category"]["acc@0.25"] == 0.0


def test_answers_are_compared_as_sqa3d_does_and_by_kind(posed, scripted):
    figures = summary(scored(posed, scripted, [[], [], []], ["Yes.", "three"]))
    assert figures["em_by_kind"] == {"count": 0.0, "existence": 100.0}
    assert figures["em"] == 50.0


def test_depth_diagnostics_tell_a_box_on_the_right_ray(posed, scripted, box):
    figures = summary(scored(posed, scripted, [[box(0.0, depth=4.5)], [], []], ["", ""]))
    assert figures["depth_error_m"] == pytest.approx(1.5)
    assert figures["log_depth_error"] == pytest.approx(np.log(1.5), abs=1e-4)
    assert figures["diagnostics"]["right_pixel"] == 100.0
    assert figures["diagnostics"]["right_pixel_acc@0.25"] == 0.0
    assert figures["diagnostics"]["true_depth_acc@0.25"] == 100.0
    assert figures["diagnostics"]["true_pixel_acc@0.25"] == 0.0


def test_missing_response_is_an_error_not_a_zero(posed, scripted):
    frame = posed(0)
    with pytest.raises(ValueError):
        score_frame(frame, scripted([[], []], ["", ""]).respond(frame))


def test_no_frames_give_no_figures():
    figures = summary(Scores())
    assert figures["acc@0.25"] is None and figures["em"] is None
    assert figures["n_queries"] == 0
    assert intervals(Scores())["em"] is None


def test_interval_resamples_rooms(posed, scripted, box):
    right, wrong = [[box(0)], [], []], [[], [], []]
    scores = scored(posed, scripted, right, ["yes", "two"], rooms=1)
    for room in (1, 2, 3):
        scores += score_frame(posed(room), scripted(wrong, ["no", "one"]).respond(posed(room)))
    found = intervals(scores)
    low, high = found["acc@0.25"]
    assert low == 0.0 and 50.0 <= high <= 100.0
    assert found["zero_rejection"] == [100.0, 100.0]
    assert found["positive_detection"][0] == 0.0


def test_majority_is_the_best_constant_answer_to_these_questions(posed, scripted):
    scores = scored(posed, scripted, [[], [], []], ["no", "no"])
    assert majority(scores) == {
        "count": {"answer": "two", "em": 100.0},
        "existence": {"answer": "yes", "em": 100.0},
    }
