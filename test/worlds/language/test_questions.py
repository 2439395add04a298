# SPDX-License-Identifier: Apache-2.0
"""Questions are answered as the graph says, and no kind can be answered by habit."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from ide3d_training.datasets.augmentation import mirror_graph
from ide3d_training.worlds.categories import CATEGORIES, COLORS, MATERIALS
from ide3d_training.worlds.language import QUESTION_KINDS, Checker, answered, questions, templates
from ide3d_training.worlds.language.grammar import parse_question
from ide3d_training.worlds.splits import HELD_OUT_PAIRS, ROOM_TYPES

LIMIT = 6
LENGTHS = ("distance", "separation", "height", "width")
RARE = ("room",)  # needs furniture that gives the type of room away
CHI_SQUARE = 10.8  # of one degree of freedom; passed by chance once in a thousand times


def drawn(frame, seed: int = 0, limit: int = LIMIT):
    return questions(frame, np.random.default_rng(seed), limit)


@pytest.fixture(scope="module")
def all_drawn(many_frames):
    return [(frame, question) for seed, frame in enumerate(many_frames) for question in drawn(frame, seed)]


@pytest.fixture(scope="module")
def many_drawn(many_frames):
    """Draw several times as many questions, for statistics."""
    return [
        question
        for again in range(4)
        for number, frame in enumerate(many_frames)
        for question in drawn(frame, 1000 * again + number)
    ]


def unbalance(one: int, other: int) -> float:
    """Return the chi-square of two counts that should be alike."""
    return (one - other) ** 2 / (one + other)


def test_every_question_has_the_answer_that_its_text_asks_for(all_drawn):
    for frame, question in all_drawn:
        found = answered(question.text, frame)
        assert (found.text, found.target_ids) == (question.answer, question.target_ids), question
        assert found.value_m == pytest.approx(question.value_m)


def test_answers_are_short_and_of_their_kind(all_drawn):
    sides = {"left", "right"}
    words = {
        "existence": {"yes", "no"},
        "count": {"zero", "one", "two", "three", "four"},
        "color": set(COLORS),
        "material": set(MATERIALS),
        "support": {*CATEGORIES, "floor"},
        "closer": set(CATEGORIES),
        "taller": set(CATEGORIES),
        "larger": set(CATEGORIES),
        "direction": {*sides, "straight ahead"},
        "side": sides,
        "depth": {"in front", "behind"},
        "situated_side": sides,
        "situated_thing": set(CATEGORIES),
        "room": set(ROOM_TYPES),
    }
    for _, question in all_drawn:
        if question.kind in LENGTHS:
            assert question.answer == f"{question.value_m:.1f} meters"
        else:
            assert question.answer in words[question.kind], question
            assert question.value_m is None


def test_evidence_is_referable(all_drawn):
    for frame, question in all_drawn:
        assert {item.id for item in frame.referable}.issuperset(question.target_ids)


def test_no_constant_answer_is_right_in_sixty_percent(many_drawn):
    for kind in set(QUESTION_KINDS) - set(RARE):
        counts = Counter(question.answer for question in many_drawn if question.kind == kind)
        assert counts.total() > 100, kind
        assert max(counts.values()) < 0.6 * counts.total(), (kind, counts)


@pytest.mark.parametrize("kind", ["side", "depth", "situated_side"])
def test_two_answers_are_as_likely(many_drawn, kind):
    counts = Counter(question.answer for question in many_drawn if question.kind == kind)
    assert len(counts) == 2 and unbalance(*counts.values()) < CHI_SQUARE, counts


def test_left_and_right_are_as_likely_directions(many_drawn):
    counts = Counter(question.answer for question in many_drawn if question.kind == "direction")
    assert unbalance(counts["left"], counts["right"]) < CHI_SQUARE, counts
    assert counts["straight ahead"] > 0.1 * counts.total()


def test_lengths_are_spread(many_drawn):
    for kind in LENGTHS:
        counts = Counter(question.answer for question in many_drawn if question.kind == kind)
        assert max(counts.values()) < 0.25 * counts.total(), counts


def test_order_of_two_things_says_nothing_about_which_one_it_is(many_drawn):
    for kind in ("closer", "taller", "larger"):
        asked = [question for question in many_drawn if question.kind == kind]
        first = sum(parse_question(q.text).phrases[0].category == q.answer for q in asked)
        assert unbalance(first, len(asked) - first) < CHI_SQUARE, kind


def test_every_kind_is_asked(many_drawn):
    counts = Counter(question.kind for question in many_drawn)
    assert set(counts) == set(QUESTION_KINDS)
    for kind in set(QUESTION_KINDS) - {*RARE, "situated_thing", "support"}:  # not every frame has these
        assert counts[kind] > 0.03 * counts.total(), (kind, counts)


def test_yes_is_as_likely_as_no_for_each_form_of_the_question(many_drawn):
    counts: dict[str, Counter[str]] = {"attributes": Counter(), "relation": Counter()}
    for question in many_drawn:
        if question.kind == "existence":
            (phrase,) = parse_question(question.text).phrases
            sort = "attributes" if phrase.relation is None else "relation"
            counts[sort][question.answer] += 1
            if phrase.relation is None:
                counts.setdefault(phrase.form, Counter())[question.answer] += 1
    for form, said in counts.items():
        assert said.total() > 60 and 0.35 < said["yes"] / said.total() < 0.65, (form, said)


def test_half_of_the_absent_coloured_things_are_near_misses(frame, thing):
    colors = [color for color in COLORS if ("chair", color) not in HELD_OUT_PAIRS][:5]
    scene = frame(*(thing(n, f"{color} chair") for n, color in enumerate(colors, start=1)))
    near = []
    for seed in range(300):
        for question in drawn(scene, seed):
            if question.kind == "existence" and question.answer == "no":
                (phrase,) = parse_question(question.text).phrases
                if phrase.color is not None and phrase.category is not None:
                    near.append(phrase.category == "chair")
    assert len(near) > 40
    assert 0.2 < np.mean(near) < 0.5  # 4 colours are left for near misses, against 9 pairs far from anything


def test_form_that_allows_one_answer_only_is_avoided(frame, thing, glimpsed):
    scene = frame(thing(1, "red chair"), thing(2, "red sofa", shown=glimpsed))  # nothing red can be affirmed
    asked = [q for seed in range(300) for q in drawn(scene, seed, limit=3) if q.kind == "existence"]
    assert not any(noun in q.text for noun in ("thing", "object", "item") for q in asked)
    assert 0.4 < np.mean([q.answer == "yes" for q in asked]) < 0.6


def test_nothing_is_asked_twice_of_a_frame(many_frames):
    for seed, scene in enumerate(many_frames[:60]):
        meanings = [parse_question(question.text) for question in drawn(scene, seed, limit=12)]
        assert len(
            {(one.kind, frozenset(one.phrases), one.place, one.faced, one.toward) for one in meanings}
        ) == len(meanings)


def test_frame_is_asked_every_kind_before_one_comes_again(frame, placed):
    scene = frame(
        placed(1, "black wood table", 3.0, 0.0),
        placed(2, "blue plastic mug", 3.0, 0.0, (0.1, 0.1, 0.1), above=0.8, on=1),
        placed(3, "green metal fridge", 5.0, 0.0, (0.7, 0.7, 1.7)),
        placed(4, "black metal stove", 3.0, 2.0),
        placed(5, "white fabric chair", 2.0, -1.0),
    )
    for seed in range(5):
        kinds = [question.kind for question in drawn(scene, seed, limit=len(QUESTION_KINDS))]
        assert sorted(kinds) == sorted(QUESTION_KINDS)


def test_frame_where_all_stands_on_the_floor_is_seldom_asked_about_support(frame, thing):
    scene = frame(thing(1, "red chair"), thing(2, "blue sofa"))
    asked = [any(q.kind == "support" for q in drawn(scene, seed, limit=30)) for seed in range(200)]
    assert 0.02 < np.mean(asked) < 0.25


def test_room_type_that_training_lacks_is_not_asked_for(frame, thing):
    shown = thing(1, "red workbench"), thing(2, "blue toolbox"), thing(3, "green ladder")
    scene = frame(*shown, room_type="workshop")
    assert not any(q.kind == "room" for seed in range(20) for q in drawn(scene, seed, limit=30))


def test_same_generator_state_gives_the_same_questions_whatever_the_order_of_objects(many_frames):
    for frame in many_frames[:50]:
        assert drawn(frame) == drawn(replace(frame, objects=frame.objects[::-1]))


def test_limit_is_kept(many_frames, frame):
    assert all(len(drawn(one, limit=2)) <= 2 for one in many_frames)
    assert drawn(many_frames[0], limit=0) == []
    assert {question.kind for question in drawn(frame(), limit=40)} <= {"existence", "count"}


def test_checker_never_has_to_reject_what_is_drawn(many_frames, wording_frames, pair_frames, monkeypatch):
    """Generator and checker compute apart; wherever they differ, one of them is wrong."""
    checked = []
    answered_by_text = Checker.answered

    def recorded(self: Checker, text: str):
        found = answered_by_text(self, text)
        checked.append((text, None if found is None else found.text))
        return found

    monkeypatch.setattr(Checker, "answered", recorded)
    kept = 0
    for scene in many_frames + wording_frames + pair_frames:
        found = drawn(scene, seed=3, limit=12)
        kept += len(found)
        assert [(question.text, question.answer) for question in found] == checked
        checked.clear()
    assert kept > 5000


def test_mirrored_frames_are_asked_about_as_truly(many_frames):
    for scene in many_frames[::4]:
        mirrored = mirror_graph(scene)
        for question in drawn(mirrored, limit=12):
            assert answered(question.text, mirrored).text == question.answer
            if question.kind in ("side", "situated_side"):
                assert {answered(question.text, scene).text, question.answer} == {"left", "right"}


def test_unseen_wordings_are_drawn_for_their_split_alone(many_frames, wording_frames):
    def pattern(unseen: bool) -> re.Pattern[str]:
        texts = [text for options in templates.QUESTIONS.values() for text in options.of(unseen)]
        return re.compile("|".join(re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)) for text in texts))

    kept, usual = pattern(unseen=True), pattern(unseen=False)
    for scene in wording_frames:
        for question in drawn(scene):
            assert kept.search(question.text), question
            assert "that is" not in question.text and "coloured" not in question.text
    for scene in many_frames:
        for question in drawn(scene):
            assert usual.search(question.text), question
            assert "which is made" not in question.text and "all of the" not in question.text


def test_pairs_kept_from_training_are_named_in_their_split_alone(many_frames, wording_frames, pair_frames):
    def share(frames) -> float:
        named = []
        for scene in frames:
            for question in drawn(scene):
                parsed = parse_question(question.text)
                phrases = [p for p in (*parsed.phrases, parsed.place, parsed.faced) if p is not None]
                pairs = [pair for phrase in phrases for pair in phrase.named_pairs()]
                if question.kind == "color":
                    pairs.append((phrases[0].category, question.answer))
                named.append(any(pair in HELD_OUT_PAIRS for pair in pairs))
        return float(np.mean(named))

    assert share(many_frames) == share(wording_frames) == 0
    assert share(pair_frames) > 0.25
