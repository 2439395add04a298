# SPDX-License-Identifier: Apache-2.0
"""Puts logical forms into English, in the wordings that a frame's split allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from . import templates
from .phrases import BOTH, MANY, ONE, NounPhrase, Relation
from .templates import Templates

T = TypeVar("T")

NUMBERS = ("zero", "one", "two", "three", "four")
OBJECT_NOUNS = ("thing", "object", "item")
IRREGULAR_PLURALS = {"bookshelf": "bookshelves"}
ADJECTIVES = {"wood": "wooden"}
"""Materials whose adjective is another word."""
UNIT = "meters"

REQUEST_SHARE = 0.4
"""Of expressions that come inside a request such as "find ..."; the rest are bare noun phrases."""
WHERE_SHARE = 0.25
"""Of requests that ask where something is."""
BARE_SHARE = 0.2
"""Of noun phrases outside of requests that have no determiner: "red chair"."""
PLAIN_SHARE = 0.75
"""Of attributes that stand before the noun, as people mostly put them; the rest use any template."""


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """Draw one of the options, each as likely."""
    return options[int(rng.random() * len(options))]


def weighted_pick(rng: np.random.Generator, options: Sequence[T], weights: Sequence[float]) -> T:
    """Draw one of the options in proportion to its weight."""
    point = float(rng.random()) * sum(weights)
    for option, weight in zip(options, weights, strict=True):
        point -= weight
        if point < 0:
            return option
    return options[-1]


def plural(noun: str) -> str:
    """Return the plural of a noun."""
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def indefinite(words: str) -> str:
    """Put "a" or "an" before the words."""
    return ("an " if words[0] in "aeiou" else "a ") + words


def adjective(material: str) -> str:
    """Return the adjective of a material: "wooden"."""
    return ADJECTIVES.get(material, material)


def name(category: str, color: str) -> str:
    """Return the plain name of an object: "red chair"."""
    return f"{color} {category}"


def length(metres: float) -> str:
    """Return a length as an answer states it, to a tenth of a metre: "1.4 meters"."""
    return f"{metres:.1f} {UNIT}"


class Wording:
    """Draw wordings.

    Args:
        rng: what is drawn with; the same state gives the same texts.
        unseen: draw from the templates that training never uses instead of the others.
    """

    def __init__(self, rng: np.random.Generator, unseen: bool) -> None:
        self._rng, self._unseen = rng, unseen

    def expression(self, phrase: NounPhrase) -> str:
        """Word a phrase as an expression, bare ("red chair") or as a request ("find the red chair").

        An unseen wording is always a request, so that no text is without an unseen template.

        Args:
            phrase: what the expression refers to.

        Returns:
            One lower-case line.
        """
        rng = self._rng
        if not self._unseen and rng.random() >= REQUEST_SHARE:
            if rng.random() < BARE_SHARE and phrase.number != BOTH:
                return self._modified(phrase)
            return self.definite(phrase)
        words = self.definite(phrase)
        request = templates.REQUESTS
        if rng.random() < WHERE_SHARE:
            singular = phrase.number == ONE or words.startswith(("every", "each"))
            request = templates.WHERE_IS if singular else templates.WHERE_ARE
        return self._pick(request).format(a=words)

    def question(self, kind: str, phrases: Sequence[NounPhrase]) -> str:
        """Word a question about one or two phrases.

        Args:
            kind: an intent of `templates.QUESTIONS`.
            phrases: what it asks about; of existence and count questions none need exist.

        Returns:
            One lower-case line.
        """
        if kind == "existence":
            return self._existence(phrases[0])
        template = self._pick(templates.QUESTIONS[kind])
        if kind == "count":
            return template.format(s=self._modified(replace(phrases[0], number=MANY)))
        return template.format(**self._slots(phrases))

    def situated(
        self, kind: str, place: NounPhrase, faced: NounPhrase | None, seat: bool, asked: NounPhrase | str
    ) -> str:
        """Word a question from somebody's point of view.

        Args:
            kind: "situated_side" or "situated_thing".
            place: what they sit on, or where they stand.
            faced: what they look at; None looks where the seat faces.
            seat: they sit on it.
            asked: what the question names; for "situated_thing" a key of `templates.WHERE_FROM_ME`.

        Returns:
            One lower-case line of two sentences.
        """
        if faced is None:
            situation = templates.SEATED
        else:
            situation = templates.SEATED_FACING if seat else templates.STANDING_FACING
        phrases = (place,) if faced is None else (place, faced)
        first = self._pick(situation).format(**self._slots(phrases))
        template = self._pick(templates.QUESTIONS[kind])
        if isinstance(asked, str):
            return f"{first} {template.format(where=self._pick(templates.WHERE_FROM_ME[asked]))}"
        return f"{first} {template.format(a=self.definite(asked))}"

    def caption(self, phrase: NounPhrase, against_wall: bool = False) -> str:
        """Word a description of one object: "this is a red chair next to the table".

        Args:
            phrase: its attributes, and where it is.
            against_wall: say that it stands against the wall.
        """
        words = self._modified(replace(phrase, number=ONE))
        if against_wall:
            words = self._pick(templates.AGAINST_THE_WALL).format(n=words)
        return self._pick(templates.CAPTIONS).format(a=indefinite(words))

    def definite(self, phrase: NounPhrase) -> str:
        """Word a phrase as a definite noun phrase: "the red mug on the table", "all blue chairs"."""
        if phrase.number == ONE:
            return "the " + self._modified(phrase)
        if phrase.number == BOTH:
            return self._pick(templates.BOTH_OF).format(s=self._modified(phrase))
        nameless = phrase.category is None and phrase.color is None and phrase.material is None
        if nameless and not self._unseen and self._rng.random() < 0.5:
            return self._related("everything", phrase.relation, several=False)
        template = self._pick(templates.ALL_OF)
        if "{n}" in template:
            return template.format(n=self._modified(replace(phrase, number=ONE)))
        return template.format(s=self._modified(phrase))

    def _existence(self, phrase: NounPhrase) -> str:
        rng = self._rng
        if phrase.form == "color" and rng.random() < 0.5:
            return self._pick(templates.QUESTIONS["existence_color"]).format(c=phrase.color)
        if rng.random() < 0.3:
            words = self._modified(replace(phrase, number=MANY))
            return self._pick(templates.QUESTIONS["existence_many"]).format(s=words)
        words = indefinite(self._modified(replace(phrase, number=ONE)))
        return self._pick(templates.QUESTIONS["existence"]).format(a=words)

    def _modified(self, phrase: NounPhrase) -> str:
        """Word everything but the determiner: "nearest red mug on the table"."""
        words = self._core(phrase)
        if phrase.selector is not None:
            template = self._pick(templates.SELECTED[phrase.selector])
            if "{s}" in template:
                words = template.format(s=self._core(replace(phrase, number=MANY)))
            else:
                words = template.format(n=words)
        return self._related(words, phrase.relation, several=phrase.number != ONE)

    def _core(self, phrase: NounPhrase) -> str:
        """Word the noun with its attributes: "red wooden chairs"."""
        noun = phrase.category or pick(self._rng, OBJECT_NOUNS)
        if phrase.number != ONE:
            noun = plural(noun)
        if phrase.color is None and phrase.material is None:
            return noun
        if phrase.material is None:
            options = templates.COLORED
        else:
            options = templates.MADE_OF if phrase.color is None else templates.COLORED_AND_MADE_OF
        plain = not self._unseen and self._rng.random() < PLAIN_SHARE
        template = options.seen[0] if plain else self._pick(options)
        if phrase.number != ONE:
            template = template.replace("that is", "that are").replace("which is", "which are")
        material = phrase.material or ""
        return template.format(n=noun, c=phrase.color, m=adjective(material), x=material)

    def _related(self, words: str, relation: Relation | None, *, several: bool) -> str:
        if relation is None:
            return words
        template = self._pick(templates.RELATED[relation.name])
        if several:
            template = template.replace("that is", "that are")
        return template.format(n=words, **self._slots(relation.anchors))

    def _slots(self, phrases: Sequence[NounPhrase]) -> dict[str, str]:
        return {slot: self.definite(phrase) for slot, phrase in zip("ab", phrases, strict=False)}

    def _pick(self, options: Templates) -> str:
        return pick(self._rng, options.of(self._unseen))
