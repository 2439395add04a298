# SPDX-License-Identifier: Apache-2.0
"""Reads the worlds' English: expressions and questions back to what they say.

It knows words and their order, not the templates that texts are made of, so that it notices a wording that
says something else than was meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ide3d_training.worlds.categories import COLORS

from .noun_phrases import UnknownTextError, read_phrase
from .phrases import MANY, NounPhrase


@dataclass(frozen=True)
class ParsedQuestion:
    """State what a question asks.

    Attributes:
        kind: a question kind of the worlds.
        phrases: what it asks about, in the order of the text.
        place: what the asker sits on, or where they stand; None where they are the camera.
        faced: what the asker looks at; None with a place looks where the seat faces.
        toward: "left", "right" or "behind" for "what is on my left?".
    """

    kind: str
    phrases: tuple[NounPhrase, ...]
    place: NounPhrase | None = None
    faced: NounPhrase | None = None
    toward: str | None = None


_POLITE = r"(?:please |robot, |can you |could you |do you )*"
_REQUEST = re.compile(
    rf"^{_POLITE}(?:find|locate|show me|point to|point at|look for|go to|i am looking for|where (?:is|are)) "
    r"(?=\S)"
)
_WHERE = re.compile(rf"^{_POLITE}(?:tell me|see|know) where (?P<a>.+) (?:is|are)$")

_M = r"met(?:re|er)s"
_OR = r"(?:closer|nearer)(?: to the camera| to you)?"
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("existence", r"(?:is there|can you see|do you see) (?P<a>an? .+?)(?: here| in view)?"),
    ("existence", r"is (?P<a>an? .+?) (?:visible|in view)"),
    ("existence", r"(?:are there|can you see|do you see|are) any (?P<a>.+?)(?: in view| visible)?"),
    ("existence", r"(?:is there|can you see|is) anything (?P<color>\w+)(?: here| visible)?"),
    ("count", r"how many (?P<a>.+) (?:are there|can you see|do you see|are visible)"),
    ("count", r"(?:please |can you )?count the (?P<a>.+)"),
    ("count", r"what is the number of (?P<a>.+)"),
    ("color", r"(?:what|which) colou?r (?:is (?P<a>.+)|does (?P<b>.+) have)"),
    ("color", r"(?:what is|tell me) the colou?r of (?P<a>.+)"),
    ("material", r"what is (?P<a>.+) made of"),
    ("material", r"(?:which|what) material is (?P<a>.+?)(?: made of)?"),
    ("material", r"(?:what is|tell me) the material of (?P<a>.+)"),
    ("material", r"tell me what (?P<a>.+) is made of"),
    ("support_on", r"what is (?P<a>.+?)(?: standing| sitting)? on(?: top of)?"),
    ("support_on", r"what does (?P<a>.+) stand on"),
    ("support_on", r"tell me what (?P<a>.+) is(?: standing)? on(?: top of)?"),
    ("support_in", r"what is (?P<a>.+?) (?:in|inside|inside of)"),
    ("support_in", r"tell me what (?P<a>.+) is (?:in|inside of)"),
    ("closer", rf"(?:which|what)(?: one)? is {_OR}, (?P<a>.+) or (?P<b>.+)"),
    ("closer", r"is (?P<a>.+) or (?P<b>.+) (?:closer|nearer)"),
    ("taller", r"(?:which|what)(?: one)? is (?:taller|higher), (?P<a>.+) or (?P<b>.+)"),
    ("taller", r"is (?P<a>.+) or (?P<b>.+) taller"),
    ("larger", r"(?:which|what)(?: one)? is (?:larger|bigger), (?P<a>.+) or (?P<b>.+)"),
    ("larger", r"is (?P<a>.+) or (?P<b>.+) (?:larger|bigger)"),
    ("distance", r"how far (?:away )?(?:from you )?is (?P<a>.+?)(?: from you| from the camera)?"),
    ("distance", rf"how (?:far|many {_M}) away is (?P<a>.+)"),
    ("distance", r"(?:what is|tell me) the distance (?:from you )?to (?P<a>.+)"),
    ("separation", r"how far (?:away )?is (?P<a>.+) from (?P<b>.+)"),
    ("separation", rf"how (?:far|many {_M}) apart are (?P<a>.+) and (?P<b>.+)"),
    ("separation", r"(?:what is|tell me) the distance between (?P<a>.+) and (?P<b>.+)"),
    ("separation", r"what is the distance from (?P<a>.+) to (?P<b>.+)"),
    ("height", rf"how (?:many {_M} )?(?:tall|high) is (?P<a>.+)"),
    ("height", r"(?:what is|tell me) the height of (?P<a>.+)"),
    ("width", rf"how (?:many {_M} )?wide is (?P<a>.+)"),
    ("width", r"(?:what is|(?:please )?tell me) the width of (?P<a>.+)"),
    ("direction", r"(?:do|should) i turn left or right to face (?P<a>.+)"),
    ("direction", r"which way (?:do|should) i turn to face (?P<a>.+)"),
    (
        "direction",
        r"is (?P<a>.+) (?:to the left, to the right or straight ahead|straight ahead, left or right)",
    ),
    ("direction", r"in which direction is (?P<a>.+)"),
    ("side", r"is (?P<a>.+?) (?:to the |on the )?(?:left or (?:to the )?right|right or left) of (?P<b>.+)"),
    ("side", r"on which side of (?P<b>.+?) is (?P<a>the .+)"),
    ("depth", r"is (?P<a>.+?)(?: standing)? (?:in front of or behind|behind or in front of) (?P<b>.+)"),
    ("depth", r"does (?P<a>.+) stand in front of or behind (?P<b>.+)"),
    ("room", r"(?:what|which)(?: kind of| type of)? room (?:is this|are you in)"),
)
_QUESTIONS = tuple((kind, re.compile(f"^{pattern}$")) for kind, pattern in _PATTERNS)
_SITUATION = re.compile(
    r"^i (?:am |sit |stand )(?:sitting |standing )?(?P<at>on|where) (?P<a>.+?)(?P<is> is)?,?"
    r"(?: (?:facing|looking at|and look at|looking) (?P<b>.+?))?\. (?P<asked>.+)$"
)
_ON_MY_SIDE = re.compile(
    r"^is (?P<a>.+) (?:on|to) my (?:left or (?:(?:on|to) my )?right|right or (?:to my )?left)$"
)
_FROM_ME = re.compile(
    r"^(?:(?:tell me )?what (?:is|stands)|what do i see) "
    r"(?:(?:on|to) my (?P<toward>left|right)(?: side| hand side)?|(?:right )?(?:behind|in back of) me)$"
)


def parse_expression(text: str) -> NounPhrase:
    """Read an expression of the worlds' grammar.

    Args:
        text: for example "where is the red mug on the table?".

    Returns:
        What the text says.

    Raises:
        UnknownTextError: if the text is outside the grammar.
    """
    plain = _plain(text)
    where = _WHERE.match(plain)
    return read_phrase(where["a"] if where else _REQUEST.sub("", plain), text)


def parse_question(text: str) -> ParsedQuestion:
    """Read a question of the worlds' grammar.

    Args:
        text: for example "which is closer, the sofa or the red chair?".

    Returns:
        What it asks.

    Raises:
        UnknownTextError: if the text is outside the grammar.
    """
    plain = _plain(text)
    situation = _SITUATION.match(plain)
    if situation is not None:
        return _situated(situation, text)
    for kind, pattern in _QUESTIONS:
        match = pattern.match(plain)
        if match is None:
            continue
        groups = match.groupdict()
        if "color" in groups:
            if groups["color"] not in COLORS:
                raise UnknownTextError(f"{text!r}: {groups['color']!r} is not a colour of the worlds")
            return ParsedQuestion(kind, (NounPhrase(None, groups["color"], number=MANY),))
        try:
            phrases = tuple(read_phrase(groups[slot], text) for slot in ("a", "b") if groups.get(slot))
        except UnknownTextError:  # the same words may begin another sort of question
            continue
        return ParsedQuestion(kind, phrases)
    raise UnknownTextError(f"{text!r} is not a question of the worlds' grammar")


def _situated(situation: re.Match[str], text: str) -> ParsedQuestion:
    place = read_phrase(situation["a"], text)
    facing = situation["b"]
    faced = None if facing in (None, "straight ahead") else read_phrase(facing, text)
    if situation["at"] == "where" and (faced is None or situation["is"] is None):
        raise UnknownTextError(f"{text!r} does not say what the asker looks at")
    side = _ON_MY_SIDE.match(situation["asked"])
    if side is not None:
        return ParsedQuestion("situated_side", (read_phrase(side["a"], text),), place, faced)
    thing = _FROM_ME.match(situation["asked"])
    if thing is None:
        raise UnknownTextError(f"{text!r} is not a question of the worlds' grammar")
    return ParsedQuestion("situated_thing", (), place, faced, thing["toward"] or "behind")


def _plain(text: str) -> str:
    return " ".join(text.lower().rstrip(" ?.!").split())
