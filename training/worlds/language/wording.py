# SPDX-License-Identifier: Apache-2.0
"""English for noun phrases, expressions and questions, in several wordings each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from .phrases import BOTH, ONE, NounPhrase

T = TypeVar("T")

NUMBERS = ("zero", "one", "two", "three", "four")
OBJECT_NOUNS = ("thing", "object")
IRREGULAR_PLURALS = {"bookshelf": "bookshelves"}

REQUEST_SHARE = (
    0.35  # of expressions that come inside a request such as "find ..."; the rest are bare noun phrases
)
BARE_SHARE = 0.2  # of bare noun phrases without a determiner: "red chair"
REQUESTS = (
    "find {}",
    "please find {}",
    "locate {}",
    "please locate {}",
    "show me {}",
    "point to {}",
    "look for {}",
)
REQUEST_QUESTIONS = {ONE: ("where is {}", "can you find {}"), "several": ("where are {}", "can you find {}")}

SELECTED = {
    "left": ("{} on the left", "left {}"),
    "right": ("{} on the right", "right {}"),
    "leftmost": ("leftmost {}", "{} furthest to the left"),
    "rightmost": ("rightmost {}", "{} furthest to the right"),
    "nearest": ("nearest {}", "closest {}", "{} nearest to the camera", "{} closest to the camera"),
    "farthest": ("farthest {}", "furthest {}", "{} farthest from the camera", "most distant {}"),
}
SUPPORTED = ("{} on {}", "{} standing on {}", "{} on top of {}")

QUESTIONS = {
    "existence": ("is there {}?", "can you see {}?", "do you see {}?", "is {} visible?"),
    "existence_plural": ("are there any {}?", "can you see any {}?", "do you see any {}?"),
    "count": (
        "how many {} are there?",
        "how many {} can you see?",
        "how many {} do you see?",
        "count the {}",
    ),
    "color": (
        "what colour is {}?",
        "what color is {}?",
        "what is the colour of {}?",
        "what is the color of {}?",
    ),
    "support": (
        "what is {} standing on?",
        "what is {} on?",
        "what does {} stand on?",
        "what is {} on top of?",
    ),
    "closer": (
        "which is closer, {} or {}?",
        "which is nearer, {} or {}?",
        "which is closer to the camera, {} or {}?",
        "what is closer to you, {} or {}?",
    ),
}


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """Draw one of the options, each as likely."""
    return options[int(rng.integers(len(options)))]


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


def name(category: str, color: str) -> str:
    """Return the plain name of an object: "red chair"."""
    return f"{color} {category}"


def core(phrase: NounPhrase, rng: np.random.Generator) -> str:
    """Word the noun with its colour, without determiner, selector or support: "red chairs"."""
    noun = phrase.category or pick(rng, OBJECT_NOUNS)
    if phrase.number != ONE:
        noun = plural(noun)
    return noun if phrase.color is None else f"{phrase.color} {noun}"


def definite(phrase: NounPhrase, rng: np.random.Generator) -> str:
    """Word a phrase as a definite noun phrase: "the red mug on the table", "all blue chairs"."""
    if phrase.number == ONE:
        return "the " + _modified(phrase, core(phrase, rng), rng)
    if phrase.number == BOTH:
        return "both " + _modified(phrase, core(phrase, rng), rng)
    if phrase.category is None and phrase.color is None and rng.random() < 0.5:
        return _modified(phrase, "everything", rng)
    determiner = pick(rng, ("the", "all", "all the", "every"))
    if determiner == "every":
        return "every " + _modified(phrase, core(replace(phrase, number=ONE), rng), rng)
    return f"{determiner} " + _modified(phrase, core(phrase, rng), rng)


def expression(phrase: NounPhrase, rng: np.random.Generator) -> str:
    """Word a phrase as an expression: bare ("red chair") or as a request ("find the red chair").

    Args:
        phrase: what the expression refers to.
        rng: draws the wording.

    Returns:
        One lower-case line.
    """
    if rng.random() >= REQUEST_SHARE:
        if rng.random() < BARE_SHARE and phrase.number != BOTH:
            return _modified(phrase, core(phrase, rng), rng)
        return definite(phrase, rng)
    words = definite(phrase, rng)
    if rng.random() < 0.6:
        return pick(rng, REQUESTS).format(words)
    several = words.startswith(("the ", "all ", "both ")) and phrase.number != ONE
    return pick(rng, REQUEST_QUESTIONS["several" if several else ONE]).format(words) + pick(rng, ("", "?"))


def question(kind: str, phrases: Sequence[NounPhrase], rng: np.random.Generator) -> str:
    """Word a question about one or two phrases.

    Args:
        kind: existence, count, color, support or closer.
        phrases: what it asks about; two for "closer", else one.
        rng: draws the wording.

    Returns:
        One lower-case line.
    """
    if kind == "existence":
        (phrase,) = phrases
        if phrase.category is None and rng.random() < 0.5:
            return f"is there anything {phrase.color}?"
        if rng.random() < 0.3:
            return pick(rng, QUESTIONS["existence_plural"]).format(core(replace(phrase, number="many"), rng))
        return pick(rng, QUESTIONS["existence"]).format(indefinite(core(phrase, rng)))
    if kind == "count":
        (phrase,) = phrases
        return pick(rng, QUESTIONS["count"]).format(core(replace(phrase, number="many"), rng))
    return pick(rng, QUESTIONS[kind]).format(*(definite(phrase, rng) for phrase in phrases))


def _modified(phrase: NounPhrase, words: str, rng: np.random.Generator) -> str:
    """Add the phrase's selector and support to the noun's words."""
    if phrase.selector is not None:
        words = pick(rng, SELECTED[phrase.selector]).format(words)
    if phrase.support is not None:
        words = pick(rng, SUPPORTED).format(words, definite(phrase.support, rng))
    return words
