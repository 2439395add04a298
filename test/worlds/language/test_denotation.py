# SPDX-License-Identifier: Apache-2.0
"""The checker knows what English about a frame means, and when it means nothing definite."""

from __future__ import annotations

import pytest

from ide3d_training.worlds.language import UnknownTextError, answered, denoted
from ide3d_training.worlds.language.denotation import parse_expression, parse_question
from ide3d_training.worlds.language.phrases import BOTH, MANY, ONE, NounPhrase


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("red chair", NounPhrase("chair", "red", ONE)),
        ("Where is the red chair?", NounPhrase("chair", "red", ONE)),
        ("please locate all the bookshelves", NounPhrase("bookshelf", None, MANY)),
        ("every blue object", NounPhrase(None, "blue", MANY)),
        ("both chairs", NounPhrase("chair", None, BOTH)),
        ("the left chair", NounPhrase("chair", None, ONE, "left")),
        ("the chair on the left", NounPhrase("chair", None, ONE, "left")),
        ("the most distant red chair", NounPhrase("chair", "red", ONE, "farthest")),
        ("the chair closest to the camera", NounPhrase("chair", None, ONE, "nearest")),
        ("the mug on top of the blue table", NounPhrase("mug", None, ONE, None, NounPhrase("table", "blue"))),
        ("everything on the table", NounPhrase(None, None, MANY, None, NounPhrase("table"))),
    ],
)
def test_expression_is_read_as_what_it_says(text, meaning):
    assert parse_expression(text) == meaning


@pytest.mark.parametrize(
    "text", ["", "the", "the zebra", "the red", "the chair with the cat", "find", "chair chair"]
)
def test_text_outside_the_grammar_is_refused(text):
    with pytest.raises(UnknownTextError):
        parse_expression(text)


def test_question_outside_the_grammar_is_refused():
    with pytest.raises(UnknownTextError):
        parse_question("why is the chair red?")


def test_category_and_colour_filter_the_objects(frame, thing):
    scene = frame(thing(1, "red chair"), thing(2, "blue chair"), thing(3, "red mug"))
    assert denoted("the red chair", scene) == (1,)
    assert denoted("all chairs", scene) == (1, 2)
    assert denoted("the red things", scene) == (1, 3)
    assert denoted("the green chair", scene) == ()
    assert denoted("the sofa", scene) == ()


def test_definite_singular_among_several_means_nothing(frame, thing):
    assert denoted("the chair", frame(thing(1, "red chair"), thing(2, "blue chair"))) is None


def test_both_needs_exactly_two(frame, thing):
    chairs = [thing(n, "red chair") for n in (1, 2, 3)]
    assert denoted("both chairs", frame(*chairs[:2])) == (1, 2)
    assert denoted("both chairs", frame(*chairs)) is None


def test_left_and_right_follow_the_image_columns(frame, thing):
    scene = frame(thing(1, "red chair", column=200), thing(2, "red chair", column=60))
    assert denoted("the chair on the left", scene) == (2,)
    assert denoted("the chair on the right", scene) == (1,)


def test_left_needs_a_clear_gap_and_a_pair(frame, thing):
    close = frame(thing(1, "red chair", column=120), thing(2, "red chair", column=145))
    assert denoted("the chair on the left", close) is None
    three = frame(*(thing(n, "red chair", column=60.0 * n) for n in (1, 2, 3)))
    assert denoted("the chair on the left", three) is None
    assert denoted("the leftmost chair", three) == (1,)
    assert denoted("the rightmost chair", three) == (3,)


def test_leftmost_needs_a_lead_over_the_next(frame, thing):
    scene = frame(*(thing(n, "red chair", column=c) for n, c in ((1, 60), (2, 70), (3, 200))))
    assert denoted("the leftmost chair", scene) is None
    assert denoted("the rightmost chair", scene) == (3,)


def test_nearest_and_farthest_need_thirty_centimetres(frame, thing):
    scene = frame(*(thing(n, "red chair", depth=d) for n, d in ((1, 2.0), (2, 2.4), (3, 2.6))))
    assert denoted("the nearest chair", scene) == (1,)
    assert denoted("the farthest chair", scene) is None


def test_selector_of_a_single_object_is_not_a_description(frame, thing):
    assert denoted("the nearest chair", frame(thing(1, "red chair"))) is None


def test_on_follows_the_support(frame, thing):
    scene = frame(
        thing(1, "red table"), thing(2, "blue table"), thing(3, "red mug", on=1), thing(4, "red mug", on=2)
    )
    assert denoted("the mug on the blue table", scene) == (4,)
    assert denoted("the mug on the table", scene) is None  # which table?
    assert denoted("the mug on the green table", scene) is None  # there is none
    assert denoted("the bottle on the red table", scene) == ()


def test_ambiguous_object_that_would_change_the_targets_makes_a_text_unusable(frame, thing, glimpsed):
    scene = frame(thing(1, "red chair"), thing(2, "blue chair", shown=glimpsed))
    assert denoted("the chair", scene) is None
    assert denoted("all chairs", scene) is None
    assert denoted("the blue chair", scene) is None
    assert denoted("the red chair", scene) == (1,)


def test_unseen_object_does_not_count(frame, thing, hidden):
    scene = frame(thing(1, "red chair"), thing(2, "blue chair", shown=hidden))
    assert denoted("the chair", scene) == (1,)
    assert denoted("the blue chair", scene) == ()


def test_existence_and_count(frame, thing):
    scene = frame(thing(1, "red chair"), thing(2, "blue chair"))
    assert answered("is there a red chair?", scene) == ("yes", (1,))
    assert answered("are there any green chairs?", scene) == ("no", ())
    assert answered("is there anything blue?", scene) == ("yes", (2,))
    assert answered("how many chairs are there?", scene) == ("two", (1, 2))
    assert answered("count the green things", scene) == ("zero", ())


def test_count_stops_at_four(frame, thing):
    assert (
        answered("how many chairs are there?", frame(*(thing(n, "red chair") for n in range(1, 6)))) is None
    )


def test_colour_and_support(frame, thing):
    scene = frame(thing(1, "red table"), thing(2, "blue mug", on=1), thing(3, "green ball"))
    assert answered("what colour is the table?", scene) == ("red", (1,))
    assert answered("what is the color of the mug?", scene) == ("blue", (2,))
    assert answered("what is the mug standing on?", scene) == ("table", (1, 2))
    assert answered("what does the ball stand on?", scene) == ("floor", (3,))


def test_support_that_is_hardly_seen_cannot_be_asked_for(frame, thing, glimpsed, hidden):
    for shown in (glimpsed, hidden):
        scene = frame(thing(1, "red table", shown=shown), thing(2, "blue mug", on=1))
        assert answered("what is the mug standing on?", scene) is None


def test_closer_compares_distances_of_different_categories(frame, thing):
    scene = frame(
        thing(1, "red chair", depth=2), thing(2, "blue sofa", depth=3), thing(3, "green chair", depth=2.9)
    )
    assert answered("which is closer, the blue sofa or the red chair?", scene) == ("chair", (1, 2))
    assert answered("which is closer, the blue sofa or the green chair?", scene) is None  # 10 cm
    assert (
        answered("which is closer, the red chair or the green chair?", scene) is None
    )  # "chair" would not tell


def test_closer_measures_along_the_ray_not_along_the_axis(frame, thing):
    scene = frame(thing(1, "red chair", column=128, depth=3.0), thing(2, "blue sofa", column=250, depth=2.9))
    assert answered("which is closer, the sofa or the chair?", scene) == ("chair", (1, 2))
