# SPDX-License-Identifier: Apache-2.0
"""What a text denotes in a frame, derived from the text itself.

This is the checker of the generators in `expressions` and `questions`: it parses their English and evaluates
it against the graph without knowing what they meant to say. A text denotes something only where the answer is
the same whether or not one counts the ambiguous objects (those of which a little can be seen). Comparing the
two extremes, none of them and all of them, covers every subset between: filters only grow with the objects
counted, and a selector's margin can only be broken by more objects, not mended.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TypeVar

from ide3d_training.worlds.categories import CATEGORIES, COLORS
from ide3d_training.worlds.scene_graph import FrameGraph, SceneObject

from .phrases import BOTH, DISTANCES, EXTREMES, MANY, ONE, SIDES, NounPhrase
from .visibility import camera_distances, image_columns, visible_objects
from .wording import NUMBERS, OBJECT_NOUNS, plural

DISTANCE_MARGIN = 0.3
"""Metres by which an object must be nearer or farther than the next to be called so."""
SIDE_MARGIN = 0.12
"""Share of the image's width that separates the left one of a pair from the right one."""
EXTREME_MARGIN = 0.06
"""Share of the image's width by which the leftmost object leads the next one."""

Result = TypeVar("Result")


class UnknownTextError(ValueError):
    """Raised for a text outside the grammar of the worlds' language."""


def _patterns(*templates: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(t) for t in templates)


_REQUEST = re.compile(
    r"^(?:please |can you )?(?:where is|where are|find|locate|show me|point to|look for) (?=\S)",
)
_QUESTIONS: dict[str, tuple[re.Pattern[str], ...]] = {
    "existence": _patterns(
        r"^(?:is there|can you see|do you see) (?P<a>an? .+)$",
        r"^is (?P<a>an? .+) visible$",
        r"^(?:are there|can you see|do you see) any (?P<a>.+)$",
        r"^is there anything (?P<color>\w+)$",
    ),
    "count": _patterns(
        r"^how many (?P<a>.+) (?:are there|can you see|do you see)$", r"^count the (?P<a>.+)$"
    ),
    "color": _patterns(r"^what colou?r is (?P<a>.+)$", r"^what is the colou?r of (?P<a>.+)$"),
    "support": _patterns(
        r"^what is (?P<a>.+?)(?: standing)? on(?: top of)?$", r"^what does (?P<a>.+) stand on$"
    ),
    "closer": _patterns(
        r"^(?:which|what) is (?:closer|nearer)(?: to the camera| to you)?, (?P<a>.+) or (?P<b>.+)$"
    ),
}
_DETERMINERS = (
    (("all", "the"), MANY),
    (("all",), MANY),
    (("every",), MANY),
    (("both",), BOTH),
    (("the",), None),
    (("an",), None),
    (("a",), None),
)
_BEFORE_NOUN = {
    ("leftmost",): "leftmost",
    ("rightmost",): "rightmost",
    ("left",): "left",
    ("right",): "right",
    ("nearest",): "nearest",
    ("closest",): "nearest",
    ("farthest",): "farthest",
    ("furthest",): "farthest",
    ("most", "distant"): "farthest",
}
_AFTER_NOUN = {
    ("on", "the", "left"): "left",
    ("on", "the", "right"): "right",
    ("furthest", "to", "the", "left"): "leftmost",
    ("furthest", "to", "the", "right"): "rightmost",
    ("nearest", "to", "the", "camera"): "nearest",
    ("closest", "to", "the", "camera"): "nearest",
    ("farthest", "from", "the", "camera"): "farthest",
}
_SUPPORTED_BY = (("standing", "on"), ("on", "top", "of"), ("on",))
_SINGULAR = {noun: noun for noun in CATEGORIES} | {noun: None for noun in OBJECT_NOUNS}
_PLURAL = {plural(noun): category for noun, category in _SINGULAR.items()}


