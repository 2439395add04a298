# SPDX-License-Identifier: Apache-2.0
"""When an answer counts as right: ScanQA's EM@1, SQA3D's cleaned EM and LEO's refined EM (EM-R)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .inputs import check_references

_NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()

# Whole-word corrections in SQA3D's cleaning, in its order: typing errors of its annotators, then numbers.
_REPLACEMENTS: dict[str, str] = {
    "letf": "left",
    "let": "left",
    "tehre": "there",
    "rigth": "right",
    "rght": "right",
    "behine": "behind",
    "tv": "TV",
    "chai": "chair",
    "wasing": "washing",
    "waslked": "walked",
    "oclock": "o'clock",
    "none": "zero",
    **{str(number): word for number, word in enumerate(_NUMBER_WORDS)},
    "23": "twenty-three",
}
_REPLACED = re.compile(r"\b(" + "|".join(sorted(_REPLACEMENTS, key=len, reverse=True)) + r")\b")


def exact_match(prediction: str, answers: Sequence[str]) -> bool:
    """Return whether the raw prediction is one of the answers (EM@1 as ScanQA's code family has it).

    Raises:
        MetricInputError: if there is no answer, or one bare text where a list of texts belongs.
    """
    check_references([answers])
    return prediction in answers


def clean_answer(text: str) -> str:
    """Bring an answer into SQA3D's normal form.

    Args:
        text: a predicted or an annotated answer.

    Returns:
        Lower-case words (but "TV") without articles, small numbers as words, known typing errors mended.
    """
    text = re.sub(r" {2,}", " ", text.lower().strip(" "))
    text = re.sub(r"[^a-z0-9,'\s\-:]+", "", text)
    text = _REPLACED.sub(lambda match: _REPLACEMENTS[match.group()], text)
    text = re.sub(r"\bo' +clock\b", "o'clock", text)
    text = re.sub(r"\b([a-zA-Z]+)[0-9]\b", r"\1", text)
    for article in ("a", "an", "the"):
        text = re.sub(rf"\b{article} ([a-zA-Z]+)", r"\1", text)
    return re.sub(r"\bbackwards\b", "backward", text)


def cleaned_match(prediction: str, answers: Sequence[str]) -> bool:
    """Return whether the prediction equals one of the answers once both are cleaned (SQA3D's EM).

    Raises:
        MetricInputError: if there is no answer, or one bare text where a list of texts belongs.
    """
    check_references([answers])
    cleaned = clean_answer(prediction)
    return any(cleaned == clean_answer(answer) for answer in answers)


def refined_match(prediction: str, answers: Sequence[str]) -> bool:
    """Return whether, cleaned and without spaces, one string contains the other for any answer (LEO's EM-R).

    This is the published rule, by which an empty prediction is always right: it is a part of every string.
    `spoken_refined_match` does without that.

    Raises:
        MetricInputError: if there is no answer, or one bare text where a list of texts belongs.
    """
    check_references([answers])
    said = _joined(prediction)
    return any(said in wanted or wanted in said for wanted in map(_joined, answers))


def spoken_refined_match(prediction: str, answers: Sequence[str]) -> bool:
    """Return what `refined_match` does, but False where nothing is left of the prediction or of the answer.

    Raises:
        MetricInputError: if there is no answer, or one bare text where a list of texts belongs.
    """
    check_references([answers])
    if not _joined(prediction):
        return False
    spoken = [answer for answer in answers if _joined(answer)]
    return bool(spoken) and refined_match(prediction, spoken)


def _joined(text: str) -> str:
    return "".join(clean_answer(text).split())
