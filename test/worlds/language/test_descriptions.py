# SPDX-License-Identifier: Apache-2.0
"""A description names what is plainly visible, left to right."""

from __future__ import annotations

from ide3d_training.worlds.language import description


def test_objects_are_named_with_colours_from_left_to_right(frame, thing):
    scene = frame(
        thing(1, "white mug", column=220),
        thing(2, "blue table", column=128),
        thing(3, "red chair", column=20),
    )
    assert description(scene) == "a red chair, a blue table and a white mug"


def test_objects_that_are_hardly_seen_are_not_named(frame, thing, glimpsed, hidden):
    scene = frame(
        thing(1, "red chair"), thing(2, "red mug", shown=glimpsed), thing(3, "red ball", shown=hidden)
    )
    assert description(scene) == "a red chair"


def test_at_most_the_eight_largest_are_named(frame, thing):
    chairs = [thing(n, "red chair", column=20.0 * n, shown=(100 * n, 0.9)) for n in range(1, 11)]
    assert description(frame(*chairs)).count("chair") == 8
    assert description(frame(thing(11, "blue mug", column=5, shown=(90, 0.9)), *chairs)).count("mug") == 0


def test_empty_frame_is_described(frame):
    assert description(frame()) == "an empty room"


def test_pair_kept_from_training_is_named_in_its_split_alone(frame, thing):
    chair = thing(1, "yellow chair")
    assert description(frame(chair)) == "a chair"
    assert description(frame(chair, seed=600_000)) == "a yellow chair"
