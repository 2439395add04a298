# SPDX-License-Identifier: Apache-2.0
"""One frame's responses are compared with its truth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ide3d_training.evaluate.figures import summary
from ide3d_training.evaluate.posed import PosedQuestion, Responses
from ide3d_training.evaluate.scoring import score_answer, score_frame

FAR = PosedQuestion("how far is the chair?", ("2.0 m",), "distance", value_m=2.0, tolerance_m=0.1)


def test_scores_of_boxes_and_answers_are_kept_for_calibration(posed, scripted, box):
    frame = posed(3)
    responder = scripted([[box(0), box(2)], [], []], ["yes", "no"], [[0.9, 0.4], [], []], [0.8, 0.3])
    scores = score_frame(frame, responder.respond(frame))
    assert [s.confidence for s in scores.expressions] == [0.9, None, None]
    assert [s.confidence for s in scores.questions] == [0.8, 0.3]
    assert {s.group for s in (*scores.expressions, *scores.questions)} == {3}


def test_responses_without_scores_are_scored_all_the_same(posed, scripted, box):
    frame = posed(0)
    scores = score_frame(frame, scripted([[box(0)], [], []], ["yes", "two"]).respond(frame))
    assert scores.expressions[0].iou == 1.0 and scores.expressions[0].confidence is None


def test_traits_go_with_the_score(posed, scripted):
    frame = posed(0)
    sorted_out = tuple(replace(e, traits={"size": "large"}) for e in frame.expressions)
    frame = replace(frame, expressions=sorted_out)
    scores = score_frame(frame, scripted([[], [], []], ["", ""]).respond(frame))
    assert [s.traits["size"] for s in scores.expressions] == ["large"] * 3


def test_detections_are_scored_only_where_there_are_objects(posed, scripted):
    frame = posed(0)
    assert score_frame(frame, scripted([[], [], []], ["", ""]).respond(frame)).detections == ()


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("2.0 m", True),  # accepted as it stands
        ("about 1.95 metres", True),
        ("205 cm", True),
        ("2.05", False),
        ("2.2 m", False),
        ("two chairs", False),
        ("yes", False),
    ],
)
def test_length_is_right_in_any_unit_within_its_tolerance(said, right):
    assert score_answer(FAR, said, group=0).right is right


def test_length_that_was_said_is_kept_in_metres():
    assert score_answer(FAR, "150 cm", group=0).said_m == 1.5
    assert score_answer(FAR, "far away", group=0).said_m is None


def test_number_in_an_answer_to_another_question_is_no_length():
    asked = PosedQuestion("how many?", ("two",), "count")
    score = score_answer(asked, "3", group=0)
    assert (score.value_m, score.said_m, score.right) == (None, None, False)


def test_refused_text_is_wrong_even_where_nothing_was_to_be_found(posed):
    frame = posed(0)
    scores = score_frame(frame, Responses((None, None, None), (None, None)))
    assert [s.f1 for s in scores.expressions] == [(0.0, 0.0)] * 3
    assert all(s.refused for s in (*scores.expressions, *scores.questions))
    figures = summary(scores)
    assert (figures["n_refused"], figures["zero_rejection"], figures["em"]) == (5, 0.0, 0.0)


def test_response_too_many_is_an_error(posed):
    with pytest.raises(ValueError):
        score_frame(posed(0), Responses(((), (), (), ()), ("", "")))
