# SPDX-License-Identifier: Apache-2.0
"""What the generators know of a frame: who is there, how they may be named, and where they are."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ide3d_training.worlds.scene_graph import FrameGraph
from ide3d_training.worlds.splits import HELD_OUT_PAIRS, split_of

from .layout import DOUBTFUL, HOLDS, Layout
from .phrases import ONE, NounPhrase, Relation
from .visibility import visible_objects
from .wording import pick

PAIR_SHARE = 0.6
"""Of the texts of splits with unseen pairs, the share that is to name such a pair, where one can."""


class Key(NamedTuple):
    """Name objects by attributes; None leaves an attribute open."""

    category: str | None = None
    color: str | None = None
    material: str | None = None


class Related(NamedTuple):
    """Count, for a relation, the members of K keys that stand in it to A anchors.

    Attributes:
        members: (K, N) bool: which objects a key names.
        holds: (N, A) bool: which objects stand in the relation.
        clear: (K, A) bool: no member is doubtful, and there is one besides the anchors.
        counts: (K, A) members that stand in it.
    """

    members: np.ndarray
    holds: np.ndarray
    clear: np.ndarray
    counts: np.ndarray

    def targets(self, key: int, anchor: int) -> np.ndarray:
        """Return the indices of the objects that stand in the relation."""
        return np.flatnonzero(self.members[key] & self.holds[:, anchor])


class Survey:
    """Take stock of one frame.

    Args:
        frame: the graph of one rendered frame; its seed tells the split, and that what texts may say.

    Attributes:
        split: the frame's split.
        objects: referable and ambiguous ones, by id; indices count through them.
        referable: (N,) bool.
        ids: (N,) of the objects.
        layout: their measures.
        groups: indices of the objects that each key of one or two attributes names, where it may be used.
    """

    def __init__(self, frame: FrameGraph) -> None:
        visible = visible_objects(frame)
        chosen = {item.id for item in visible.referable}
        self.frame = frame
        self.split = split_of(frame.seed)
        self.objects = visible.all
        self.referable = np.array([item.id in chosen for item in self.objects], bool)
        self.ids = np.array([item.id for item in self.objects], int)
        self.layout = Layout(frame, self.objects)
        groups: dict[Key, list[int]] = defaultdict(list)
        for k, item in enumerate(self.objects):
            category, color, material = item.category, item.color, item.material
            for key in (
                Key(category),
                Key(category, color),
                Key(category, None, material),
                Key(None, color),
                Key(None, None, material),
                Key(category, color, material),
            ):
                groups[key].append(k)
        self.groups = {key: found for key, found in groups.items() if self.may_name(key)}

    def may_name(self, key: Key) -> bool:
        """Say whether texts of the frame's split may name a category and a colour together."""
        return self.split.unseen_pairs or (key.category, key.color) not in HELD_OUT_PAIRS

    @cached_property
    def names(self) -> list[list[Key]]:
        """For each object the keys with a category that single it out; none for one that is not referable."""
        found: list[list[Key]] = [[] for _ in self.objects]
        for key, members in self.groups.items():
            if len(members) == 1 and key.category and self.referable[members[0]]:
                if None in key or not any(None in shorter for shorter in found[members[0]]):
                    found[members[0]].append(key)
        return found

    @cached_property
    def anchors(self) -> np.ndarray:
        """(A,) indices of the objects that others can be related to."""
        return np.array([k for k, keys in enumerate(self.names) if keys], int)

    @cached_property
    def keys(self) -> list[Key]:
        """The keys of related phrases: those of one or two attributes, and "any thing"."""
        return [key for key in self.groups if None in key] + [Key()]

    @cached_property
    def members(self) -> np.ndarray:
        """(K, N) bool: which objects each of `keys` names."""
        found = np.zeros((len(self.keys), len(self.objects)), bool)
        for row, key in enumerate(self.keys[:-1]):
            found[row, self.groups[key]] = True
        found[-1] = True
        return found

    def related(self, relation: str) -> Related:
        """Count what stands in a relation (not an anchored distance) to each of `anchors`."""
        return self._count(self.layout.verdicts(relation)[:, self.anchors], self.anchors[:, None])

    def between(self) -> tuple[np.ndarray, Related]:
        """Return (P, 2) pairs of anchors and what is between them."""
        first, second = np.triu_indices(len(self.anchors), 1)
        pairs = np.stack([self.anchors[first], self.anchors[second]], -1)
        return pairs, self._count(self.layout.between(pairs), pairs)

    def _count(self, verdicts: np.ndarray, anchors: np.ndarray) -> Related:
        """Count by key; `anchors` is (A, 1 or 2)."""
        members = self.members.astype(np.float32)
        holds = verdicts == HOLDS
        others = members.sum(1, keepdims=True) - sum(members[:, column] for column in anchors.T)
        doubts = members @ (verdicts == DOUBTFUL).astype(np.float32)
        counts = members @ holds.astype(np.float32)
        seen = members @ (holds & self.referable[:, None]).astype(np.float32)
        return Related(
            self.members, holds, (doubts == 0) & (others > 0) & (seen == counts), counts.astype(int)
        )

    def phrase(
        self,
        key: Key,
        rng: np.random.Generator,
        *,
        number: str = ONE,
        selector: str | None = None,
        relation: str | None = None,
        anchors: tuple[int, ...] = (),
    ) -> NounPhrase:
        """Make a phrase, drawing how its anchors are named."""
        related = None
        if relation is not None:
            related = Relation(relation, tuple(self.named(anchor, rng) for anchor in anchors))
        return NounPhrase(key.category, key.color, key.material, number, selector, related)

    def named(self, index: int, rng: np.random.Generator) -> NounPhrase:
        """Draw a phrase that singles out one of `anchors`."""
        return NounPhrase(*pick(rng, self.names[index]))

    def wants_pair(self, rng: np.random.Generator) -> bool:
        """Draw whether the next text is to name a pair that training never names."""
        return self.split.unseen_pairs and rng.random() < PAIR_SHARE


def names_unseen_pair(phrases: tuple[NounPhrase, ...]) -> bool:
    """Say whether phrases name a category and a colour together that training texts never do."""
    return any(pair in HELD_OUT_PAIRS for phrase in phrases for pair in phrase.named_pairs())
