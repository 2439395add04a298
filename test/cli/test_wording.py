# SPDX-License-Identifier: Apache-2.0
"""The wording of a sentence decides which request it becomes."""

from __future__ import annotations

import pytest

from ide3d_ros.cli.wording import Request, request_for


@pytest.mark.parametrize(
    ("sentence", "kind", "text"),
    [
        ("where is the red chair?", "locate", "the red chair"),
        ("Where are the chairs", "locate", "the chairs"),
        ("where's the mug?!", "locate", "the mug"),
        ("please find the mug on the table.", "locate", "the mug on the table"),
        ("show me every chair", "locate", "every chair"),
        ("the red chair", "locate", "the red chair"),
        ("mug", "locate", "mug"),
        ("how many chairs are there?", "ask", "how many chairs are there?"),
        ("is there a mug", "ask", "is there a mug"),
        ("which is closer, the chair or the table?", "ask", "which is closer, the chair or the table?"),
        ("the chair or the table?", "ask", "the chair or the table?"),
        ("isolated lamp", "locate", "isolated lamp"),
        ("describe", "describe", ""),
        ("What do you see?", "describe", ""),
        ("describe the room", "describe", ""),
    ],
)
def test_wording_decides(sentence: str, kind: str, text: str) -> None:
    assert request_for(sentence) == Request(kind, text)


def test_named_request_goes_before_the_wording() -> None:
    assert request_for("where is the red chair?", "ask") == Request("ask", "where is the red chair?")
    assert request_for("is there a mug?", "locate") == Request("locate", "is there a mug?")
    assert request_for("where is the red chair?", "locate") == Request("locate", "the red chair")
    assert request_for("anything", "describe") == Request("describe", "")


def test_sentence_of_any_length_is_read_at_once() -> None:
    long = "find a" + "?" * 200_000 + "x"  # a pattern would try every question mark as the last one
    assert request_for(long) == Request("locate", long)
