# SPDX-License-Identifier: Apache-2.0
"""Questions with short answers about a frame, drawn so that no answer is right by habit.

Within a kind the answer is drawn first, uniformly among those that the frame offers (with the weights below),
and then a question that has it. Over random rooms no answer reaches 60 % of its kind; yes and no are as likely
as one another within each form of existence question, left and right within each kind that has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ide3d_training.worlds.scene_graph import FrameGraph

from .denotation import Checker
from .point_of_view import situated_side, situated_thing
from .question_pools import (
    Candidate,
    closer,
    color,
    count,
    depth,
    direction,
    distance,
    existence,
    height,
    larger,
    material,
    room,
    separation,
    side,
    support,
    taller,
    width,
)
from .survey import Survey, names_unseen_pair
from .wording import Wording, pick, weighted_pick

POOLS: dict[str, Callable[[Survey, np.random.Generator], list[Candidate]]] = {
    "existence": existence,
    "count": count,
    "color": color,
    "material": material,
    "support": support,
    "closer": closer,
    "taller": taller,
    "larger": larger,
    "distance": distance,
    "separation": separation,
    "height": height,
    "width": width,
    "direction": direction,
    "side": side,
    "depth": depth,
    "situated_side": situated_side,
    "situated_thing": situated_thing,
    "room": room,
}
QUESTION_KINDS = tuple(POOLS)

COUNT_WEIGHTS = {"zero": 1.0, "one": 1.0, "two": 2.5, "three": 5.0, "four": 6.0}
"""Weights of the counts a frame offers: large ones are rare, so a frame that has one asks for it more."""
FLOOR_SHARE = 0.3
"""Share of "floor" among the answers to support questions where the frame offers another."""
FLOOR_ONLY_SHARE = 0.1
"""Share of the frames where everything stands on the floor that ask for support at all."""

_TRIES = 12  # at a text that names an unseen pair


@dataclass(frozen=True)
class Question:
    """Hold a question about one frame with its true answer.

    Args:
        text: one lower-case line.
        answer: a few lower-case words: yes, no, a number word up to four, a colour, a material, a category or
            "floor", left, right, "straight ahead", "in front", behind, a type of room, or a length to a tenth
            of a metre such as "1.4 meters".
        kind: one of QUESTION_KINDS.
        target_ids: ids of the objects that show the answer, sorted; empty for "no" and "zero".
        value_m: the exact length where the answer is one, metres; else None.
    """

    text: str
    answer: str
    kind: str
    target_ids: tuple[int, ...]
    value_m: float | None = None


def questions(frame: FrameGraph, rng: np.random.Generator, limit: int) -> list[Question]:
    """Draw questions about a frame, balanced over kinds and, within a kind, over answers.

    Args:
        frame: the graph of one rendered frame.
        rng: draws meanings and wordings; the same generator state gives the same texts.
        limit: largest number of questions; a sparse frame yields fewer.

    Returns:
        Questions whose answers hold whether or not ambiguous objects count.
    """
    survey, checker = Survey(frame), Checker(frame)
    wording = Wording(rng, survey.split.unseen_wordings)
    pools: dict[str, list[Candidate]] = {}
    drawn: list[Question] = []
    offered, waiting = list(QUESTION_KINDS), []
    while len(drawn) < limit and offered:
        waiting = waiting or list(offered)  # every kind gets its turn before one comes again
        kind = waiting.pop(int(rng.integers(len(waiting))))
        if kind not in pools:
            pools[kind] = _asked_at_all(kind, POOLS[kind](survey, rng), rng)
        while pools[kind]:
            candidate = _draw(kind, pools[kind], rng, survey.wants_pair(rng))
            pools[kind].remove(candidate)
            text = candidate.worded(wording)
            if candidate.answer.agrees_with(checker.answered(text)):
                answer = candidate.answer
                drawn.append(Question(text, answer.text, kind, answer.target_ids, answer.value_m))
                break
        else:
            offered.remove(kind)
    return drawn


def _asked_at_all(kind: str, pool: list[Candidate], rng: np.random.Generator) -> list[Candidate]:
    only_floor = kind == "support" and all(candidate.answer.text == "floor" for candidate in pool)
    return [] if only_floor and rng.random() >= FLOOR_ONLY_SHARE else pool


def _draw(kind: str, pool: list[Candidate], rng: np.random.Generator, wants_pair: bool) -> Candidate:
    """Draw the answer first, then a candidate that has it, so answers do not follow the rooms' habits."""
    unseen = [c for c in pool if names_unseen_pair(c.phrases)] if wants_pair else []
    if len({candidate.answer.text for candidate in unseen}) > 1:
        pool = unseen
    if kind == "existence":  # within each form yes and no are as likely, or the wording would tell the answer
        said: dict[str, set[str]] = {}
        for candidate in pool:
            said.setdefault(candidate.phrases[0].form, set()).add(candidate.answer.text)
        form = pick(rng, [form for form in sorted(said) if len(said[form]) == 2] or sorted(said))
        pool = [candidate for candidate in pool if candidate.phrases[0].form == form]
    answers = sorted({candidate.answer.text for candidate in pool})
    if kind == "count":
        answer = weighted_pick(rng, answers, [COUNT_WEIGHTS[a] for a in answers])
    elif kind == "support" and "floor" in answers and len(answers) > 1:
        others = (1 - FLOOR_SHARE) / (len(answers) - 1)
        answer = weighted_pick(rng, answers, [FLOOR_SHARE if a == "floor" else others for a in answers])
    else:
        answer = pick(rng, answers)
    pool = [candidate for candidate in pool if candidate.answer.text == answer]
    return pick(rng, [candidate for candidate in pool if candidate in unseen] or pool)
