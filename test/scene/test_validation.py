# SPDX-License-Identifier: Apache-2.0
"""What text may be asked."""

from __future__ import annotations

import pytest

from ide3d_ros.scene.validation import MAX_CHARACTERS, MAX_PHRASES, RequestError, check_count, check_text


@pytest.mark.parametrize(
    "text", ["chair", "the red chair", "naïve café", "红色的椅子", "كرسي", "🪑?", "x" * MAX_CHARACTERS]
)
def test_a_line_of_any_script_passes(text: str) -> None:
    assert check_text(text, "question") == text


def test_outer_blanks_are_dropped() -> None:
    assert check_text("  the chair ", "expression") == "the chair"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the question is empty"),
        ("   ", "the question is empty"),
        ("x" * 513, "513 characters; at most 512"),
        ("x" * 10_000, "10000 characters"),
        (" " * 10_000, "10000 characters"),
        ("a\nb", r"control character \(U\+000A\) at place 1"),
        ("\tchair", r"control character \(U\+0009\)"),
        ("nul\0", r"U\+0000"),
        ("\x85", r"U\+0085"),
        ("half \ud83e", r"half of a surrogate pair \(U\+D83E\) at place 5"),
        ("a\u2028b", "line break"),
        (None, "is a NoneType"),
        (b"chair", "is a bytes"),
    ],
)
def test_a_broken_rule_is_named(text: object, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        check_text(text, "question")


def test_a_list_is_bounded() -> None:
    check_count(["x"] * MAX_PHRASES, "vocabulary")
    for phrases in ([], ["x"] * (MAX_PHRASES + 1)):
        with pytest.raises(RequestError, match=f"has {len(phrases)} entries; give 1 to {MAX_PHRASES}"):
            check_count(phrases, "vocabulary")


def test_one_text_is_not_a_list_of_letters() -> None:
    with pytest.raises(RequestError, match="is one text"):
        check_count("chair", "vocabulary")
