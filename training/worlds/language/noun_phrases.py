# SPDX-License-Identifier: Apache-2.0
"""Reads noun phrases: "the second red chair from the left", "all mugs on the table"."""

from __future__ import annotations

from ide3d_training.worlds.categories import CATEGORIES, COLORS, MATERIALS

from .phrases import BOTH, MANY, ONE, NounPhrase, Relation
from .wording import OBJECT_NOUNS, plural


class UnknownTextError(ValueError):
    """Raised for a text outside the grammar of the worlds' language."""


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


def read_phrase(words: str, text: str) -> NounPhrase:
    """Read a noun phrase, with or without a determiner.

    Args:
        words: of the phrase, lower-case, with single spaces and no punctuation.
        text: that they are part of, for the error.

    Returns:
        What the phrase says.

    Raises:
        UnknownTextError: if the words are not one noun phrase of the worlds' grammar.
    """
    reader = _Reader(words.split(), text)
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
