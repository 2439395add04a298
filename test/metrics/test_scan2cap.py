# SPDX-License-Identifier: Apache-2.0
"""Captions count only where the captioned box lies on the object, and count over all objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ide3d_training.metrics.captions import caption_scores
from ide3d_training.metrics.inputs import MetricInputError
from ide3d_training.metrics.scan2cap import (
    ObjectCaption,
    best_proposal,
    normalised,
    scan2cap_scores,
    wrapped,
)

pytestmark = pytest.mark.usefixtures("no_java")

CHAIR = ObjectCaption("scene0000", "1", "A red chair.", 0.8, ("a red chair.", "the chair is red."))
TABLE = ObjectCaption("scene0000", "2", "A brown table.", 0.5, ("a brown table.",))
DOOR = ObjectCaption("scene0001", "1", "A white door.", 0.4, ("a white door.",))


def test_text_is_lowered_and_punctuation_stands_alone():
    assert normalised("A chair, next to it.  Red.") == "a chair , next to it . red ."


def test_wrapper_stands_on_both_sides_even_of_nothing():
    assert wrapped("a chair .") == "sos a chair . eos"
    assert wrapped("") == "sos eos"


def test_best_proposal_is_the_one_that_overlaps_most(cube):
    index, iou = best_proposal([cube(0.5), cube(0.1), cube(4)], cube(0))
    assert index == 1 and iou == pytest.approx(0.9 / 1.1)
    assert best_proposal([], cube(0)) is None


def test_caption_below_the_threshold_counts_as_empty_and_not_as_missing():
    scores = scan2cap_scores([CHAIR, TABLE, DOOR])
    references = [["a red chair .", "the chair is red ."], ["a brown table ."], ["a white door ."]]
    assert scores.plain == caption_scores(["a red chair .", "a brown table .", ""], references)
    assert scores.plain.count == 3
    assert scores.described == 2  # an IoU of exactly k counts


def test_wrapper_is_around_predictions_and_references():
    scores = scan2cap_scores([CHAIR, TABLE, DOOR])
    references = [
        ["sos a red chair . eos", "sos the chair is red . eos"],
        ["sos a brown table . eos"],
        ["sos a white door . eos"],
    ]
    said = ["sos a red chair . eos", "sos a brown table . eos", "sos eos"]
    assert scores.wrapped == caption_scores(said, references)


def test_wrapper_lifts_an_empty_answer():
    scores = scan2cap_scores([replace(CHAIR, iou=0.0), replace(TABLE, iou=0.0)])
    assert scores.plain.bleu[0] == scores.plain.rouge_l == 0.0
    assert scores.wrapped.bleu[0] > 0.0 and scores.wrapped.rouge_l > 0.3
    assert scores.described == 0


def test_threshold_is_the_k_of_the_measure():
    assert scan2cap_scores([CHAIR, TABLE, DOOR], min_iou=0.25).described == 3
    assert np.isclose(scan2cap_scores([CHAIR, TABLE, DOOR], min_iou=0.25).plain.rouge_l, 1.0)


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([], "no objects"),
        ([CHAIR, CHAIR], "object 1 of scene0000 is given more than once"),
        ([replace(CHAIR, references=())], "no reference"),
        ([replace(CHAIR, iou=1.5)], "0..1"),
    ],
)
def test_bad_input_is_named(objects, message):
    with pytest.raises(MetricInputError, match=message):
        scan2cap_scores(objects)
