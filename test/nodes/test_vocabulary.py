# SPDX-License-Identifier: Apache-2.0
"""Texts from outside, before they reach the engine."""

from __future__ import annotations

import pytest

from ide3d_ros.nodes.vocabulary import MAX_LABELS, camera_names_fault, refused_labels, text_fault


@pytest.mark.parametrize("text", ["the red chair", "où est la chaise ?", "椅子", "x" * 512])
def test_plain_text_has_no_fault(text: str) -> None:
    assert text_fault(text, "question") == ""


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "question is empty"),
        ("x" * 513, "513 characters"),
        ("a\tb", "U+0009"),
        ("caf\ufffd", "not UTF-8"),
        ("\ud800", ""),
    ],
)
def test_fault_names_the_rule(text: str, cause: str) -> None:
    fault = text_fault(text, "question")
    assert fault
    assert cause in fault


def test_every_bad_label_is_named_with_its_reason() -> None:
    refused = refused_labels(["chair", "", "chair", "a\nb", "mug"])
    assert refused.keys() == {"", "chair", "a\nb"}
    assert "twice" in refused["chair"]
    assert refused_labels(["chair", "mug"]) == {}


def test_too_many_labels_are_refused_without_reading_them() -> None:
    labels = [f"thing {number}" for number in range(MAX_LABELS)]
    assert refused_labels(labels) == {}
    assert refused_labels([*labels, *labels]) == {"thing 0": "a vocabulary holds at most 64 labels, not 128"}


def test_names_that_cannot_begin_topics_are_refused() -> None:
    assert camera_names_fault(["front", "rear_left", "cam2"]) == ""
    for names in (["front", "front"], ["/front"], ["front-left"], ["2nd"], ["a__b"], ["front/"]):
        assert camera_names_fault(names)
