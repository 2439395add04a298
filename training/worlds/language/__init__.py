# SPDX-License-Identifier: Apache-2.0
"""What one can say and ask about a frame: expressions, questions, descriptions, captions, their checker."""

from __future__ import annotations

from .captions import captions
from .denotation import Answer, Checker, answered, denoted
from .descriptions import description
from .expressions import Expression, expressions
from .grammar import UnknownTextError
from .questions import QUESTION_KINDS, Question, questions

__all__ = [
    "QUESTION_KINDS",
    "Answer",
    "Checker",
    "Expression",
    "Question",
    "UnknownTextError",
    "answered",
    "captions",
    "denoted",
    "description",
    "expressions",
    "questions",
]
