# SPDX-License-Identifier: Apache-2.0
"""Reads the worlds' English: expressions and questions back to what they say.

It knows words and their order, not the templates that texts are made of, so that it notices a wording that says
something else than was meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ide3d_training.worlds.categories import CATEGORIES, COLORS, MATERIALS

from .phrases import BOTH, MANY, ONE, NounPhrase, Relation
from .wording import OBJECT_NOUNS, plural


class UnknownTextError(ValueError):
    """Raised for a text outside the grammar of the worlds' language."""


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


class _Phrasebook:
    """Know the meanings of some sequences of words.

    Args:
        entries: meaning by words; None is a meaning like any other.
    """

    def __init__(self, entries: dict[str, str | None]) -> None:
        self._by_first: dict[str, list[tuple[list[str], str | None]]] = {}
        for text in sorted(entries, key=lambda text: -len(text.split())):
            words = text.split()
            self._by_first.setdefault(words[0], []).append((words, entries[text]))

    def longest(self, words: list[str], at: int) -> tuple[int, str | None]:
        """Return the number of words of the longest entry that begins there, 0 for none, and its meaning."""
        for entry, meaning in self._by_first.get(words[at], ()) if at < len(words) else ():
            if words[at : at + len(entry)] == entry:
                return len(entry), meaning
        return 0, None


_DETERMINERS = _Phrasebook(
    {
        "all": MANY,
        "all the": MANY,
        "all of the": MANY,
        "every": MANY,
        "each": MANY,
        "both": BOTH,
        "both the": BOTH,
        "both of the": BOTH,
        "the two": BOTH,
        "the": None,
        "a": None,
        "an": None,
    }
)
_BEFORE_NOUN = _Phrasebook(
    {
        "left": "left",
        "left hand": "left",
        "right": "right",
        "right hand": "right",
        "leftmost": "leftmost",
        "rightmost": "rightmost",
        "nearest": "nearest",
        "closest": "nearest",
        "farthest": "farthest",
        "furthest": "farthest",
        "most distant": "farthest",
        "largest": "largest",
        "biggest": "largest",
        "smallest": "smallest",
        "very smallest": "smallest",
        "tallest": "tallest",
        "highest": "tallest",
        "shortest": "shortest",
        "lowest": "shortest",
        "larger": "larger",
        "bigger": "larger",
        "big": "larger",
        "smaller": "smaller",
        "small": "smaller",
        "little": "smaller",
        "second": "second",
        "third": "third",
    }
)
_AFTER_NOUN = _Phrasebook(
    {f"on the {side}{end}": side for side in ("left", "right") for end in ("", " side", " hand side")}
    | {
        f"{far} {to}{side}": f"{side}most"
        for side in ("left", "right")
        for far in ("farthest", "furthest")
        for to in ("", "to the ")
    }
    | {f"{near} to {me}": "nearest" for near in ("nearest", "closest") for me in ("you", "the camera")}
    | {f"{far} from {me}": "farthest" for far in ("farthest", "furthest") for me in ("you", "the camera")}
    | {
        "the largest": "largest",
        "the biggest": "largest",
        "the smallest": "smallest",
        "the tallest": "tallest",
        "the shortest": "shortest",
        "larger": "larger",
        "smaller": "smaller",
        "second": "second",
        "third": "third",
    }
)
_COUNTED_FROM = _Phrasebook(
    {f"{counting}from the {side}": side for side in ("left", "right") for counting in ("", "counting ")}
)
_RELATIONS = _Phrasebook(
    {
        "on": "on",
        "on top of": "on",
        "in": "in",
        "inside": "in",
        "inside of": "in",
        "under": "under",
        "underneath": "under",
        "below": "under",
        "next to": "next_to",
        "beside": "next_to",
        "by": "next_to",
        "close to": "next_to",
        "behind": "behind",
        "in back of": "behind",
        "in front of": "in_front_of",
        "between": "between",
        "in between": "between",
        "nearest": "nearest_to",
        "nearest to": "nearest_to",
        "closest to": "nearest_to",
        "farthest from": "farthest_from",
        "furthest from": "farthest_from",
        "farthest away from": "farthest_from",
        "furthest away from": "farthest_from",
        "most distant from": "farthest_from",
    }
    | {
        f"{at}{side}{of}": f"{side}_of"
        for side in ("left", "right")
        for at, of in (("", " of"), ("to the ", " of"), ("on the ", " of"), ("on the ", " side of"))
    }
)
_LINKS = _Phrasebook({"that is": None, "that are": None, "which is": None, "which are": None})
_POSTURES = _Phrasebook({"standing": None, "sitting": None})
_COLOR_WORDS = _Phrasebook(
    {color: color for color in COLORS}
    | {f"{color} {colored}": color for color in COLORS for colored in ("coloured", "colored")}
)
_MATERIAL_WORDS = _Phrasebook({("wooden" if m == "wood" else m): m for m in MATERIALS})
_MADE_OF = _Phrasebook({f"made of {material}": material for material in MATERIALS})
_EVERYTHING = _Phrasebook({"everything": None})
_AMONG = _Phrasebook({"of the": None, "of the two": None})
_TO_OR_FROM = _Phrasebook({"to": None, "from": None})
_AND = _Phrasebook({"and": None})
_NUMERALS = ("second", "third")
_TO_ANCHOR = {"nearest": "nearest_to", "farthest": "farthest_from"}
_SINGULAR = {noun: noun for noun in CATEGORIES} | {noun: None for noun in OBJECT_NOUNS}
_PLURAL = {plural(noun): category for noun, category in _SINGULAR.items()}

