# SPDX-License-Identifier: Apache-2.0
"""Referring expressions about a frame: unique, multi-target and zero-target, each true to the scene graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ide3d_training.worlds.categories import CATEGORIES, COLORS
from ide3d_training.worlds.scene_graph import FrameGraph, SceneObject

from . import wording
from .denotation import DISTANCE_MARGIN, EXTREME_MARGIN, SIDE_MARGIN, denoted
from .phrases import BOTH, MANY, ONE, NounPhrase
from .visibility import VisibleObjects, camera_distances, image_columns, visible_objects

MAX_TARGETS = 4

KIND_SHARES = {"unique": 0.6, "multi": 0.2, "zero": 0.2}
FALLBACKS = {"unique": ("unique", "multi"), "multi": ("multi", "unique"), "zero": ("zero",)}
"""What is drawn where a kind has run out. Zero-target texts never fill in: they would swamp sparse frames."""
FORM_WEIGHTS = {
    "category": 3.0,
    "color_category": 4.0,
    "color": 1.5,
    "relation": 1.5,
    "side": 1.5,
    "extreme": 1.5,
    "distance": 1.5,
}
"""How often each form is drawn where a frame allows all of them."""


@dataclass(frozen=True)
class Expression:
    """Hold a text that refers to objects of one frame.

    Args:
        text: one lower-case line.
        target_ids: ids of the objects it denotes, sorted; empty where nothing matches.
        kind: "unique", "multi" or "zero", by the number of targets.
        form: the phrase's form (`NounPhrase.form`): category, color_category, color, relation, side, ...
    """

    text: str
    target_ids: tuple[int, ...]
    kind: str
    form: str


@dataclass(frozen=True)
class _Candidate:
    phrase: NounPhrase
    target_ids: tuple[int, ...]


def expressions(frame: FrameGraph, rng: np.random.Generator, limit: int) -> list[Expression]:
    """Draw expressions about a frame, balanced over kinds and forms; no meaning is drawn twice.

    Args:
        frame: the graph of one rendered frame.
        rng: draws meanings and wordings; the same generator state gives the same texts.
        limit: largest number of expressions; a sparse frame yields fewer.

    Returns:
        Expressions whose texts denote exactly their targets, whether or not ambiguous objects count.
    """
    visible = visible_objects(frame)
    pools: dict[str, dict[str, list[_Candidate]]] = {
        "unique": _by_form(_unique_candidates(frame, visible)),
        "multi": _by_form(_multi_candidates(visible)),
        "zero": _by_form(_zero_candidates(visible)),
    }
    drawn: list[Expression] = []
    for _ in range(limit):
        wanted = wording.weighted_pick(rng, list(KIND_SHARES), list(KIND_SHARES.values()))
        for kind in FALLBACKS[wanted]:
            expression = _draw(kind, pools[kind], frame, rng)
            if expression is not None:
                drawn.append(expression)
                break
    return drawn


def unique_phrases(item: SceneObject, visible: VisibleObjects) -> list[NounPhrase]:
    """Return the plain phrases (category, colour + category) that single out a referable object.

    Args:
        item: the object.
        visible: the objects of its frame.

    Returns:
        None, one or both of "the chair" and "the red chair".
    """
    same = [other for other in visible.all if other.category == item.category]
    phrases = []
    if len(same) == 1:
        phrases.append(NounPhrase(item.category))
    if sum(other.color == item.color for other in same) == 1:
        phrases.append(NounPhrase(item.category, item.color))
    return phrases


def _draw(
    kind: str, pool: dict[str, list[_Candidate]], frame: FrameGraph, rng: np.random.Generator
) -> Expression | None:
    """Take candidates out of the pool until one holds up; None once the pool is empty."""
    while pool:
        form = wording.weighted_pick(rng, list(pool), [FORM_WEIGHTS[f] for f in pool])
        candidate = pool[form].pop(int(rng.integers(len(pool[form]))))
        if not pool[form]:
            del pool[form]
        text = wording.expression(candidate.phrase, rng)
        if denoted(text, frame) == candidate.target_ids:
            return Expression(text, candidate.target_ids, kind, form)
    return None


def _by_form(candidates: list[_Candidate]) -> dict[str, list[_Candidate]]:
    forms: dict[str, list[_Candidate]] = defaultdict(list)
    for candidate in candidates:
        forms[candidate.phrase.form].append(candidate)
    return dict(sorted(forms.items()))


def _groups(objects: tuple[SceneObject, ...]) -> dict[tuple[str | None, str | None], list[SceneObject]]:
    """Group objects by what a noun can say of them: category, category and colour, or colour alone."""
    groups: dict[tuple[str | None, str | None], list[SceneObject]] = defaultdict(list)
    for item in objects:
        for key in ((item.category, None), (item.category, item.color), (None, item.color)):
            groups[key].append(item)
    return groups


def _unique_candidates(frame: FrameGraph, visible: VisibleObjects) -> list[_Candidate]:
    referable = {item.id for item in visible.referable}
    columns = image_columns(frame, visible.all)
    distances = camera_distances(visible.all)
    width = frame.camera.width
    found = []
    for (category, color), items in _groups(visible.all).items():
        ids = [item.id for item in items]
        if len(ids) == 1:
            found.append(_Candidate(NounPhrase(category, color), (ids[0],)))
            continue
        if category is None:  # "the leftmost red thing" compares things of too different sizes
            continue
        by_column = sorted(ids, key=columns.__getitem__)
        by_distance = sorted(ids, key=distances.__getitem__)
        gaps = [columns[b] - columns[a] for a, b in pairwise(by_column)]
        steps = [distances[b] - distances[a] for a, b in pairwise(by_distance)]
        selected = []
        if len(ids) == 2 and gaps[0] >= SIDE_MARGIN * width:
            selected += [("left", by_column[0]), ("right", by_column[1])]
        if gaps[0] >= EXTREME_MARGIN * width:
            selected.append(("leftmost", by_column[0]))
        if gaps[-1] >= EXTREME_MARGIN * width:
            selected.append(("rightmost", by_column[-1]))
        if steps[0] >= DISTANCE_MARGIN:
            selected.append(("nearest", by_distance[0]))
        if steps[-1] >= DISTANCE_MARGIN:
            selected.append(("farthest", by_distance[-1]))
        found += [_Candidate(NounPhrase(category, color, selector=s), (i,)) for s, i in selected]
    for holder, items in _held(visible):
        for (category, color), held in _groups(items).items():
            if len(held) == 1 and category is not None:
                found += [
                    _Candidate(NounPhrase(category, color, support=support), (held[0].id,))
                    for support in unique_phrases(holder, visible)
                ]
    return [candidate for candidate in found if referable.issuperset(candidate.target_ids)]


def _multi_candidates(visible: VisibleObjects) -> list[_Candidate]:
    referable = {item.id for item in visible.referable}
    found = []
    for (category, color), items in _groups(visible.all).items():
        found += _several(items, NounPhrase(category, color, MANY))
        if len(items) == 2 and category is not None:
            found += _several(items, NounPhrase(category, color, BOTH))
    for holder, items in _held(visible):
        for support in unique_phrases(holder, visible):
            found += _several(items, NounPhrase(None, number=MANY, support=support))
    return [candidate for candidate in found if referable.issuperset(candidate.target_ids)]


def _several(items: Sequence[SceneObject], phrase: NounPhrase) -> list[_Candidate]:
    return [_Candidate(phrase, tuple(item.id for item in items))] if 2 <= len(items) <= MAX_TARGETS else []


def _zero_candidates(visible: VisibleObjects) -> list[_Candidate]:
    """Return phrases that nothing matches, most of them near misses of something in the frame."""
    seen = _groups(visible.all)
    present = sorted({item.category for item in visible.all})
    colors = sorted({item.color for item in visible.all})
    absent = [category for category in CATEGORIES if category not in present]
    named = [(category, None) for category in absent]
    named += [(category, color) for category in present for color in COLORS if (category, color) not in seen]
    phrases = [NounPhrase(category, color, number) for category, color in named for number in (ONE, MANY)]
    phrases += [NounPhrase(category, color) for category in absent for color in colors]
    phrases += [NounPhrase(None, color) for color in COLORS if color not in colors]
    held = _held(visible)
    small = sorted({item.category for _, items in held for item in items})
    for holder, items in held:
        elsewhere = [category for category in small if all(item.category != category for item in items)]
        for support in unique_phrases(holder, visible):
            phrases += [NounPhrase(category, support=support) for category in elsewhere]
    return [_Candidate(phrase, ()) for phrase in phrases]


def _held(visible: VisibleObjects) -> list[tuple[SceneObject, tuple[SceneObject, ...]]]:
    """Pair each referable object that holds something with what stands on it."""
    pairs = []
    for holder in visible.referable:
        items = tuple(item for item in visible.all if item.support == holder.id)
        if items:
            pairs.append((holder, items))
    return pairs
