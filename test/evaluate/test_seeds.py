# SPDX-License-Identifier: Apache-2.0
"""An evaluation is about the rooms of one split."""

from __future__ import annotations

import pytest

from ide3d_training.evaluate.seeds import ALL, EVALUATED, TEST_SPLITS, SeedError, first_seeds
from ide3d_training.worlds.splits import BY_NAME


@pytest.mark.parametrize("name", EVALUATED)
def test_split_begins_with_its_first_seed(name):
    assert first_seeds(name, None, 10) == {name: BY_NAME[name].first}


def test_test_split_is_taken_where_nothing_is_named():
    assert first_seeds(None, None, 10) == {"test": BY_NAME["test"].first}


def test_seed_names_its_split():
    assert first_seeds(None, 650_123, 1) == {"test-camera": 650_123}
    assert first_seeds("test-camera", 650_123, 1) == {"test-camera": 650_123}


def test_all_test_splits_come_in_their_order():
    assert list(first_seeds(ALL, None, 5)) == list(TEST_SPLITS)


@pytest.mark.parametrize(
    ("split", "seed", "rooms", "cause"),
    [
        ("training", None, 1, "no split 'training' is evaluated: take one of test, "),
        ("train", None, 1, "no split 'train'"),
        ("test", 600_000, 1, "seed 600000 lies in split test-pairs, not test"),
        (ALL, 500_000, 1, "leave --seed out"),
        (None, -1, 1, "--seed must be at least 0, not -1"),
        (None, 549_995, 6, "rooms 549995 to 550000 lie in the splits test and test-wording"),
        ("test-far", None, 50_001, "test-far and demo"),
    ],
)
def test_what_cannot_be_evaluated_is_named(split, seed, rooms, cause):
    with pytest.raises(SeedError, match=cause):
        first_seeds(split, seed, rooms)


def test_last_room_of_a_split_is_still_its_own():
    assert first_seeds(None, 549_995, 5) == {"test": 549_995}
