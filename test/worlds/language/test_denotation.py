# SPDX-License-Identifier: Apache-2.0
"""The checker knows what English about a frame means, and when it means nothing definite."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.worlds.language import Answer, answered, denoted
from ide3d_training.worlds.scene_graph import IN

MUG = (0.12, 0.12, 0.12)


def said(question: str, scene) -> str | None:
    """Return the text of the answer."""
    found = answered(question, scene)
    return None if found is None else found.text


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
    assert answered("is there a red chair?", scene) == Answer("yes", (1,))
    assert answered("are there any green chairs?", scene) == Answer("no", ())
    assert answered("is there anything blue?", scene) == Answer("yes", (2,))
    assert answered("how many chairs are there?", scene) == Answer("two", (1, 2))
    assert answered("count the green things", scene) == Answer("zero", ())


def test_count_stops_at_four(frame, thing):
    assert (
        answered("how many chairs are there?", frame(*(thing(n, "red chair") for n in range(1, 6)))) is None
    )


def test_colour_and_support(frame, thing):
    scene = frame(thing(1, "red table"), thing(2, "blue mug", on=1), thing(3, "green ball"))
    assert answered("what colour is the table?", scene) == Answer("red", (1,))
    assert answered("what is the color of the mug?", scene) == Answer("blue", (2,))
    assert answered("what is the mug standing on?", scene) == Answer("table", (1, 2))
    assert answered("what does the ball stand on?", scene) == Answer("floor", (3,))


def test_support_that_is_hardly_seen_cannot_be_asked_for(frame, thing, glimpsed, hidden):
    for shown in (glimpsed, hidden):
        scene = frame(thing(1, "red table", shown=shown), thing(2, "blue mug", on=1))
        assert answered("what is the mug standing on?", scene) is None


def test_closer_compares_distances_of_different_categories(frame, thing):
    scene = frame(
        thing(1, "red chair", depth=2), thing(2, "blue sofa", depth=3), thing(3, "green chair", depth=2.9)
    )
    assert answered("which is closer, the blue sofa or the red chair?", scene) == Answer("chair", (1, 2))
    assert answered("which is closer, the blue sofa or the green chair?", scene) is None  # 10 cm
    assert (
        answered("which is closer, the red chair or the green chair?", scene) is None
    )  # "chair" would not tell


def test_closer_measures_along_the_ray_not_along_the_axis(frame, thing):
    scene = frame(thing(1, "red chair", column=128, depth=3.0), thing(2, "blue sofa", column=250, depth=2.9))
    assert answered("which is closer, the sofa or the chair?", scene) == Answer("chair", (1, 2))


def test_material_filters_like_a_colour(frame, thing):
    scene = frame(thing(1, "red wood chair"), thing(2, "red metal chair"), thing(3, "white wood table"))
    assert denoted("the wooden chair", scene) == (1,)
    assert denoted("all things made of wood", scene) == (1, 3)
    assert denoted("the glass table", scene) == ()
    assert denoted("the red chair", scene) is None
    assert denoted("the red metal chair", scene) == (2,)


def test_the_second_from_the_left_is_counted_in_the_image(frame, thing):
    scene = frame(*(thing(n, "red chair", column=c) for n, c in ((1, 200), (2, 40), (3, 120))))
    assert denoted("the second chair from the left", scene) == (3,)
    assert denoted("the third chair from the left", scene) == (1,)
    assert denoted("the third chair from the right", scene) == (2,)


def test_counting_needs_three_and_clear_gaps_on_both_sides(frame, thing):
    two = frame(thing(1, "red chair", column=40), thing(2, "red chair", column=200))
    assert denoted("the second chair from the left", two) is None
    close = frame(*(thing(n, "red chair", column=c) for n, c in ((1, 40), (2, 120), (3, 130), (4, 220))))
    assert denoted("the second chair from the left", close) is None
    assert denoted("the third chair from the right", close) is None
    assert denoted("the leftmost chair", close) == (1,)


def test_sizes_are_compared_within_a_category_and_with_a_margin(frame, thing):
    small, tall, wide = (0.3, 0.3, 0.5), (0.3, 0.3, 1.0), (0.6, 0.6, 0.9)
    sizes = enumerate((small, tall, wide), start=1)
    scene = frame(*(thing(n, "red box", extents=size) for n, size in sizes))
    assert denoted("the largest box", scene) == (3,)
    assert denoted("the smallest box", scene) == (1,)
    assert denoted("the tallest of the boxes", scene) == (2,)
    assert denoted("the shortest box", scene) == (1,)
    assert denoted("the bigger box", scene) is None  # of three
    alike = frame(thing(1, "red box", extents=tall), thing(2, "red box", extents=(0.3, 0.32, 1.05)))
    for text in ("the largest box", "the tallest box", "the big box"):
        assert denoted(text, alike) is None
    pair = frame(thing(1, "red box", extents=small), thing(2, "red box", extents=wide))
    assert denoted("the big box", pair) == (2,)
    assert denoted("the little box", pair) == (1,)


def test_relation_filters_the_named_ones_and_leaves_the_anchor_out(frame, placed):
    scene = frame(
        placed(1, "red chair", 3.0, 0.8),
        placed(2, "blue chair", 3.0, 2.5),
        placed(3, "green table", 3.0, 0.0),
        placed(4, "white chair", 3.0, -0.7),
    )
    assert denoted("the chairs next to the table", scene) == (1, 4)
    assert denoted("the chair next to the table", scene) is None
    assert denoted("the red chair beside the table", scene) == (1,)
    assert denoted("the blue chair next to the table", scene) == ()
    assert denoted("the chair to the right of the table", scene) == (4,)
    assert denoted("all chairs left of the green table", scene) == (1, 2)
    assert denoted("the table next to the table", scene) == ()
    assert denoted("the chair next to the sofa", scene) is None  # there is no sofa


def test_doubtful_relation_of_one_of_them_makes_the_text_unusable(frame, placed):
    scene = frame(
        placed(1, "red chair", 3.0, 0.8),
        placed(2, "blue chair", 3.0, -1.0),
        placed(3, "green table", 3.0, 0.0),
    )
    assert denoted("the chairs next to the table", scene) is None  # is the blue one, half a metre away?
    assert denoted("the red chair next to the table", scene) == (1,)


def test_between_needs_two_different_anchors(frame, placed):
    scene = frame(
        placed(1, "red bin", 3.0, 0.0), placed(2, "blue table", 3.0, -1.2), placed(3, "white sofa", 3.0, 1.2)
    )
    assert denoted("the bin between the table and the sofa", scene) == (1,)
    assert denoted("the thing in between the sofa and the table", scene) == (1,)
    assert denoted("the bin between the table and the table", scene) is None
    assert denoted("the table between the sofa and the bin", scene) == ()


def test_nearest_to_an_anchor_needs_twenty_centimetres(frame, placed):
    scene = frame(
        placed(1, "red chair", 3.0, 1.0),
        placed(2, "blue chair", 3.0, 1.9),
        placed(3, "green chair", 3.0, 2.05),
        placed(4, "white table", 3.0, 0.0),
    )
    assert denoted("the chair nearest to the table", scene) == (1,)
    assert denoted("the closest chair to the table", scene) == (1,)
    assert denoted("the chair farthest from the table", scene) is None  # by 15 cm
    assert denoted("the red chair nearest to the table", scene) is None  # it is the only one
    assert denoted("the chair nearest to the red chair", scene) is None


def test_on_and_in_are_told_apart(frame, placed):
    scene = frame(
        placed(1, "green cabinet", 3.0, 0.0),
        placed(2, "red book", 3.0, 0.0, MUG, above=0.3, on=1, relation=IN),
        placed(3, "blue mug", 3.0, 0.0, MUG, above=0.8, on=1),
    )
    assert denoted("the book inside the cabinet", scene) == (2,)
    assert denoted("the mug on top of the cabinet", scene) == (3,)
    assert denoted("the book on the cabinet", scene) is None  # some would say so
    assert said("what is the book in?", scene) == "cabinet"
    assert said("what is the mug standing on?", scene) == "cabinet"
    assert said("what is the book standing on?", scene) is None
    assert said("what is the mug inside?", scene) is None


def test_anchor_that_changes_with_what_counts_makes_a_text_unusable(frame, placed, glimpsed):
    scene = frame(
        placed(1, "red chair", 3.0, 0.8),
        placed(2, "green table", 3.0, 0.0),
        placed(3, "white table", 3.0, 1.6, shown=glimpsed),
    )
    assert denoted("the chair next to the table", scene) is None
    assert denoted("the chair next to the green table", scene) == (1,)


def test_existence_and_count_in_relation(frame, placed):
    scene = frame(
        placed(1, "green table", 3.0, 0.0),
        placed(2, "red mug", 3.0, 0.1, MUG, above=0.8, on=1),
        placed(3, "blue mug", 3.0, -0.1, MUG, above=0.8, on=1),
        placed(4, "red book", 3.0, 2.0),
    )
    assert answered("how many things on the table are there?", scene) == Answer("two", (2, 3))
    assert answered("is there a blue mug on the table?", scene) == Answer("yes", (3,))
    assert answered("are there any books on the table?", scene) == Answer("no", ())
    assert answered("are there any books on the sofa?", scene) is None


def test_material(frame, thing):
    scene = frame(thing(1, "red glass vase"), thing(2, "red metal mug"), thing(3, "blue wood mug"))
    assert answered("what is the vase made of?", scene) == Answer("glass", (1,))
    assert answered("what material is the blue mug?", scene) == Answer("wood", (3,))
    assert answered("what is the mug made of?", scene) is None


def test_taller_and_larger_compare_different_categories_with_a_margin(frame, thing):
    scene = frame(
        thing(1, "red lamp", extents=(0.2, 0.2, 1.5)),
        thing(2, "red sofa", extents=(0.9, 1.8, 0.8)),
        thing(3, "red bench", extents=(0.9, 1.6, 0.76)),
        thing(4, "red bin", extents=(0.3, 0.3, 0.9)),
    )
    assert answered("which is taller, the sofa or the lamp?", scene) == Answer("lamp", (1, 2))
    assert answered("is the sofa or the lamp larger?", scene) == Answer("sofa", (1, 2))
    assert said("which is taller, the sofa or the bench?", scene) is None  # by 4 cm
    assert said("which is taller, the sofa or the bin?", scene) == "bin"
    assert said("which is bigger, the sofa or the bench?", scene) is None
    assert said("which is bigger, the sofa or the sofa?", scene) is None


def test_lengths_are_exact_and_said_to_a_tenth_of_a_metre(frame, placed):
    scene = frame(
        placed(1, "red chair", 3.0, 0.0, (0.5, 0.64, 0.88)), placed(2, "blue mug", 3.0, 1.0, MUG, above=0.76)
    )
    height = 0.44 - 1.2
    far = answered("how far away is the chair?", scene)
    assert far.text == "3.1 meters" and far.target_ids == (1,)
    assert far.value_m == pytest.approx(np.hypot(3.0, height))
    apart = answered("how far is the chair from the mug?", scene)
    assert (apart.text, apart.target_ids) == ("1.1 meters", (1, 2))
    assert apart.value_m == pytest.approx(np.hypot(1.0, 0.38))
    tall = answered("how tall is the chair?", scene)
    assert tall.text == "0.9 meters" and tall.value_m == pytest.approx(0.88)
    wide = answered("how wide is the chair?", scene)
    assert wide.text == "0.6 meters" and wide.value_m == pytest.approx(0.64)
    assert answered("how tall is the mug?", scene) is None  # a tenth of a metre says too little
    assert answered("how far is the chair from the chair?", scene) is None


@pytest.mark.parametrize(
    ("left", "answer"),
    [(1.5, "left"), (-1.5, "right"), (0.0, "straight ahead"), (0.2, "straight ahead"), (0.4, None)],
)
def test_direction_is_seen_from_the_camera(frame, placed, left, answer):
    scene = frame(placed(1, "red chair", 3.0, left))
    assert said("do i turn left or right to face the chair?", scene) == answer


def test_side_and_depth_of_two_things(frame, placed):
    scene = frame(
        placed(1, "red chair", 3.0, 1.2), placed(2, "blue table", 3.0, 0.0), placed(3, "green sofa", 4.5, 0.0)
    )
    assert answered("is the chair left or right of the table?", scene) == Answer("left", (1, 2))
    assert said("on which side of the chair is the table?", scene) == "right"
    assert said("is the table in front of or behind the sofa?", scene) == "in front"
    assert said("is the sofa in front of or behind the table?", scene) == "behind"
    assert said("is the sofa left or right of the table?", scene) is None
    assert said("is the table in front of or behind the table?", scene) is None


def test_situated_questions_are_answered_from_the_place_they_state(frame, placed):
    scene = frame(
        placed(1, "red chair", 3.0, 0.0, yaw=np.pi),  # faces the camera
        placed(2, "blue table", 3.0, 1.5),
        placed(3, "green sofa", 1.5, 0.0),
        placed(4, "white bin", 4.5, 0.0),
    )
    assert answered("i am sitting on the chair. is the table on my left or right?", scene) == Answer(
        "right", (1, 2)
    )
    facing = "i am sitting on the chair facing the bin. "
    assert answered(facing + "is the table on my left or right?", scene) == Answer("left", (1, 2, 4))
    assert answered(facing + "what is on my left?", scene) == Answer("table", (1, 2, 4))
    assert said(facing + "what is behind me?", scene) == "sofa"
    assert said(facing + "what is on my right?", scene) is None  # nothing
    assert said(facing + "is the sofa on my left or right?", scene) is None  # behind
    assert said(facing + "is the bin on my left or right?", scene) is None  # ahead
    standing = "i am standing where the table is, facing the chair. "
    assert said(standing + "is the sofa to my left or right?", scene) == "right"


def test_situated_question_is_void_where_somebody_might_see_it_otherwise(frame, placed):
    oblique = frame(
        placed(1, "red chair", 3.0, 0.0), placed(2, "blue table", 4.5, 0.0), placed(3, "white bin", 4.5, 0.9)
    )
    text = "i am sitting on the chair facing the table. "
    assert said(text + "is the bin on my left or right?", oblique) is None  # 31 degrees off
    assert said(text + "what is on my left?", oblique) is None
    close = frame(
        placed(1, "red chair", 3.0, 0.0), placed(2, "blue table", 3.5, 0.0), placed(3, "red bin", 3.0, 2.0)
    )
    assert said(text + "is the bin on my left or right?", close) is None  # the table is too close to face
    two = frame(
        placed(1, "red chair", 3.0, 0.0),
        placed(2, "blue table", 4.5, 0.0),
        placed(3, "white bin", 3.0, 1.0),
        placed(4, "white lamp", 3.0, 2.0),
    )
    assert said(text + "what is on my left?", two) is None
    assert said(text + "is the bin on my left or right?", two) == "left"


def test_room_is_known_by_two_signs_and_none_of_another(frame, thing):
    stove, fridge, bed = thing(1, "black stove"), thing(2, "white fridge"), thing(3, "red bed")
    asked = "what kind of room is this?"
    assert answered(asked, frame(stove, fridge, room_type="kitchen")) == Answer("kitchen", (1, 2))
    assert answered(asked, frame(stove, room_type="kitchen")) is None
    assert answered(asked, frame(stove, fridge, bed, room_type="kitchen")) is None
    assert answered(asked, frame(stove, fridge, room_type="office")) is None


def test_answers_agree_up_to_rounding():
    answer = Answer("1.0 meters", (1,), 1.0)
    assert answer.agrees_with(Answer("1.0 meters", (1,), 1.0 + 1e-12))
    assert not answer.agrees_with(Answer("1.0 meters", (1,), 1.01))
    assert not answer.agrees_with(Answer("1.0 meters", (2,), 1.0))
    assert not answer.agrees_with(Answer("1.0 meters", (1,)))
    assert not answer.agrees_with(None)
