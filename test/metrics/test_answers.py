# SPDX-License-Identifier: Apache-2.0
"""Answers are compared as ScanQA, SQA3D and LEO compare them."""

from __future__ import annotations

import pytest

from ide3d_training.metrics.answers import (
    clean_answer,
    cleaned_match,
    exact_match,
    refined_match,
    spoken_refined_match,
)
from ide3d_training.metrics.inputs import MetricInputError


def test_exact_match_cleans_nothing():
    assert exact_match("red", ["blue", "red"])
    assert not exact_match("Red", ["red"])
    assert not exact_match("red.", ["red"])


@pytest.mark.parametrize(
    ("said", "cleaned"),
    [
        ("  The   Chair ", "chair"),
        ("a table.", "table"),
        ("an apple, the bed", "apple, bed"),
        ("2", "two"),
        ("20", "twenty"),
        ("23", "twenty-three"),
        ("21", "21"),
        ("None", "zero"),
        ("letf", "left"),
        ("behine the chai", "behind chair"),
        ("tv", "TV"),
        ("3 oclock", "three o'clock"),
        ("3 o' clock", "three o'clock"),
        ("mat2", "mat"),
        ("backwards", "backward"),
        ("yes!", "yes"),
        ("brown & white", "brown  white"),
        ("don\u2019t", "dont"),
        ("tehre, rigth rght wasing waslked let", "there, right right washing walked left"),
        ("", ""),
    ],
)
def test_clean_answer_follows_sqa3d(said, cleaned):
    assert clean_answer(said) == cleaned


def test_words_are_only_mended_whole():
    assert clean_answer("chairs") == "chairs"
    assert clean_answer("outlet") == "outlet"
    assert clean_answer("theatre") == "theatre"


def test_cleaned_match_needs_equality():
    assert cleaned_match("The Chair.", ["a sofa", "chair"])
    assert cleaned_match("2", ["two"])
    assert not cleaned_match("red chair", ["chair"])


def test_refined_match_accepts_containment_in_either_direction():
    assert refined_match("red chair", ["chair"])
    assert refined_match("chair", ["office chair"])
    assert refined_match("book shelf", ["bookshelf"])
    assert not refined_match("table", ["chair"])


def test_silence_is_a_refined_match_only_by_the_published_rule():
    assert refined_match("", ["chair"])
    assert refined_match("chair", [""])
    assert not spoken_refined_match("", ["chair"])
    assert not spoken_refined_match("?!", ["chair"])
    assert not spoken_refined_match("chair", [""])
    assert spoken_refined_match("red chair", ["", "chair"])


@pytest.mark.parametrize("match", [exact_match, cleaned_match, refined_match, spoken_refined_match])
def test_bare_text_or_nothing_in_place_of_answers_is_an_error(match):
    with pytest.raises(MetricInputError, match="put it into a list"):
        match("a", "chair")
    with pytest.raises(MetricInputError, match="no reference"):
        match("a", [])
