# SPDX-License-Identifier: Apache-2.0
"""Wordings kept from training are other wordings, made of words that training knows."""

from __future__ import annotations

import re

import pytest

from ide3d_training.worlds.language.templates import Templates, intents

INTENTS = intents()


def words_of(texts: tuple[str, ...]) -> set[str]:
    return {word for text in texts for word in re.sub(r"\{\w+\}|[?.,]", " ", text).split()}


@pytest.mark.parametrize("name", INTENTS)
def test_every_intent_has_wordings_of_both_sorts_and_none_twice(name):
    wordings = INTENTS[name].seen + INTENTS[name].unseen
    assert len(INTENTS[name].seen) >= 2 and INTENTS[name].unseen
    assert len(set(wordings)) == len(wordings)


@pytest.mark.parametrize("name", INTENTS)
def test_about_a_quarter_of_each_intent_is_kept_from_training(name):
    options = INTENTS[name]
    assert 0.14 <= len(options.unseen) / (len(options.seen) + len(options.unseen)) <= 0.4


def test_a_quarter_of_all_wordings_is_kept_from_training():
    seen = sum(len(options.seen) for options in INTENTS.values())
    unseen = sum(len(options.unseen) for options in INTENTS.values())
    assert 0.2 <= unseen / (seen + unseen) <= 0.3


def test_unseen_wordings_use_only_words_of_seen_ones():
    known = set().union(*(words_of(options.seen) for options in INTENTS.values()))
    unknown = set().union(*(words_of(options.unseen) for options in INTENTS.values())) - known
    assert not unknown


def test_no_unseen_wording_is_a_seen_one_of_another_intent():
    seen = {text for options in INTENTS.values() for text in options.seen}
    assert not [text for options in INTENTS.values() for text in options.unseen if text in seen]


def test_one_of_the_two_halves_is_drawn_from():
    options = Templates(("a",), ("b",))
    assert (options.of(unseen=False), options.of(unseen=True)) == (("a",), ("b",))
