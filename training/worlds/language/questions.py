# SPDX-License-Identifier: Apache-2.0
"""Questions with one-word answers about a frame, drawn so that no answer is right by habit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ide3d_training.worlds.categories import CATEGORIES, COLORS
from ide3d_training.worlds.scene_graph import FrameGraph

from . import wording
from .denotation import DISTANCE_MARGIN, answered
from .expressions import unique_phrases
from .phrases import NounPhrase
from .visibility import VisibleObjects, camera_distances, visible_objects

QUESTION_KINDS = ("existence", "count", "color", "support", "closer")

COUNT_WEIGHTS = {"zero": 1.0, "one": 1.0, "two": 2.5, "three": 5.0, "four": 6.0}
"""Weights of the counts a frame offers: large ones are rare, so a frame that has one asks for it more."""
FLOOR_SHARE = 0.3
"""Share of "floor" among the answers to support questions where the frame offers another."""
FLOOR_ONLY_SHARE = 0.1
"""Share of the frames where everything stands on the floor that ask for support at all."""


@dataclass(frozen=True)
class Question:
    """Hold a question about one frame with its true answer.

    Args:
        text: one lower-case line.
        answer: one lower-case word: yes, no, a number word up to four, a colour, a category or "floor".
        kind: one of QUESTION_KINDS.
        target_ids: ids of the objects that show the answer, sorted; empty for "no" and "zero".
    """

    text: str
    answer: str
    kind: str
    target_ids: tuple[int, ...]


@dataclass(frozen=True)
class _Candidate:
    phrases: tuple[NounPhrase, ...]
    answer: str
    target_ids: tuple[int, ...]


def questions(frame: FrameGraph, rng: np.random.Generator, limit: int) -> list[Question]:
    """Draw questions about a frame, balanced over kinds and, within a kind, over answers.

    Args:
        frame: the graph of one rendered frame.
        rng: draws meanings and wordings; the same generator state gives the same texts.
        limit: largest number of questions; a sparse frame yields fewer.

    Returns:
        Questions whose answers hold whether or not ambiguous objects count.
    """
    visible = visible_objects(frame)
    pools = {
        "existence": _existence(visible, rng),
        "count": _count(visible, rng),
        "color": _color(visible),
        "support": _support(visible, rng),
        "closer": _closer(visible),
    }
    drawn: list[Question] = []
    waiting: list[str] = []
    while len(drawn) < limit and any(pools.values()):
        if not waiting:  # every kind gets its turn before one comes again
            waiting = [kind for kind in QUESTION_KINDS if pools[kind]]
        kind = waiting.pop(int(rng.integers(len(waiting))))
        candidate = _draw(kind, pools[kind], rng)
        pools[kind].remove(candidate)
        phrases = candidate.phrases
        if kind == "closer" and rng.random() < 0.5:
            phrases = phrases[::-1]
        text = wording.question(kind, phrases, rng)
        if answered(text, frame) == (candidate.answer, candidate.target_ids):
            drawn.append(Question(text, candidate.answer, kind, candidate.target_ids))
    return drawn


def _draw(kind: str, pool: list[_Candidate], rng: np.random.Generator) -> _Candidate:
    """Draw the answer first, then a candidate that has it, so answers do not follow the rooms' habits."""
    if kind == "existence":  # within each form yes and no are as likely, or the wording would tell the answer
        forms = sorted({c.phrases[0].form for c in pool})
        balanced = [f for f in forms if len({c.answer for c in pool if c.phrases[0].form == f}) == 2]
        form = wording.pick(rng, balanced or forms)
        pool = [c for c in pool if c.phrases[0].form == form]
    answers = sorted({c.answer for c in pool})
    if kind == "count":
        answer = wording.weighted_pick(rng, answers, [COUNT_WEIGHTS[a] for a in answers])
    elif kind == "support" and "floor" in answers and len(answers) > 1:
        others = (1 - FLOOR_SHARE) / (len(answers) - 1)
        answer = wording.weighted_pick(
            rng, answers, [FLOOR_SHARE if a == "floor" else others for a in answers]
        )
    else:
        answer = wording.pick(rng, answers)
    return wording.pick(rng, [c for c in pool if c.answer == answer])


def _plain_candidates(
    visible: VisibleObjects, rng: np.random.Generator, answer_by_count: dict[int, str]
) -> list[_Candidate]:
    """Return the plain phrases worth asking about, with the answer that the number of matches gives.

    Coloured phrases of absent categories are at most as many as those of present ones: only the latter need a
    look at both category and colour.
    """
    matched: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
    for item in visible.all:
        for key in ((item.category, None), (item.category, item.color), (None, item.color)):
            matched[key].append(item.id)
    present = sorted({item.category for item in visible.all})
    colors = sorted({item.color for item in visible.all})
    near = [(category, color) for category in present for color in COLORS]
    far = [(category, color) for category in CATEGORIES if category not in present for color in colors]
    asked: list[tuple[str | None, str | None]] = [(category, None) for category in CATEGORIES]
    asked += [(None, color) for color in COLORS]
    asked += near
    asked += [far[i] for i in rng.permutation(len(far))[: len(near)]]
    referable = {item.id for item in visible.referable}
    found = []
    for key in asked:
        ids = tuple(matched.get(key, ()))
        if len(ids) in answer_by_count and referable.issuperset(ids):
            found.append(_Candidate((NounPhrase(*key),), answer_by_count[len(ids)], ids))
    return found


def _existence(visible: VisibleObjects, rng: np.random.Generator) -> list[_Candidate]:
    return _plain_candidates(visible, rng, {n: "yes" if n else "no" for n in range(len(wording.NUMBERS))})


def _count(visible: VisibleObjects, rng: np.random.Generator) -> list[_Candidate]:
    return _plain_candidates(visible, rng, dict(enumerate(wording.NUMBERS)))


def _color(visible: VisibleObjects) -> list[_Candidate]:
    found = []
    for item in visible.referable:
        phrase = NounPhrase(item.category)
        if phrase in unique_phrases(item, visible):
            found.append(_Candidate((phrase,), item.color, (item.id,)))
    return found


def _support(visible: VisibleObjects, rng: np.random.Generator) -> list[_Candidate]:
    by_id = {item.id: item for item in visible.referable}
    found = []
    for item in visible.referable:
        holder = by_id.get(item.support)
        if item.support is not None and holder is None:
            continue
        answer = "floor" if holder is None else holder.category
        ids = (item.id,) if holder is None else tuple(sorted((item.id, holder.id)))
        found += [_Candidate((phrase,), answer, ids) for phrase in unique_phrases(item, visible)]
    if all(c.answer == "floor" for c in found) and rng.random() >= FLOOR_ONLY_SHARE:
        return []
    return found


def _closer(visible: VisibleObjects) -> list[_Candidate]:
    distances = camera_distances(visible.referable)
    named = [(item, unique_phrases(item, visible)) for item in visible.referable]
    found = []
    for near, near_phrases in named:
        for far, far_phrases in named:
            if near.category == far.category or not distances[far.id] - distances[near.id] >= DISTANCE_MARGIN:
                continue
            ids = tuple(sorted((near.id, far.id)))
            found += [_Candidate((a, b), near.category, ids) for a in near_phrases for b in far_phrases]
    return found
