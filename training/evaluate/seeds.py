# SPDX-License-Identifier: Apache-2.0
"""Which rooms an evaluation is about: those of one split, or all test splits."""

from __future__ import annotations

from ide3d_training.worlds.splits import BY_NAME, split_of

TEST_SPLITS = ("test", "test-wording", "test-pairs", "test-camera", "test-layout", "test-far")
EVALUATED = (*TEST_SPLITS, "val")
ALL = "all"


class SeedError(ValueError):
    """Raised for rooms that cannot be evaluated together."""


def first_seeds(split: str | None, seed: int | None, rooms: int) -> dict[str, int]:
    """Choose the first room of each split to evaluate.

    Args:
        split: a name of EVALUATED, ALL for TEST_SPLITS, or None for the split that the seed lies in.
        seed: of the first room; None for the split's first one (of the test split where no split is named).
        rooms: number of rooms, at least 1.

    Returns:
        Split's name -> seed of its first room, in the order of the table.

    Raises:
        SeedError: if the split is unknown, the seed is not its own, or the rooms reach into the next one.
    """
    if split is not None and split not in (*EVALUATED, ALL):
        raise SeedError(f"no split {split!r} is evaluated: take one of {', '.join((*EVALUATED, ALL))}")
    if split == ALL:
        if seed is not None:
            raise SeedError(f"--split {ALL} takes each split's own first rooms: leave --seed out")
        chosen = {name: BY_NAME[name].first for name in TEST_SPLITS}
    else:
        first = BY_NAME[split or TEST_SPLITS[0]].first if seed is None else seed
        if first < 0:
            raise SeedError(f"--seed must be at least 0, not {first}")
        name = split_of(first).name
        if split is not None and name != split:
            raise SeedError(f"seed {first} lies in split {name}, not {split}: leave --seed or --split out")
        chosen = {name: first}
    for name, first in chosen.items():
        last = first + rooms - 1
        other = split_of(last).name
        if other != name:
            raise SeedError(
                f"rooms {first} to {last} lie in the splits {name} and {other}: "
                f"a report is about one split, take fewer rooms"
            )
    return chosen
