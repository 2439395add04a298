# SPDX-License-Identifier: Apache-2.0
"""What a text denotes in a frame, derived from the text itself.

This is the checker of the generators in `expressions` and `questions`: it reads their English (`grammar`) and
evaluates it against the graph without knowing what they meant to say. A text denotes something only where the
answer is the same whether or not one counts the ambiguous objects (those of which a little can be seen).
Comparing the two extremes, none of them and all of them, covers every subset between, because the objects that
a text relates others to must be the same in both, filters only grow with the objects counted, and a rank or a
margin can only be broken by more objects, not mended.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ide3d_training.worlds.scene_graph import IN, FrameGraph, SceneObject

from . import margins
from .grammar import ParsedQuestion, UnknownTextError, parse_expression, parse_question
from .phrases import (
    ANCHORED_DISTANCES,
    BOTH,
    DISTANCES,
    MANY,
    ONE,
    PAIR_SIZES,
    SIDES,
    SIZES,
    NounPhrase,
    Relation,
)
from .room_signs import room_shown
from .sight import Sight
from .visibility import camera_distances, image_columns, visible_objects
from .wording import NUMBERS, length

__all__ = ["Answer", "Checker", "UnknownTextError", "answered", "denoted"]

Objects = tuple[SceneObject, ...]
Result = TypeVar("Result")


class Answer(NamedTuple):
    """Hold the true answer to a question.

    Attributes:
        text: a few lower-case words.
        target_ids: sorted ids of the objects that show it.
        value_m: the exact length where the answer is one, metres; else None.
    """

    text: str
    target_ids: tuple[int, ...]
    value_m: float | None = None

    def agrees_with(self, other: Answer | None) -> bool:
        """Say whether two answers are the same, their lengths up to rounding of the last digits."""
        if other is None or self[:2] != other[:2] or (self.value_m is None) != (other.value_m is None):
            return False
        return self.value_m is None or math.isclose(self.value_m, other.value_m, abs_tol=1e-6)


def denoted(text: str, frame: FrameGraph) -> tuple[int, ...] | None:
    """Return the ids of the objects that an expression denotes in a frame; see `Checker.denoted`."""
    return Checker(frame).denoted(text)


def answered(text: str, frame: FrameGraph) -> Answer | None:
    """Return the true answer to a question about a frame; see `Checker.answered`."""
    return Checker(frame).answered(text)


class Checker:
    """Say what texts mean in one frame.

    Args:
        frame: the graph of one rendered frame.
    """

    def __init__(self, frame: FrameGraph) -> None:
        self._frame = frame
        self._visible = visible_objects(frame)
        self._sight = Sight(frame)
        self._counted = [self._visible.referable]
        if self._visible.ambiguous:
            self._counted.append(self._visible.all)

    def denoted(self, text: str) -> tuple[int, ...] | None:
        """Return the ids of the objects that an expression denotes.

        Args:
            text: an expression of the worlds' grammar.

        Returns:
            Sorted ids, empty where nothing matches; None where the text denotes nothing definite ("the chair"
            among two, "both chairs" among three, a margin too small, or a dependence on an ambiguous object).

        Raises:
            UnknownTextError: if the text is outside the grammar.
        """
        phrase = parse_expression(text)
        return self._stable(lambda reading: reading.targets(phrase))

    def answered(self, text: str) -> Answer | None:
        """Return the true answer to a question.

        Args:
            text: a question of the worlds' grammar.

        Returns:
            The answer; None where the question has no definite one (see `denoted`).

        Raises:
            UnknownTextError: if the text is outside the grammar.
        """
        question = parse_question(text)
        if question.kind == "room":
            shown = room_shown(self._frame.room_type, [(o.id, o.category) for o in self._visible.all])
            referable = {item.id for item in self._visible.referable}
            return Answer(self._frame.room_type, shown) if shown and referable.issuperset(shown) else None
        return self._stable(lambda reading: reading.answer(question))

    def _stable(self, evaluate: Callable[[_Reading], Result | None]) -> Result | None:
        """Evaluate with none and with all of the ambiguous objects; return the result only if both agree."""
        outcomes = []
        for objects in self._counted:
            reading = _Reading(objects, self._frame, self._sight)
            result = evaluate(reading)
            if result is None:
                return None
            outcomes.append((result, reading.related_to))
        return outcomes[0][0] if all(outcome == outcomes[0] for outcome in outcomes) else None


class _Reading:
    """Evaluate phrases and questions over the objects that count.

    Attributes:
        related_to: ids of the anchors met so far.
    """

    def __init__(self, objects: Objects, frame: FrameGraph, sight: Sight) -> None:
        self._objects, self._frame, self._sight = objects, frame, sight
        self._by_id = {item.id: item for item in objects}
        self.related_to: list[int] = []

    def targets(self, phrase: NounPhrase) -> tuple[int, ...] | None:
        """Return the ids that the phrase denotes; None where what it presupposes does not hold."""
        matching = self._matching(phrase)
        if not matching:
            return matching
        if phrase.selector is not None:
            matching = self._selected(phrase.selector, matching)
            if matching is None:
                return None
        wanted = {ONE: len(matching) == 1, BOTH: len(matching) == 2, MANY: True}
        return matching if wanted[phrase.number] else None

    def answer(self, question: ParsedQuestion) -> Answer | None:
        """Answer a question of any kind but "room"; None where it has no definite answer."""
        if question.kind in ("existence", "count"):
            return self._count(question)
        items = [self._single(phrase) for phrase in question.phrases]
        if None in items:
            return None
        if question.place is not None:
            return self._situated(question, items)
        return getattr(self, f"_{question.kind}")(*items)

    def _matching(self, phrase: NounPhrase) -> tuple[int, ...] | None:
        named = tuple(
            item
            for item in self._objects
            if phrase.category in (None, item.category)
            and phrase.color in (None, item.color)
            and phrase.material in (None, item.material)
        )
        if phrase.relation is not None:
            return self._in_relation(phrase.relation, named)
        return tuple(item.id for item in named)

    def _in_relation(self, relation: Relation, named: Objects) -> tuple[int, ...] | None:
        anchors = [self._single(phrase) for phrase in relation.anchors]
        if None in anchors or len({anchor.id for anchor in anchors}) < len(anchors):
            return None  # "the mug on the table" says nothing definite where there is no such table
        self.related_to += [anchor.id for anchor in anchors]
        others = tuple(item for item in named if item not in anchors)
        if relation.name in ANCHORED_DISTANCES:
            place = {item.id: self._sight.separation(item, anchors[0]) for item in others}
            return self._first(place, margins.NEIGHBOR_MARGIN, relation.name == "farthest_from")
        found = []
        for item in others:
            verdict = self._sight.holds(relation.name, item, tuple(anchors))
            if verdict is None:
                return None
            if verdict:
                found.append(item.id)
        return tuple(found)

    def _selected(self, selector: str, ids: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the one object that the selector names, or None where it is not clear-cut."""
        chosen = tuple(self._by_id[number] for number in ids)
        if selector in SIDES + PAIR_SIZES and len(chosen) != 2:
            return None
        if selector in SIZES + PAIR_SIZES:
            tall = selector in ("tallest", "shortest")
            ratio = margins.HEIGHT_RATIO if tall else margins.VOLUME_RATIO
            sizes = {o.id: math.log(o.box.extents[2] if tall else o.box.volume) for o in chosen}
            return self._first(sizes, math.log(ratio), selector in ("largest", "tallest", "larger"))
        if selector in DISTANCES:
            return self._first(camera_distances(chosen), margins.DISTANCE_MARGIN, selector == "farthest")
        columns = image_columns(self._frame, chosen)
        if any(math.isnan(column) for column in columns.values()):
            return None  # a centre behind the camera is nowhere in the image
        width = self._frame.camera.width
        from_right = selector.endswith(("right", "rightmost"))
        if selector in SIDES:
            return self._first(columns, margins.SIDE_MARGIN * width, from_right)
        if selector in ("leftmost", "rightmost"):
            return self._first(columns, margins.EXTREME_MARGIN * width, from_right)
        if len(chosen) < 3:  # the second of two is better called the other one
            return None
        at = 1 if selector.startswith("second") else 2
        ranked = sorted(columns, key=lambda i: columns[i], reverse=from_right)
        around = ranked[at - 1 : at + 2]
        gaps = [abs(columns[a] - columns[b]) for a, b in zip(around, around[1:], strict=False)]
        return (ranked[at],) if min(gaps) >= margins.EXTREME_MARGIN * width else None

    def _first(self, place: dict[int, float], margin: float, largest: bool) -> tuple[int, ...] | None:
        """Return the id with the smallest or largest value where it leads at least one other by a margin."""
        if len(place) < 2:
            return None
        ranked = sorted(place, key=lambda i: place[i], reverse=largest)
        return (ranked[0],) if abs(place[ranked[1]] - place[ranked[0]]) >= margin else None

    def _single(self, phrase: NounPhrase) -> SceneObject | None:
        ids = self.targets(phrase)
        return self._by_id[ids[0]] if ids is not None and len(ids) == 1 else None

    def _count(self, question: ParsedQuestion) -> Answer | None:
        ids = self._matching(question.phrases[0])
        if ids is None or len(ids) >= len(NUMBERS):
            return None
        if question.kind == "count":
            return Answer(NUMBERS[len(ids)], ids)
        return Answer("yes" if ids else "no", ids)

    def _color(self, item: SceneObject) -> Answer:
        return Answer(item.color, (item.id,))

    def _material(self, item: SceneObject) -> Answer:
        return Answer(item.material, (item.id,))

    def _support_on(self, item: SceneObject) -> Answer | None:
        if item.support is None:
            return Answer("floor", (item.id,))
        return None if item.relation == IN else self._holder(item)

    def _support_in(self, item: SceneObject) -> Answer | None:
        return self._holder(item) if item.support is not None and item.relation == IN else None

    def _holder(self, item: SceneObject) -> Answer | None:
        holder = self._by_id.get(item.support)
        return None if holder is None else Answer(holder.category, _ids(item, holder))

    def _closer(self, a: SceneObject, b: SceneObject) -> Answer | None:
        distance = camera_distances((a, b))
        near, far = sorted((a, b), key=lambda item: distance[item.id])
        return _chosen(near, far, distance[far.id] - distance[near.id] >= margins.DISTANCE_MARGIN)

    def _taller(self, a: SceneObject, b: SceneObject) -> Answer | None:
        high, low = sorted((a, b), key=lambda item: -item.box.extents[2])
        tall, short = high.box.extents[2], low.box.extents[2]
        clear = tall - short >= margins.TALLER_MARGIN and tall >= margins.TALLER_RATIO * short
        return _chosen(high, low, clear)

    def _larger(self, a: SceneObject, b: SceneObject) -> Answer | None:
        large, small = sorted((a, b), key=lambda item: -item.box.volume)
        return _chosen(large, small, large.box.volume >= margins.LARGER_RATIO * small.box.volume)

    def _distance(self, item: SceneObject) -> Answer:
        return _measured(camera_distances((item,))[item.id], item)

    def _separation(self, a: SceneObject, b: SceneObject) -> Answer | None:
        return None if a.id == b.id else _measured(self._sight.separation(a, b), a, b)

    def _height(self, item: SceneObject) -> Answer | None:
        return _side_length(item, 2)

    def _width(self, item: SceneObject) -> Answer | None:
        return _side_length(item, 1)

    def _direction(self, item: SceneObject) -> Answer | None:
        angle = self._sight.bearing(item)
        if abs(angle) <= margins.AHEAD_ANGLE:
            return Answer("straight ahead", (item.id,))
        if abs(angle) < margins.TURN_ANGLE:
            return None
        return Answer("left" if angle > 0 else "right", (item.id,))

    def _side(self, a: SceneObject, b: SceneObject) -> Answer | None:
        return self._either("left_of", "left", "right_of", "right", a, b)

    def _depth(self, a: SceneObject, b: SceneObject) -> Answer | None:
        return self._either("in_front_of", "in front", "behind", "behind", a, b)

    def _either(
        self, one: str, said: str, other: str, otherwise: str, a: SceneObject, b: SceneObject
    ) -> Answer | None:
        if a.id == b.id:
            return None
        if self._sight.holds(one, a, (b,)):
            return Answer(said, _ids(a, b))
        return Answer(otherwise, _ids(a, b)) if self._sight.holds(other, a, (b,)) else None

    def _situated(self, question: ParsedQuestion, items: list[SceneObject]) -> Answer | None:
        place = self._single(question.place)
        faced = None if question.faced is None else self._single(question.faced)
        if place is None or (question.faced is not None and faced is None):
            return None
        own = {place.id} if faced is None else {place.id, faced.id}
        if faced is not None and self._sight.steps(place, faced) < margins.SITUATED_AWAY:
            return None
        self.related_to += sorted(own)
        if items:
            (item,) = items
            toward = None if item.id in own else self._toward(item, place, faced)
            return Answer(toward, _ids(item, place, faced)) if toward in ("left", "right") else None
        found = []
        for item in self._objects:
            if item.support is not None or item.id in own:
                continue
            toward = self._toward(item, place, faced)
            if toward is None:
                return None
            if toward == question.toward:
                found.append(item)
        return Answer(found[0].category, _ids(found[0], place, faced)) if len(found) == 1 else None

    def _toward(self, item: SceneObject, place: SceneObject, faced: SceneObject | None) -> str | None:
        """Say where an object is for someone at a place: left, right, behind, ahead; None in between."""
        if self._sight.steps(item, place) < margins.SITUATED_AWAY:
            return None
        angle = self._sight.bearing(item, place, faced)
        clear, doubtful = margins.SITUATED_SIDE
        if min(abs(angle), math.pi - abs(angle)) >= clear:
            return "left" if angle > 0 else "right"
        if min(abs(angle), math.pi - abs(angle)) > doubtful:
            return None
        return "ahead" if abs(angle) < math.pi / 2 else "behind"


def _ids(*items: SceneObject | None) -> tuple[int, ...]:
    return tuple(sorted({item.id for item in items if item is not None}))


def _chosen(chosen: SceneObject, other: SceneObject, clear: bool) -> Answer | None:
    if not clear or chosen.category == other.category:
        return None  # a category would not tell two of one category apart
    return Answer(chosen.category, _ids(chosen, other))


def _measured(metres: float, *items: SceneObject) -> Answer:
    return Answer(length(metres), _ids(*items), metres)


def _side_length(item: SceneObject, axis: int) -> Answer | None:
    metres = float(item.box.extents[axis])
    return _measured(metres, item) if metres >= margins.SHOWS_SIZE else None
