# SPDX-License-Identifier: Apache-2.0
"""A questions file is read as it stands, and every fault of it is named by entry and key."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ide3d_ros.cli.offline.questions import MAX_QUESTIONS, Question, QuestionsError, read_questions

DOCS = Path(__file__).parents[3] / "docs" / "offline.md"


def test_file_is_read_as_it_stands(questions: Callable[[str], Path]) -> None:
    found, text = read_questions(
        questions(
            "image_topic: /front/image\nimages: rectified\nquestions:\n"
            "  - {locate: the red chair, at_s: 1}\n"
            "  - {ask: 'is there a mug?', every_frames: 10}\n"
            "  - {describe: true, stamp_ns: 1795633620878547320}\n"
        )
    )
    assert (found.image_topic, found.camera_info_topic, found.images) == ("/front/image", None, "rectified")
    assert [(one.kind, one.text) for one in found.questions] == [
        ("locate", "the red chair"),
        ("ask", "is there a mug?"),
        ("describe", ""),
    ]
    assert found.questions[0].at_s == 1.0
    assert found.questions[2].stamp_ns == 1795633620878547320
    assert b"rectified" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "the file: "),
        ("questions: []", "questions: "),
        ("questions: [{locate: mug, at_s: 1}]\nimages: blurred", "images: "),
        ("questions: [{locate: mug, at_s: 1}]\nimage_topic: front image", "image_topic: "),
        ("questions: [{locate: mug, at_s: 1}]\nbundle: other", "bundle: Extra inputs"),
        ("questions: [{locate: mug, at_s: 1}, {locat: mug, at_s: 1}]", "questions 2 locat: Extra inputs"),
        ("questions: [{locate: mug}]", "questions 1: give one of at_s, stamp_ns, every_frames, not none"),
        ("questions: [{locate: mug, at_s: 1, every_frames: 2}]", "not at_s and every_frames"),
        ("questions: [{locate: mug, ask: is it, at_s: 1}]", "not locate and ask"),
        ("questions: [{at_s: 1}]", "questions 1: give one of locate, ask, describe, not none"),
        ("questions: [{describe: false, at_s: 1}]", "questions 1 describe: "),
        ("questions: [{locate: '', at_s: 1}]", "questions 1: the expression is empty"),
        (f"questions: [{{ask: {'a' * 513}, at_s: 1}}]", "questions 1: the question has 513 characters"),
        ("questions: [{locate: mug, at_s: -1}]", "questions 1 at_s: "),
        ("questions: [{locate: mug, at_s: .nan}]", "questions 1 at_s: "),
        ("questions: [{locate: mug, every_frames: 0}]", "questions 1 every_frames: "),
        ("questions: [{locate: mug, every_frames: 1.5}]", "questions 1 every_frames: "),
        ("questions: [{locate: 3, at_s: 1}]", "questions 1 locate: "),
        ("questions: [" + "{locate: m, at_s: 1}," * (MAX_QUESTIONS + 1) + "]", "at most 1000"),
    ],
)
def test_fault_is_named_by_entry_and_key(questions: Callable[[str], Path], text: str, said: str) -> None:
    with pytest.raises(QuestionsError, match=re.escape(said)) as raised:
        read_questions(questions(text))
    assert str(raised.value).count("\n") == 0


def test_example_of_the_documentation_is_one(questions: Callable[[str], Path]) -> None:
    (example,) = re.findall(
        r"^```yaml\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    found, _ = read_questions(questions(example))
    assert {one.kind for one in found.questions} == {"locate", "ask", "describe"}


def test_every_key_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for name in Question.model_fields:
        assert f"`{name}`" in text, name
