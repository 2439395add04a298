# SPDX-License-Identifier: Apache-2.0
"""What each kind of question can ask about a frame, with the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ide3d_training.worlds.categories import BY_NAME, CATEGORIES, COLORS
from ide3d_training.worlds.scene_graph import IN
from ide3d_training.worlds.splits import HELD_OUT_ROOM_TYPE

from . import margins
from .denotation import Answer
from .layout import HOLDS
from .phrases import MANY, NounPhrase
from .room_signs import room_shown
from .survey import Key, Survey
from .wording import NUMBERS, Wording, length, pick

ASKED_RELATIONS = ("on", "in", "under", "next_to", "left_of", "right_of", "behind", "in_front_of")
"""Relations whose existence is asked for, one of them a frame."""
_MOST_PAIRS = 40  # of objects that a frame's comparisons are drawn from


@dataclass(frozen=True)
class Candidate:
    """Hold a question that could be asked.

    Attributes:
        intent: of `templates.QUESTIONS`.
        phrases: what it asks about.
        answer: the true one.
    """

    intent: str
    phrases: tuple[NounPhrase, ...]
    answer: Answer

    def worded(self, wording: Wording) -> str:
        """Put the question into words."""
        return wording.question(self.intent, self.phrases)


def existence(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask whether there is something: by attributes, or in a relation to something else."""
    found = [
        Candidate("existence", (NounPhrase(*key),), Answer("yes" if ids else "no", ids))
        for key, ids in _plain(survey, rng)
        if len(ids) < len(NUMBERS)
    ]
    relation = pick(rng, ASKED_RELATIONS)
    for key, anchor, ids in _related(survey, relation, rng):
        phrase = survey.phrase(key, rng, relation=relation, anchors=(anchor,))
        found.append(Candidate("existence", (phrase,), Answer("yes" if ids else "no", ids)))
    return found


