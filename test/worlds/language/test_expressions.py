# SPDX-License-Identifier: Apache-2.0
"""Expressions denote exactly their targets, in every form and kind, and are reproducible."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pytest

from ide3d_training.worlds.language import denoted, expressions
from ide3d_training.worlds.language.expressions import FORM_WEIGHTS, MAX_TARGETS
from ide3d_training.worlds.scene_graph import FrameGraph

LIMIT = 8


def drawn(frame, seed: int = 0, limit: int = LIMIT):
    return expressions(frame, np.random.default_rng(seed), limit)


@pytest.fixture(scope="module")
def all_drawn(many_frames):
    return [
        (frame, expression) for seed, frame in enumerate(many_frames) for expression in drawn(frame, seed)
    ]


def test_every_expression_denotes_its_targets_whichever_ambiguous_objects_count(all_drawn, hidden):
    def with_only(frame: FrameGraph, counted: set[int]) -> FrameGraph:
        """Make each ambiguous object either plainly visible or unseen."""
        objects = []
        for item in frame.objects:
            if not frame.is_referable(item) and not frame.is_unseen(item):
                pixels, fraction = (900, 0.9) if item.id in counted else hidden
                item = replace(item, visible_pixels=pixels, visible_fraction=fraction)
            objects.append(item)
        return replace(frame, objects=tuple(objects))

    for frame, expression in all_drawn[::3]:
        ambiguous = [o.id for o in frame.objects if not frame.is_referable(o) and not frame.is_unseen(o)]
        for counted in chain.from_iterable(combinations(ambiguous, n) for n in range(len(ambiguous) + 1)):
            assert denoted(expression.text, with_only(frame, set(counted))) == expression.target_ids, (
                expression
            )


def test_targets_are_referable_sorted_and_few(all_drawn):
    for frame, expression in all_drawn:
        referable = {item.id for item in frame.referable}
        assert referable.issuperset(expression.target_ids)
        assert list(expression.target_ids) == sorted(expression.target_ids)
        assert len(expression.target_ids) <= MAX_TARGETS


def test_kind_states_the_number_of_targets(all_drawn):
    for _, expression in all_drawn:
        wanted = {0: "zero", 1: "unique"}.get(len(expression.target_ids), "multi")
        assert expression.kind == wanted


def test_every_kind_and_form_occurs(all_drawn):
    kinds = Counter(expression.kind for _, expression in all_drawn)
    forms = {(expression.kind, expression.form) for _, expression in all_drawn}
    assert min(kinds.values()) > 0.1 * kinds.total()
    assert {form for kind, form in forms if kind == "unique"} == set(FORM_WEIGHTS)
    assert {form for kind, form in forms if kind == "multi"} >= {
        "category",
        "color_category",
        "color",
        "relation",
    }
    assert {form for kind, form in forms if kind == "zero"} == {
        "category",
        "color_category",
        "color",
        "relation",
    }


def test_zero_target_texts_include_the_wrong_colour_of_something_present(frame, thing):
    scene = frame(thing(1, "red chair"))
    zero = [
        e for seed in range(60) for e in drawn(scene, seed) if e.kind == "zero" and e.form == "color_category"
    ]
    assert np.mean(["chair" in expression.text for expression in zero]) > 0.3


def test_one_meaning_is_drawn_once_per_frame(many_frames):
    for frame in many_frames:
        texts = [expression.text for expression in drawn(frame)]
        assert len(set(texts)) == len(texts)


def test_same_generator_state_gives_the_same_texts_whatever_the_order_of_objects(many_frames):
    for frame in many_frames[:50]:
        backwards = replace(frame, objects=frame.objects[::-1])
        assert drawn(frame) == drawn(backwards)
        assert drawn(frame, seed=1) != drawn(frame, seed=2)


def test_limit_is_kept_and_an_empty_frame_yields_only_zero_targets(frame, many_frames):
    assert all(len(drawn(f, limit=3)) <= 3 for f in many_frames)
    assert drawn(many_frames[0], limit=0) == []
    assert {expression.kind for expression in drawn(frame(), limit=40)} == {"zero"}


def test_more_than_four_targets_are_never_asked_for(frame, thing):
    scene = frame(*(thing(n, "red chair", column=40.0 * n) for n in range(1, 6)))
    for seed in range(40):
        assert all(len(expression.target_ids) <= MAX_TARGETS for expression in drawn(scene, seed))


def test_texts_are_plain_lower_case_lines(all_drawn):
    for _, expression in all_drawn:
        assert expression.text == expression.text.lower().strip()
        assert "  " not in expression.text and "\n" not in expression.text


def test_wordings_vary(frame, thing):
    scene = frame(thing(1, "red chair"))
    texts = {
        e.text
        for seed in range(200)
        for e in drawn(scene, seed)
        if e.form == "color_category" and e.target_ids
    }
    assert len(texts) >= 10
    assert {"the red chair", "red chair"} <= texts
