# SPDX-License-Identifier: Apache-2.0
"""Limits of a request: what text may be asked, and how much of it at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

MAX_CHARACTERS = 512
MAX_PHRASES = 256

_FORBIDDEN = {
    "Cc": "a control character",
    "Cs": "half of a surrogate pair",
    "Zl": "a line break",
    "Zp": "a line break",
}


class RequestError(ValueError):
    """Report a request that breaks a limit; the sentence says which."""


def check_text(text: str, kind: str) -> str:
    """Check one expression or question and return it without outer blanks.

    Args:
        text: as it came from outside.
        kind: what it is, for the message: "expression" or "question".

    Raises:
        RequestError: if it is not text, empty, too long, or holds characters that no sentence holds.
    """
    if not isinstance(text, str):
        raise RequestError(f"the {kind} is a {type(text).__name__}; give text")
    if len(text) > MAX_CHARACTERS:  # before anything that walks over it
        raise RequestError(f"the {kind} has {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    text = text.strip(" ")
    if not text:
        raise RequestError(f"the {kind} is empty; write what to look for or ask")
    for place, character in enumerate(text):
        category = unicodedata.category(character)
        if category in _FORBIDDEN:
            raise RequestError(
                f"the {kind} holds {_FORBIDDEN[category]} (U+{ord(character):04X}) at place {place}; "
                "send one line of plain Unicode text"
            )
    return text


def check_count(phrases: Sequence[str], kind: str) -> None:
    """Check how many phrases one request holds.

    Raises:
        RequestError: if `phrases` is a single text, is empty, or holds more than MAX_PHRASES.
    """
    if isinstance(phrases, str):
        raise RequestError(f"the {kind} is one text; give a list of texts")
    if not 1 <= len(phrases) <= MAX_PHRASES:
        raise RequestError(f"the {kind} has {len(phrases)} entries; give 1 to {MAX_PHRASES}")