def parse_expression(text: str) -> NounPhrase:
    """Read an expression of the worlds' grammar.

    Args:
        text: for example "where is the red mug on the table?".

    Returns:
        What the text says.

    Raises:
        UnknownTextError: if the text is outside the grammar.
    """
    return _parse_phrase(_REQUEST.sub("", _plain(text)), text)


def parse_question(text: str) -> tuple[str, tuple[NounPhrase, ...]]:
    """Read a question of the worlds' grammar.

    Args:
        text: for example "which is closer, the sofa or the red chair?".

    Returns:
        The question's kind and the phrases it asks about.

    Raises:
        UnknownTextError: if the text is outside the grammar.
    """
    plain = _plain(text)
    for kind, patterns in _QUESTIONS.items():
        for pattern in patterns:
            match = pattern.match(plain)
            if match is None:
                continue
            groups = match.groupdict()
            if "color" in groups:
                if groups["color"] not in COLORS:
                    raise UnknownTextError(f"{text!r}: {groups['color']!r} is not a colour of the worlds")
                return kind, (NounPhrase(None, groups["color"], MANY),)
            return kind, tuple(_parse_phrase(groups[g], text) for g in ("a", "b") if g in groups)
    raise UnknownTextError(f"{text!r} is not a question of the worlds' grammar")


def denoted(text: str, frame: FrameGraph) -> tuple[int, ...] | None:
    """Return the ids of the objects that an expression denotes in a frame.

    Args:
        text: an expression of the worlds' grammar.
        frame: the frame it is about.

    Returns:
        Sorted ids, empty where nothing matches; None where the text denotes nothing definite ("the chair"
        among two, "both chairs" among three, a margin too small, or a dependence on an ambiguous object).

    Raises:
        UnknownTextError: if the text is outside the grammar.
    """
    phrase = parse_expression(text)
    return _stable(frame, lambda objects: _targets(phrase, objects, frame))


def answered(text: str, frame: FrameGraph) -> tuple[str, tuple[int, ...]] | None:
    """Return the true answer to a question about a frame and the ids of the objects that show it.

    Args:
        text: a question of the worlds' grammar.
        frame: the frame it is about.

    Returns:
        The answer and sorted ids; None where the question has no definite answer (see `denoted`).

    Raises:
        UnknownTextError: if the text is outside the grammar.
    """
    kind, phrases = parse_question(text)
    return _stable(frame, lambda objects: _answer(kind, phrases, objects, frame))


def _plain(text: str) -> str:
    return " ".join(text.lower().rstrip(" ?.!").split())


def _parse_phrase(plain: str, text: str) -> NounPhrase:
    words = plain.split()
    number, selector, color, support = None, None, None, None
    at = 0

    def skip(options: tuple[tuple[str, ...], ...]) -> tuple[str, ...] | None:
        nonlocal at
        for option in options:
            if tuple(words[at : at + len(option)]) == option:
                at += len(option)
                return option
        return None

    if skip((("everything",),)):
        number, category = MANY, None
    else:
        determiner = skip(tuple(option for option, _ in _DETERMINERS))
        number = dict(_DETERMINERS).get(determiner)
        before = skip(tuple(_BEFORE_NOUN))
        selector = _BEFORE_NOUN.get(before)
        if at < len(words) and words[at] in COLORS:
            color = words[at]
            at += 1
        if at >= len(words) or words[at] not in _SINGULAR | _PLURAL:
            raise UnknownTextError(f"{text!r}: no known object is named after {' '.join(words[:at])!r}")
        is_plural = words[at] in _PLURAL
        category = _PLURAL[words[at]] if is_plural else _SINGULAR[words[at]]
        number = number or (MANY if is_plural else ONE)
        at += 1
    after = skip(tuple(_AFTER_NOUN))
    if after is not None:
        selector = _AFTER_NOUN[after]
    if at < len(words) and skip(_SUPPORTED_BY):
        support, at = _parse_phrase(" ".join(words[at:]), text), len(words)
    if at < len(words):
        raise UnknownTextError(f"{text!r}: {' '.join(words[at:])!r} is outside the grammar")
    return NounPhrase(category, color, number, selector, support)


