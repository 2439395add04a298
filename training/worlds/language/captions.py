# SPDX-License-Identifier: Apache-2.0
"""Captions of single objects: what it is, what it looks like and where it is, in one sentence."""

from __future__ import annotations

import numpy as np

from ide3d_training.worlds.scene_graph import FrameGraph, SceneObject

from .denotation import Checker
from .expressions import RELATION_FORMS
from .layout import HOLDS
from .phrases import MANY, NounPhrase
from .survey import Key, Survey
from .wording import Wording

MAX_CAPTIONS = 6


def captions(frame: FrameGraph, item: SceneObject) -> tuple[str, ...]:
    """Describe one object in several ways, each true in the frame.

    Args:
        frame: the graph of one rendered frame.
        item: one of its referable objects.

    Returns:
        One to MAX_CAPTIONS different sentences, the shortest first, the same for the same frame and object. One
        says only what the object is and looks like; each of the others also relates it to a neighbour or to the
        wall, as far as there are such that can be named.

    Raises:
        ValueError: if the object is not referable in the frame.
    """
    survey = Survey(frame)
    found = np.flatnonzero(survey.referable & (survey.ids == item.id))
    if not len(found):
        raise ValueError(f"object {item.id} shows too little of itself in this frame to be described")
    rng = np.random.default_rng((frame.seed, frame.index, item.id))
    checker, wording = Checker(frame), Wording(rng, survey.split.unseen_wordings)
    subject = _subject(survey, item)
    said = {wording.caption(NounPhrase(*subject))}
    if item.against_wall:
        said.add(wording.caption(NounPhrase(*subject), against_wall=True))
    for relation, anchors in _relations(survey, int(found[0]), rng):
        if len(said) == MAX_CAPTIONS:
            break
        phrase = survey.phrase(subject, rng, number=MANY, relation=relation, anchors=anchors)
        targets = checker.denoted(wording.definite(phrase))
        if targets is not None and item.id in targets:
            said.add(wording.caption(phrase))
    return tuple(sorted(said, key=lambda caption: (len(caption), caption)))


def _subject(survey: Survey, item: SceneObject) -> Key:
    key = Key(item.category, item.color, item.material)
    return key if survey.may_name(key) else Key(item.category, None, item.material)


def _relations(survey: Survey, index: int, rng: np.random.Generator) -> list[tuple[str, tuple[int, ...]]]:
    """List the relations in which an object stands to anchors: supports first, then in random order."""
    found = []
    for relation in RELATION_FORMS:
        if relation == "between":
            pairs, related = survey.between()
            there = pairs[related.holds[index]]
            found += [(relation, (int(a), int(b))) for a, b in there]
        else:
            there = survey.anchors[survey.layout.verdicts(relation)[index, survey.anchors] == HOLDS]
            found += [(relation, (int(anchor),)) for anchor in there]
    supports = [one for one in found if one[0] in ("on", "in")]
    others = [one for one in found if one[0] not in ("on", "in")]
    return supports + [others[i] for i in rng.permutation(len(others))]
