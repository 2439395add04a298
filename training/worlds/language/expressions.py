# SPDX-License-Identifier: Apache-2.0
"""Referring expressions about a frame: unique, multi-target and zero-target, each true to the scene graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ide3d_training.worlds.categories import BY_NAME, CATEGORIES, COLORS, MATERIALS
from ide3d_training.worlds.scene_graph import FrameGraph

from . import margins
from .denotation import Checker
from .phrases import BOTH, MANY, ONE, NounPhrase, attribute_form
from .survey import Key, Related, Survey, names_unseen_pair
from .wording import Wording, pick, weighted_pick

MAX_TARGETS = 4

KIND_SHARES = {"unique": 0.6, "multi": 0.2, "zero": 0.2}
FALLBACKS = {"unique": ("unique", "multi"), "multi": ("multi", "unique"), "zero": ("zero",)}
"""What is drawn where a kind has run out. Zero-target texts never fill in: they would swamp sparse frames."""
FORM_WEIGHTS = {
    "category": 2.5,
    "color_category": 3.5,
    "material_category": 2.0,
    "color_material_category": 0.7,
    "color": 1.0,
    "material": 0.7,
    "side": 1.2,
    "extreme": 1.2,
    "distance": 1.2,
    "size": 1.5,
    "ordinal": 1.0,
    "on": 1.2,
    "in": 1.2,
    "under": 1.0,
    "next_to": 1.5,
    "left_of": 1.2,
    "right_of": 1.2,
    "behind": 1.0,
    "in_front_of": 1.0,
    "between": 1.0,
    "nearest_to": 1.2,
    "farthest_from": 1.0,
}
"""How often each form is drawn where a frame allows all of them."""
ATTRIBUTE_FORMS = tuple(FORM_WEIGHTS)[:6]
RELATION_FORMS = ("on", "in", "under", "next_to", "left_of", "right_of", "behind", "in_front_of", "between")
FORMS = {
    "unique": tuple(FORM_WEIGHTS),
    "multi": ATTRIBUTE_FORMS + RELATION_FORMS,
    "zero": tuple(form for form in ATTRIBUTE_FORMS if form != "color_material_category") + RELATION_FORMS,
}
"""Forms that each kind can have."""
ROOM_BELOW = frozenset({"table", "desk", "bed", "bench", "chair", "stool", "workbench"})
"""Categories that one may look under in vain."""

_MOST_CANDIDATES = 12  # of one form; a frame is asked only a few
_TRIES = 12  # at a text that names an unseen pair


@dataclass(frozen=True)
class Expression:
    """Hold a text that refers to objects of one frame.

    Args:
        text: one lower-case line.
        target_ids: ids of the objects it denotes, sorted; empty where nothing matches.
        kind: "unique", "multi" or "zero", by the number of targets.
        form: the phrase's form (`NounPhrase.form`): category, color_category, next_to, side, ...
    """

    text: str
    target_ids: tuple[int, ...]
    kind: str
    form: str


class _Candidate(NamedTuple):
    """Hold what could be said; anchors are indices of a survey and are named when it is said."""

    key: Key
    target_ids: tuple[int, ...]
    number: str = ONE
    selector: str | None = None
    relation: str | None = None
    anchors: tuple[int, ...] = ()


def expressions(
    frame: FrameGraph, rng: np.random.Generator, limit: int, absent: float = KIND_SHARES["zero"]
) -> list[Expression]:
    """Draw expressions about a frame, balanced over kinds and forms; no meaning is drawn twice.

    Args:
        frame: the graph of one rendered frame.
        rng: draws meanings and wordings; the same generator state gives the same texts.
        limit: largest number of expressions; a sparse frame yields fewer.
        absent: share of expressions that name nothing in the frame, 0..1; the other kinds keep their ratio.

    Returns:
        Expressions whose texts denote exactly their targets, whether or not ambiguous objects count.
    """
    survey = Survey(frame)
    writer = _Writer(survey, rng)
    drawn: list[Expression] = []
    present = (1 - absent) / (1 - KIND_SHARES["zero"])
    shares = [absent if kind == "zero" else share * present for kind, share in KIND_SHARES.items()]
    for _ in range(limit):
        wanted = weighted_pick(rng, list(KIND_SHARES), shares)
        for kind in FALLBACKS[wanted]:
            expression = writer.draw(kind)
            if expression is not None:
                drawn.append(expression)
                break
    return drawn


class _Writer:
    """Draw expressions of one frame; what a form offers is found when it is first drawn."""

    def __init__(self, survey: Survey, rng: np.random.Generator) -> None:
        self._survey, self._rng = survey, rng
        self._wording = Wording(rng, survey.split.unseen_wordings)
        self._checker = Checker(survey.frame)
        self._forms = {kind: list(forms) for kind, forms in FORMS.items()}
        self._pools: dict[tuple[str, str], list[_Candidate]] = {}

    def draw(self, kind: str) -> Expression | None:
        """Take candidates of a kind until one holds up; None once there are none left."""
        forms = self._forms[kind]
        tries = _TRIES if self._survey.wants_pair(self._rng) else 0
        while forms:
            form = weighted_pick(self._rng, forms, [FORM_WEIGHTS[f] for f in forms])
            pool = self._pool(kind, form)
            if not pool:
                forms.remove(form)
                continue
            at = int(self._rng.integers(len(pool)))
            phrase = self._phrase(pool[at])
            if tries > 0 and not names_unseen_pair((phrase,)):
                tries -= 1
                continue
            pool[at], pool[-1] = pool[-1], pool[at]
            candidate = pool.pop()
            text = self._wording.expression(phrase)
            if self._checker.denoted(text) == candidate.target_ids:
                return Expression(text, candidate.target_ids, kind, form)
        return None

    def _phrase(self, candidate: _Candidate) -> NounPhrase:
        return self._survey.phrase(
            candidate.key,
            self._rng,
            number=candidate.number,
            selector=candidate.selector,
            relation=candidate.relation,
            anchors=candidate.anchors,
        )

    def _pool(self, kind: str, form: str) -> list[_Candidate]:
        if (kind, form) not in self._pools:
            find: Callable[[str, str], list[_Candidate]]
            if form in ATTRIBUTE_FORMS:
                find = self._absent_attributes if kind == "zero" else self._attributes
            elif form == "between":
                find = self._between
            elif form in RELATION_FORMS:
                find = self._related
            elif form in ("nearest_to", "farthest_from"):
                find = self._anchored_distance
            else:
                find = self._selected
            self._pools[kind, form] = find(kind, form)
        return self._pools[kind, form]

    def _few(self, found: list) -> list:
        """Keep a random few."""
        if len(found) <= _MOST_CANDIDATES:
            return found
        return [found[i] for i in self._rng.choice(len(found), _MOST_CANDIDATES, replace=False)]

    def _ids(self, indices: np.ndarray | list[int]) -> tuple[int, ...]:
        return tuple(self._survey.ids[indices].tolist())

    def _attributes(self, kind: str, form: str) -> list[_Candidate]:
        found = []
        for key, members in self._survey.groups.items():
            if attribute_form(*key) != form or not self._survey.referable[members].all():
                continue
            ids = self._ids(members)
            if kind == "unique" and len(members) == 1:
                found.append(_Candidate(key, ids))
            elif kind == "multi" and 2 <= len(members) <= MAX_TARGETS:
                found.append(_Candidate(key, ids, MANY))
                if len(members) == 2 and key.category is not None:
                    found.append(_Candidate(key, ids, BOTH))
        return found

    def _absent_attributes(self, kind: str, form: str) -> list[_Candidate]:
        """Return keys that name nothing, most of them near misses of something in the frame."""
        survey, objects = self._survey, self._survey.objects
        categories = {item.category for item in objects}
        present = sorted(categories)
        absent = [category for category in CATEGORIES if category not in categories]
        colors, materials = {item.color for item in objects}, {item.material for item in objects}
        near: list[Key] = []
        far: list[Key] = []
        if form == "category":
            near = [Key(category) for category in absent]
        elif form == "color":
            near = [Key(None, color) for color in COLORS if color not in colors]
        elif form == "material":
            near = [Key(None, None, material) for material in MATERIALS if material not in materials]
        elif form == "color_category":
            near = [Key(category, color) for category in present for color in COLORS]
            far = [Key(category, color) for category in absent for color in sorted(colors)]
        else:
            near = [Key(c, None, material) for c in present for material in BY_NAME[c].materials]
            far = [Key(c, None, m) for c in absent for m in BY_NAME[c].materials if m in materials]
        near = self._few([key for key in near if key not in survey.groups and survey.may_name(key)])
        far = self._few([key for key in far if survey.may_name(key)])[: max(1, len(near) // 3)]
        numbers = (ONE, MANY) if form.endswith("category") else (ONE,)
        return [_Candidate(key, (), pick(self._rng, numbers)) for key in near + far]

    def _selected(self, kind: str, form: str) -> list[_Candidate]:
        survey = self._survey
        found = []
        for key, members in survey.groups.items():
            if key.category is None or len(members) < 2:  # a selector compares things of one category
                continue
            plain = [k for k in members if survey.referable[k]]
            ranked = self._ranked(form, members)
            if len(plain) < len(members):  # the same must be selected among those that surely count
                surely = self._ranked(form, plain)
                ranked = [selected for selected in ranked if selected in surely]
            found += [
                _Candidate(key, (int(survey.ids[index]),), selector=selector) for selector, index in ranked
            ]
        return self._few(found)

    def _ranked(self, form: str, members: list[int]) -> list[tuple[str, int]]:
        """Return the selectors of a form that are clear-cut among the members, and whom they select."""
        layout = self._survey.layout
        if form == "distance":
            return _ends(layout.distances, members, margins.DISTANCE_MARGIN, ("nearest", "farthest"))
        if form == "size":
            heights, volumes = np.log(layout.extents[:, 2]), np.log(layout.volumes)
            by_height = _ends(heights, members, np.log(margins.HEIGHT_RATIO), ("shortest", "tallest"))
            by_volume = _ends(volumes, members, np.log(margins.VOLUME_RATIO), ("smallest", "largest"))
            if len(members) == 2:
                by_volume += _ends(volumes, members, np.log(margins.VOLUME_RATIO), ("smaller", "larger"))
            return by_height + by_volume
        columns, width = layout.columns, self._survey.frame.camera.width
        if np.isnan(columns[members]).any():
            return []
        if form == "side":
            pair = members if len(members) == 2 else []
            return _ends(columns, pair, margins.SIDE_MARGIN * width, ("left", "right"))
        lead = margins.EXTREME_MARGIN * width
        if form == "extreme":
            return _ends(columns, members, lead, ("leftmost", "rightmost"))
        found = []
        if len(members) >= 3:
            for side, order in (("left", 1), ("right", -1)):
                ranked = sorted(members, key=lambda k: columns[k])[::order]
                clear = [*(np.abs(np.diff(columns[ranked])) >= lead), True]
                found += [(f"second_{side}", ranked[1])] if clear[0] and clear[1] else []
                found += [(f"third_{side}", ranked[2])] if clear[1] and clear[2] else []
        return found

    def _related(self, kind: str, form: str) -> list[_Candidate]:
        survey = self._survey
        related = survey.related(form)
        places = self._places(kind, related)
        if kind == "zero" and form in ("on", "in", "under"):
            carried = survey.layout.carried
            loose = survey.members @ carried.any(1)
            if form == "under":
                fit = np.array([survey.objects[a].category in ROOM_BELOW for a in survey.anchors], bool)
            else:
                fit = (survey.layout.verdicts(form) == 1).any(0)[survey.anchors]
                places &= loose[:, None]
            places &= fit
        return [
            self._in_relation(kind, form, key, related.targets(key, anchor), (int(survey.anchors[anchor]),))
            for key, anchor in self._few(list(zip(*(i.tolist() for i in np.nonzero(places)), strict=True)))
        ]

    def _between(self, kind: str, form: str) -> list[_Candidate]:
        pairs, related = self._survey.between()
        places = self._places(kind, related)
        return [
            self._in_relation(kind, form, key, related.targets(key, pair), self._shuffled(pairs[pair]))
            for key, pair in self._few(list(zip(*(i.tolist() for i in np.nonzero(places)), strict=True)))
        ]

    def _places(self, kind: str, related: Related) -> np.ndarray:
        """Return (K, A) bool: where the members that stand in a relation are as many as the kind wants."""
        counts = related.counts
        if kind == "unique":
            return related.clear & (counts == 1)
        if kind == "multi":
            return related.clear & (counts >= 2) & (counts <= MAX_TARGETS)
        places = related.clear & (counts == 0)
        places[-1] = False  # "the thing on the table" of an empty table
        return places

    def _in_relation(
        self, kind: str, form: str, key: int, targets: np.ndarray, anchors: tuple[int, ...]
    ) -> _Candidate:
        number = MANY if kind == "multi" else ONE
        return _Candidate(self._survey.keys[key], self._ids(targets), number, None, form, anchors)

    def _shuffled(self, pair: np.ndarray) -> tuple[int, ...]:
        order = 1 if self._rng.random() < 0.5 else -1
        return tuple(int(index) for index in pair[::order])

    def _anchored_distance(self, kind: str, form: str) -> list[_Candidate]:
        survey = self._survey
        found = []
        selectors = ("nearest_to", "") if form == "nearest_to" else ("", "farthest_from")
        for key, members in survey.groups.items():
            if key.category is None or len(members) < 2:
                continue
            for anchor in survey.anchors.tolist():
                away = survey.layout.separations[anchor]
                others = [k for k in members if k != anchor]
                plain = [k for k in others if survey.referable[k]]
                surely = _ends(away, plain, margins.NEIGHBOR_MARGIN, selectors)
                found += [
                    _Candidate(key, (int(survey.ids[index]),), relation=form, anchors=(anchor,))
                    for selector, index in _ends(away, others, margins.NEIGHBOR_MARGIN, selectors)
                    if selector and (selector, index) in surely
                ]
        return self._few(found)


def _ends(
    values: np.ndarray, members: list[int], lead: float, selectors: tuple[str, str]
) -> list[tuple[str, int]]:
    """Return the selector of the smallest value and that of the largest, each where it leads the next one."""
    if len(members) < 2:
        return []
    ranked = sorted(members, key=lambda k: values[k])
    found = []
    if values[ranked[1]] - values[ranked[0]] >= lead:
        found.append((selectors[0], ranked[0]))
    if values[ranked[-1]] - values[ranked[-2]] >= lead:
        found.append((selectors[1], ranked[-1]))
    return found
