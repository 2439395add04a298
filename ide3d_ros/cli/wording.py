# SPDX-License-Identifier: Apache-2.0
"""Which request a person means by a sentence. Knows nothing of ROS."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ide3d_ros.scene.validation import MAX_CHARACTERS

LOCATE, ASK, DESCRIBE = "locate", "ask", "describe"

_POINTING = re.compile(
    r"^(?:please |can you )?"
    r"(?:where(?: is|'s| are)|find|locate|show me|point (?:to|at|out)|look for|search for)"
    r"\s+(?P<what>\S.*?)[\s?.!]*$",
    re.IGNORECASE | re.DOTALL,
)
_DESCRIBING = re.compile(
    r"^(?:please )?(?:describe(?: (?:it|this|what you see|what is there|the (?:room|scene|picture|view)))?"
    r"|what (?:do you see|can you see|is in view))[\s?.!]*$",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"^(?:what|which|who|whose|how|why|when|where|is|are|was|were|do|does|did|can|could|will|would|has|have|should"
    r"|count|tell me)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Request:
    """Hold what is asked of a perception node.

    Attributes:
        kind: "locate", "ask" or "describe".
        text: an expression or a question; empty for a description.
    """

    kind: str
    text: str


def request_for(sentence: str, kind: str = "") -> Request:
    """Choose the request for a sentence.

    Args:
        sentence: such as "where is the red chair?", "the red chair" or "how many chairs are there?".
        kind: the request that the person has named; empty leaves the choice to the wording.

    Returns:
        A location for whatever asks where something is and for a bare noun phrase, an answer for other
        questions. The expression of a location is cut out of the sentence.
    """
    sentence = sentence.strip()
    # What is too long for any request is refused later; here it would only cost time.
    pointing = _POINTING.match(sentence) if len(sentence) <= 2 * MAX_CHARACTERS else None
    if not kind:
        if pointing:
            kind = LOCATE
        elif _DESCRIBING.match(sentence):
            kind = DESCRIBE
        else:
            kind = ASK if sentence.endswith("?") or _ASKING.match(sentence) else LOCATE
    if kind == LOCATE:
        return Request(LOCATE, pointing["what"] if pointing else sentence)
    return Request(kind, "" if kind == DESCRIBE else sentence)