def _stable(frame: FrameGraph, evaluate: Callable[[tuple[SceneObject, ...]], Result | None]) -> Result | None:
    """Evaluate with none and with all of the ambiguous objects; return the result only where both agree."""
    visible = visible_objects(frame)
    result = evaluate(visible.referable)
    if result is None or not visible.ambiguous:
        return result
    return result if evaluate(visible.all) == result else None


def _targets(
    phrase: NounPhrase, objects: tuple[SceneObject, ...], frame: FrameGraph
) -> tuple[int, ...] | None:
    """Return the ids that the phrase denotes; None where what it presupposes does not hold."""
    matching = _matching(phrase, objects, frame)
    if matching is None or not matching:
        return matching
    if phrase.selector is not None:
        matching = _selected(phrase.selector, matching, objects, frame)
        if matching is None:
            return None
    wanted = {ONE: len(matching) == 1, BOTH: len(matching) == 2, MANY: True}
    return matching if wanted[phrase.number] else None


def _matching(
    phrase: NounPhrase, objects: tuple[SceneObject, ...], frame: FrameGraph
) -> tuple[int, ...] | None:
    holders: tuple[int, ...] | None = None
    if phrase.support is not None:
        holders = _targets(phrase.support, objects, frame)
        if not holders:  # "the mug on the table" says nothing definite where there is no such table
            return None
    return tuple(
        item.id
        for item in objects
        if phrase.category in (None, item.category)
        and phrase.color in (None, item.color)
        and (holders is None or item.support in holders)
    )


def _selected(
    selector: str, ids: tuple[int, ...], objects: tuple[SceneObject, ...], frame: FrameGraph
) -> tuple[int, ...] | None:
    """Return the one object that the selector names, or None where it is not clear-cut."""
    chosen = tuple(item for item in objects if item.id in ids)
    if len(chosen) < 2 or (selector in SIDES and len(chosen) != 2):
        return None
    if selector in DISTANCES:
        place, margin = camera_distances(chosen), DISTANCE_MARGIN
    else:
        share = EXTREME_MARGIN if selector in EXTREMES else SIDE_MARGIN
        place, margin = image_columns(frame, chosen), share * frame.camera.width
    if any(
        math.isnan(value) for value in place.values()
    ):  # a centre behind the camera is nowhere in the image
        return None
    largest_first = selector in ("right", "rightmost", "farthest")
    ranked = sorted(place, key=lambda i: place[i], reverse=largest_first)
    lead = abs(place[ranked[1]] - place[ranked[0]])
    return (ranked[0],) if lead >= margin else None


def _answer(
    kind: str, phrases: tuple[NounPhrase, ...], objects: tuple[SceneObject, ...], frame: FrameGraph
) -> tuple[str, tuple[int, ...]] | None:
    by_id = {item.id: item for item in objects}
    if kind in ("existence", "count"):
        ids = _matching(phrases[0], objects, frame)
        if ids is None or len(ids) >= len(NUMBERS):
            return None
        return (NUMBERS[len(ids)] if kind == "count" else "yes" if ids else "no"), ids
    found = [_targets(phrase, objects, frame) for phrase in phrases]
    if any(ids is None or len(ids) != 1 for ids in found):
        return None
    items = [by_id[ids[0]] for ids in found]
    if kind == "color":
        return items[0].color, (items[0].id,)
    if kind == "support":
        if items[0].support is None:
            return "floor", (items[0].id,)
        holder = by_id.get(items[0].support)
        return None if holder is None else (holder.category, tuple(sorted((items[0].id, holder.id))))
    if items[0].category == items[1].category:
        return None
    distance = camera_distances(tuple(items))
    first, second = sorted(items, key=lambda item: distance[item.id])
    if not distance[second.id] - distance[first.id] >= DISTANCE_MARGIN:
        return None
    return first.category, tuple(sorted((first.id, second.id)))