_POLITE = r"(?:please |robot, |can you |could you |do you )*"
_REQUEST = re.compile(
    rf"^{_POLITE}(?:(?:find|locate|show me|point to|point at|look for|go to|i am looking for|where is|where are) )(?=\S)"
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
    return _phrase(where["a"] if where else _REQUEST.sub("", plain), text)


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
            phrases = tuple(_phrase(groups[slot], text) for slot in ("a", "b") if groups.get(slot))
        except UnknownTextError:  # the same words may begin another sort of question
            continue
        return ParsedQuestion(kind, phrases)
    raise UnknownTextError(f"{text!r} is not a question of the worlds' grammar")


def _situated(situation: re.Match[str], text: str) -> ParsedQuestion:
    place = _phrase(situation["a"], text)
    facing = situation["b"]
    faced = None if facing in (None, "straight ahead") else _phrase(facing, text)
    if situation["at"] == "where" and (faced is None or situation["is"] is None):
        raise UnknownTextError(f"{text!r} does not say what the asker looks at")
    side = _ON_MY_SIDE.match(situation["asked"])
    if side is not None:
        return ParsedQuestion("situated_side", (_phrase(side["a"], text),), place, faced)
    thing = _FROM_ME.match(situation["asked"])
    if thing is None:
        raise UnknownTextError(f"{text!r} is not a question of the worlds' grammar")
    return ParsedQuestion("situated_thing", (), place, faced, thing["toward"] or "behind")


def _plain(text: str) -> str:
    return " ".join(text.lower().rstrip(" ?.!").split())


def _phrase(plain: str, text: str) -> NounPhrase:
    reader = _Reader(plain.split(), text)
    phrase = reader.phrase()
    reader.expect_end()
    return phrase


class _Reader:
    """Read noun phrases off a list of words, from left to right."""

    def __init__(self, words: list[str], text: str) -> None:
        self._words, self._text, self._at = words, text, 0

    def expect_end(self) -> None:
        """Raise UnknownTextError if words are left."""
        if self._at < len(self._words):
            rest = " ".join(self._words[self._at :])
            raise UnknownTextError(f"{self._text!r}: {rest!r} is outside the grammar")

    def phrase(self) -> NounPhrase:
        """Read one noun phrase with all that belongs to it."""
        if self._skip(_EVERYTHING):
            return self._after_noun(None, {}, MANY, None)
        number = self._meaning(_DETERMINERS)
        selector = self._meaning(_BEFORE_NOUN)
        among = selector is not None and self._skip(_AMONG)
        attributes = {"color": self._meaning(_COLOR_WORDS), "material": self._meaning(_MATERIAL_WORDS)}
        word = self._words[self._at] if self._at < len(self._words) else ""
        if word not in _SINGULAR and word not in _PLURAL:
            read = " ".join(self._words[: self._at])
            raise UnknownTextError(f"{self._text!r}: no known object is named after {read!r}")
        self._at += 1
        if word in _PLURAL:
            category, usual = _PLURAL[word], ONE if among else MANY
        else:
            category, usual = _SINGULAR[word], ONE
        return self._after_noun(category, attributes, number or usual, selector)

    def _after_noun(
        self, category: str | None, attributes: dict[str, str | None], number: str, selector: str | None
    ) -> NounPhrase:
        relation = None
        while relation is None and self._at < len(self._words):
            start = self._at
            self._skip(_LINKS)
            if color := self._meaning(_COLOR_WORDS):
                attributes["color"] = color
            elif material := self._meaning(_MADE_OF):
                attributes["material"] = material
            elif selector in _NUMERALS:
                selector = f"{selector}_{self._counted_from()}"
            elif selector in _TO_ANCHOR and self._skip(_TO_OR_FROM):
                selector, relation = None, Relation(_TO_ANCHOR[selector], (self.phrase(),))
            else:
                self._skip(_POSTURES)
                selecting, selected = _AFTER_NOUN.longest(self._words, self._at)
                relating, name = _RELATIONS.longest(self._words, self._at)
                if relating >= max(selecting, 1):
                    self._at += relating
                    relation = self._relation(str(name))
                elif selecting and selector is None:
                    self._at += selecting
                    selector = selected
                else:
                    self._at = start
                    break
        if selector in _NUMERALS:
            self._counted_from()
        return NounPhrase(category, number=number, selector=selector, relation=relation, **attributes)

    def _counted_from(self) -> str:
        side = self._meaning(_COUNTED_FROM)
        if side is None:
            raise UnknownTextError(f"{self._text!r} does not say from which side to count")
        return side

    def _relation(self, name: str) -> Relation:
        first = self.phrase()
        if name != "between":
            return Relation(name, (first,))
        if not self._skip(_AND):
            raise UnknownTextError(f"{self._text!r}: between {first.category} and what else?")
        return Relation(name, (first, self.phrase()))

    def _skip(self, phrasebook: _Phrasebook) -> bool:
        """Go past the longest entry that begins here, if one does."""
        length, _ = phrasebook.longest(self._words, self._at)
        self._at += length
        return length > 0

    def _meaning(self, phrasebook: _Phrasebook) -> str | None:
        """Go past the longest entry that begins here and return its meaning."""
        length, meaning = phrasebook.longest(self._words, self._at)
        self._at += length
        return meaning
