# SPDX-License-Identifier: Apache-2.0
"""Expressions denote exactly their targets, in every form and kind, and are reproducible."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pytest

from ide3d_training.datasets.augmentation import mirror_graph
from ide3d_training.worlds.language import Checker, denoted, expressions, templates
from ide3d_training.worlds.language.expressions import ATTRIBUTE_FORMS, FORMS, MAX_TARGETS
from ide3d_training.worlds.language.grammar import parse_expression
from ide3d_training.worlds.scene_graph import IN, FrameGraph
from ide3d_training.worlds.splits import HELD_OUT_PAIRS

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
    assert {form for kind, form in forms if kind == "unique"} == set(FORMS["unique"])
    assert {form for kind, form in forms if kind == "zero"} >= set(FORMS["zero"]) - {"in"}
    assert {form for kind, form in forms if kind == "multi"} >= {
        *ATTRIBUTE_FORMS[:3],
        "on",
        "next_to",
        "left_of",
        "behind",
    }


def test_form_is_the_one_of_the_text(all_drawn):
    for _, expression in all_drawn:
        assert parse_expression(expression.text).form == expression.form


def test_no_form_fills_more_than_a_fifth_of_a_kind_and_relations_half_of_unique_texts(all_drawn):
    for kind in ("unique", "multi", "zero"):
        forms = Counter(e.form for _, e in all_drawn if e.kind == kind)
        assert max(forms.values()) < 0.3 * forms.total(), forms
    forms = Counter(e.form for _, e in all_drawn if e.kind == "unique")
    related = sum(count for form, count in forms.items() if form not in ATTRIBUTE_FORMS)
    assert related > 0.4 * forms.total()


def test_zero_target_texts_are_of_three_sorts(all_drawn):
    sorts = Counter()
    for frame, expression in all_drawn:
        if expression.kind == "zero":
            phrase = parse_expression(expression.text)
            present = {item.category for item in frame.objects if not frame.is_unseen(item)}
            if phrase.relation is not None:
                sorts["relation"] += 1
                assert phrase.category is None or phrase.category in present  # only the relation is absent
            elif phrase.category in present:
                sorts["attribute"] += 1
            else:
                sorts["category"] += 1
    assert min(sorts[sort] for sort in ("relation", "attribute", "category")) > 0.15 * sorts.total(), sorts


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


def test_checker_never_has_to_reject_what_is_drawn(many_frames, wording_frames, pair_frames, monkeypatch):
    """Generator and checker compute apart; wherever they differ, one of them is wrong."""
    checked = []
    denoted_by_text = Checker.denoted

    def recorded(self: Checker, text: str):
        found = denoted_by_text(self, text)
        checked.append((text, found))
        return found

    monkeypatch.setattr(Checker, "denoted", recorded)
    kept = 0
    for scene in many_frames + wording_frames + pair_frames:
        found = drawn(scene, seed=3)
        kept += len(found)
        assert {(e.text, e.target_ids) for e in found} == set(checked), set(checked)
        checked.clear()
    assert kept > 4000


def test_mirrored_frames_are_spoken_of_as_truly(many_frames):
    for scene in many_frames[::4]:
        mirrored = mirror_graph(scene)
        for expression in drawn(mirrored):
            assert denoted(expression.text, mirrored) == expression.target_ids


def test_unseen_wordings_are_drawn_for_their_split_alone(many_frames, wording_frames):
    requests = (templates.REQUESTS, templates.WHERE_IS, templates.WHERE_ARE)
    kept = tuple(text for options in requests for text in options.unseen)
    seen = [e.text for scene in many_frames for e in drawn(scene)]
    unseen = [e.text for scene in wording_frames for e in drawn(scene)]
    assert all(_matches(text, kept) for text in unseen)
    assert not any(_matches(text, kept) for text in seen)
    for words in ("which is", "all of the", "both of the", "that is beside"):
        assert any(words in text for text in unseen) and not any(words in text for text in seen), words
    for words in ("that is red", "coloured", "every ", "beside"):
        assert any(words in text for text in seen), words
    for words in ("that is red", "coloured", "every ", "counting"):
        assert not any(words in text for text in unseen), words


def _matches(text: str, wordings: tuple[str, ...]) -> bool:
    return any(
        text.startswith(wording.split("{a}")[0]) and text.endswith(wording.split("{a}")[1])
        for wording in wordings
    )


def test_pairs_kept_from_training_are_named_in_their_split_alone(many_frames, wording_frames, pair_frames):
    def share(frames) -> float:
        texts = [e.text for scene in frames for e in drawn(scene)]
        return np.mean([any(p in HELD_OUT_PAIRS for p in parse_expression(t).named_pairs()) for t in texts])

    assert share(many_frames) == share(wording_frames) == 0
    assert share(pair_frames) > 0.33


def test_zero_target_texts_of_their_split_name_unseen_pairs_too(pair_frames):
    zero = [e.text for scene in pair_frames for e in drawn(scene) if e.kind == "zero"]
    named = [any(p in HELD_OUT_PAIRS for p in parse_expression(text).named_pairs()) for text in zero]
    assert 0.2 < np.mean(named) < 0.9


def test_object_of_a_pair_kept_from_training_is_never_named_by_it(frame, placed):
    category, color = sorted(HELD_OUT_PAIRS)[0]
    scene = frame(placed(1, f"{color} {category}", 3.0, 0.0), placed(2, "red chair", 3.0, 2.0))
    texts = [e.text for seed in range(60) for e in drawn(scene, seed)]
    assert any(category in text for text in texts)
    assert not [t for t in texts if (category, color) in parse_expression(t).named_pairs()]


def test_zero_target_texts_look_into_things_that_hold_something_else(frame, placed):
    scene = frame(
        placed(1, "red wood cabinet", 3.0, 0.0),
        placed(2, "blue paper book", 3.0, 0.0, (0.1, 0.2, 0.2), above=0.3, on=1, relation=IN),
        placed(3, "white wood table", 3.0, 2.0),
        placed(4, "black metal mug", 3.0, 2.0, (0.1, 0.1, 0.1), above=0.8, on=3),
    )
    zero = [e for seed in range(80) for e in drawn(scene, seed) if e.kind == "zero" and e.form == "in"]
    assert zero
    for expression in zero:
        phrase = parse_expression(expression.text)
        assert phrase.category in ("mug", None) and phrase.relation.anchors[0].category == "cabinet"


@pytest.mark.parametrize("absent", [0.0, 0.5])
def test_the_share_of_zero_target_texts_can_be_chosen(many_frames, absent):
    kinds = Counter(
        expression.kind
        for seed, frame in enumerate(many_frames)
        for expression in expressions(frame, np.random.default_rng(seed), LIMIT, absent)
    )
    assert abs(kinds["zero"] / kinds.total() - absent) < 0.1
    assert kinds["unique"] > 2 * kinds["multi"] > 0
