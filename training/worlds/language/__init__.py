# SPDX-License-Identifier: Apache-2.0
"""What one can say and ask about a frame: expressions, questions, descriptions, and their checker."""

from __future__ import annotations

from .denotation import UnknownTextError, answered, denoted
from .descriptions import description
from .expressions import Expression, expressions
from .questions import QUESTION_KINDS, Question, questions

__all__ = [
    "QUESTION_KINDS",
    "Expression",
    "Question",
    "UnknownTextError",
    "answered",
    "denoted",
    "description",
    "expressions",
    "questions",
]
