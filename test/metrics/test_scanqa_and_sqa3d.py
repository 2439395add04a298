# SPDX-License-Identifier: Apache-2.0
"""Sets of questions are scored as ScanQA and SQA3D score them."""

from __future__ import annotations

import pytest

from ide3d_training.metrics.captions import caption_scores
from ide3d_training.metrics.grouping import GroupMean
from ide3d_training.metrics.inputs import MetricInputError
from ide3d_training.metrics.scanqa import scanqa_scores
from ide3d_training.metrics.sqa3d import question_type, sqa3d_scores


def test_scanqa_matches_the_raw_answer_and_measures_text_without_final_full_stops(no_java):
    answers = [["brown", "dark brown"], ["2"], ["on the Table"]]
    scores = scanqa_scores(["brown", "2.", "on the table."], answers)
    assert scores.em == pytest.approx(1 / 3)
    assert scores.text == caption_scores(["brown", "2", "on the table"], answers)


def test_scanqa_refuses_a_question_without_answers(no_java):
    with pytest.raises(MetricInputError, match="item 1"):
        scanqa_scores(["a", "b"], [["a"], []])


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What is behind me?", "what"),
        ("Is the door open?", "is"),
        ("How many chairs?", "how"),
        ("Can I see the bed?", "can"),
        ("Which side is it on?", "which"),
        (" which one?", "which"),
        ("Are there any lamps?", "other"),
        ("", "other"),
    ],
)
def test_question_type_is_what_it_starts_with(question, name):
    assert question_type(question) == name


def test_sqa3d_scores_by_type_and_overall():
    scores = sqa3d_scores(
        ["The Chair.", "2", "red chair", ""],
        [["chair"], ["two"], ["chair"], ["left"]],
        ["What is it?", "How many?", "What is that?", "Which side?"],
    )
    assert scores.em.overall == GroupMean(0.5, 4)
    assert scores.em.by_type == {
        "what": GroupMean(0.5, 2),
        "how": GroupMean(1.0, 1),
        "which": GroupMean(0.0, 1),
    }
    assert scores.em_refined.by_type["what"] == GroupMean(1.0, 2)
    assert scores.em_refined.overall == GroupMean(1.0, 4)  # the empty answer is a part of "left"
    assert scores.em_refined_spoken.overall == GroupMean(0.75, 4)


def test_sqa3d_refuses_lists_of_different_length():
    with pytest.raises(MetricInputError, match="1 predictions, 1 answers, 2 questions"):
        sqa3d_scores(["a"], [["a"]], ["What?", "Is?"])