def count(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask how many there are, zero to four: by attributes, or on, in or next to something."""
    found = [
        Candidate("count", (NounPhrase(*key, number=MANY),), Answer(NUMBERS[len(ids)], ids))
        for key, ids in _plain(survey, rng)
        if len(ids) < len(NUMBERS)
    ]
    relation = pick(rng, ("on", "in", "next_to"))
    for key, anchor, ids in _related(survey, relation, rng):
        phrase = survey.phrase(key, rng, number=MANY, relation=relation, anchors=(anchor,))
        found.append(Candidate("count", (phrase,), Answer(NUMBERS[len(ids)], ids)))
    return found


def color(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask for the colour of what a phrase without one singles out."""
    found = []
    for k in survey.anchors.tolist():
        item = survey.objects[k]
        if survey.may_name(Key(item.category, item.color)):
            named = [key for key in survey.names[k] if key.color is None]
            found += [
                Candidate("color", (NounPhrase(*key),), Answer(item.color, (item.id,))) for key in named
            ]
    return found


def material(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask for the material of what a phrase without one singles out, where its category allows several."""
    return [
        Candidate("material", (NounPhrase(*key),), Answer(survey.objects[k].material, (int(survey.ids[k]),)))
        for k in survey.anchors.tolist()
        for key in survey.names[k]
        if key.material is None and len(BY_NAME[survey.objects[k].category].materials) > 1
    ]


def support(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask what something stands on or is in."""
    by_id = {item.id: k for k, item in enumerate(survey.objects)}
    found = []
    for k in survey.anchors.tolist():
        item = survey.objects[k]
        answer = Answer("floor", (item.id,))
        if item.support is not None:
            holder = by_id.get(item.support)
            if holder is None or not survey.referable[holder]:
                continue
            answer = Answer(survey.objects[holder].category, tuple(sorted((item.id, item.support))))
        inside = item.support is not None and item.relation == IN
        intent = "support_in" if inside else "support_on"
        found += [Candidate(intent, (NounPhrase(*key),), answer) for key in survey.names[k]]
    return found


def closer(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask which of two things of different categories is closer to the camera."""
    away = survey.layout.distances
    return _comparisons("closer", survey, rng, lambda a, b: away[b] - away[a] >= margins.DISTANCE_MARGIN)


def taller(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask which of two things of different categories is taller."""
    tall = survey.layout.extents[:, 2]

    def is_taller(a: int, b: int) -> bool:
        return tall[a] >= max(tall[b] + margins.TALLER_MARGIN, margins.TALLER_RATIO * tall[b])

    return _comparisons("taller", survey, rng, is_taller)


def larger(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask which of two things of different categories is larger."""
    volume = survey.layout.volumes
    return _comparisons("larger", survey, rng, lambda a, b: volume[a] >= margins.LARGER_RATIO * volume[b])


def distance(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask how far something is from the camera."""
    return _measures("distance", survey, survey.layout.distances, rng)


def height(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask how tall something is, if it is not small."""
    return _measures("height", survey, survey.layout.extents[:, 2], rng, margins.SHOWS_SIZE)


def width(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask how wide something is from its left to its right side, if that is not little."""
    return _measures("width", survey, survey.layout.extents[:, 1], rng, margins.SHOWS_SIZE)


def separation(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask how far two things are from one another."""
    found = []
    for a, b in _pairs(survey, rng):
        metres = float(survey.layout.separations[a, b])
        answer = Answer(length(metres), _ids(survey, a, b), metres)
        found.append(Candidate("separation", (survey.named(a, rng), survey.named(b, rng)), answer))
    return found


def direction(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask where to turn to face something."""
    found = []
    for k in survey.anchors.tolist():
        angle = float(survey.layout.azimuths[k])
        if abs(angle) <= margins.AHEAD_ANGLE:
            said = "straight ahead"
        elif abs(angle) >= margins.TURN_ANGLE:
            said = "left" if angle > 0 else "right"
        else:
            continue
        found.append(Candidate("direction", (survey.named(k, rng),), Answer(said, _ids(survey, k))))
    return found


def side(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask on which side of something another thing is, as the camera sees them."""
    return _either("side", survey, rng, {"left_of": "left", "right_of": "right"})


def depth(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask whether something is in front of or behind another thing, as the camera sees them."""
    return _either("depth", survey, rng, {"in_front_of": "in front", "behind": "behind"})


def room(survey: Survey, rng: np.random.Generator) -> list[Candidate]:
    """Ask for the type of room where furniture tells it; never for the type that training has not seen."""
    kind = survey.frame.room_type
    seen = [(item.id, item.category) for item in survey.objects]
    shown = room_shown(kind, seen)
    if kind == HELD_OUT_ROOM_TYPE or not shown or not set(survey.ids[survey.referable]).issuperset(shown):
        return []
    return [Candidate("room", (), Answer(kind, shown))]


def _ids(survey: Survey, *indices: int) -> tuple[int, ...]:
    return tuple(sorted({int(survey.ids[k]) for k in indices}))


def _plain(survey: Survey, rng: np.random.Generator) -> Iterator[tuple[Key, tuple[int, ...]]]:
    """Yield the attributes worth asking about, with the ids of what they name.

    Coloured keys of absent categories are at most as many as those of present ones: only the latter need a look
    at both category and colour.
    """
    present = sorted({item.category for item in survey.objects})
    colors = sorted({item.color for item in survey.objects})
    near = [Key(category, color) for category in present for color in COLORS]
    far = [Key(category, color) for category in CATEGORIES if category not in present for color in colors]
    asked = [Key(category) for category in CATEGORIES] + [Key(None, color) for color in COLORS] + near
    asked += [far[i] for i in rng.permutation(len(far))[: len(near)]]
    asked += [Key(name, None, made_of) for name in present for made_of in BY_NAME[name].materials]
    for key in asked:
        members = survey.groups.get(key)
        if members is None and survey.may_name(key):
            yield key, ()
        elif members is not None and survey.referable[members].all():
            yield key, tuple(survey.ids[members].tolist())


def _related(
    survey: Survey, relation: str, rng: np.random.Generator
) -> Iterator[tuple[Key, int, tuple[int, ...]]]:
    """Yield categories and anchors with the ids of those that stand in the relation to it, zero to four."""
    related = survey.related(relation)
    usable = related.clear & (related.counts < len(NUMBERS))
    usable &= np.array([key.color is None and key.material is None for key in survey.keys], bool)[:, None]
    usable[-1] &= related.counts[-1] > 0  # "are there any things on the table?" of an empty one
    if relation in ("on", "in"):
        usable &= related.holds.any(0)  # something else is there, or the anchor alone would tell
    chosen = np.argwhere(usable)
    for key, anchor in chosen[rng.permutation(len(chosen))[:_MOST_PAIRS]].tolist():
        ids = tuple(survey.ids[related.targets(key, anchor)].tolist())
        yield survey.keys[key], int(survey.anchors[anchor]), ids


def _pairs(survey: Survey, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return some ordered pairs of different anchors, in random order."""
    anchors = survey.anchors
    pairs = [(int(a), int(b)) for a in anchors for b in anchors if a != b]
    return [pairs[i] for i in rng.permutation(len(pairs))[:_MOST_PAIRS]]


def _comparisons(intent: str, survey: Survey, rng: np.random.Generator, leads) -> list[Candidate]:
    """Compare things of different categories; which of them is named first says nothing."""
    found = []
    for a, b in _pairs(survey, rng):
        category = survey.objects[a].category
        if category != survey.objects[b].category and leads(a, b):
            phrases = (survey.named(a, rng), survey.named(b, rng))
            phrases = phrases if rng.random() < 0.5 else phrases[::-1]
            found.append(Candidate(intent, phrases, Answer(category, _ids(survey, a, b))))
    return found


def _measures(
    intent: str, survey: Survey, metres: np.ndarray, rng: np.random.Generator, least: float = 0.0
) -> list[Candidate]:
    return [
        Candidate(
            intent, (survey.named(k, rng),), Answer(length(metres[k]), _ids(survey, k), float(metres[k]))
        )
        for k in survey.anchors.tolist()
        if metres[k] >= least
    ]


def _either(intent: str, survey: Survey, rng: np.random.Generator, said: dict[str, str]) -> list[Candidate]:
    """Ask which of two converse relations holds, of pairs that can be asked either way round."""
    (one, first), (other, second) = said.items()
    holds = (survey.layout.verdicts(one) == HOLDS) & (survey.layout.verdicts(other) == HOLDS).T
    found = []
    for a, b in _pairs(survey, rng):
        if holds[a, b]:
            phrases, ids = (survey.named(a, rng), survey.named(b, rng)), _ids(survey, a, b)
            found.append(Candidate(intent, phrases, Answer(first, ids)))
            found.append(Candidate(intent, phrases[::-1], Answer(second, ids)))
    return found
