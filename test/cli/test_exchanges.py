# SPDX-License-Identifier: Apache-2.0
"""When a reply counts as right."""

from __future__ import annotations

import numpy as np
import pytest
from demo_samples import CAMERA, MOMENT, STAMP_NS, answered, box_at, located

from ide3d_msgs.msg import Answer as AnswerMessage
from ide3d_msgs.srv import Describe
from ide3d_ros.cli.demo_client import Reply
from ide3d_ros.cli.exchanges import Exchange, Prompt, Truth, answered_stamp, judge, things_named
from ide3d_ros.scene.status import Status

LOCATE = Prompt("locate", "the cube", "category")
ASK = Prompt("ask", "how far is it?", "distance")


def judged(reply: Reply, truth: Truth, prompt: Prompt = LOCATE) -> Exchange:
    return judge(prompt, reply, truth, MOMENT, place="room 3", group=3)


@pytest.mark.parametrize(
    ("offset", "right"),
    [(0.0, True), (0.25, True), (0.35, False)],  # IoU of two cubes of 0.5 m: 1, 1/3, 0.18
)
def test_single_target_is_right_from_an_iou_of_a_quarter(offset: float, right: bool) -> None:
    exchange = judged(located(offset), Truth("cube", (box_at(0.0),)))
    assert (exchange.right, exchange.score.kind) == (right, "unique")


def test_only_the_best_box_counts_for_a_single_target() -> None:
    truth = Truth("cube", (box_at(0.0),))
    assert judged(located(0.0, 1.0), truth).right
    assert not judged(located(1.0, 0.0), truth).right


def test_several_targets_must_all_be_found_and_nothing_else() -> None:
    truth = Truth("two cubes", (box_at(-1.0), box_at(1.0)))
    assert judged(located(1.0, -1.0), truth).right
    assert not judged(located(1.0), truth).right
    assert not judged(located(1.0, -1.0, 0.0), truth).right


def test_no_target_is_right_where_nothing_matches() -> None:
    nothing = located(status=Status.NO_TARGET, message="nothing in view matches")
    assert judged(nothing, Truth("nothing")).right
    assert not judged(located(0.0), Truth("nothing")).right
    assert not judged(nothing, Truth("cube", (box_at(0.0),))).right


def test_refusal_is_never_right_where_something_is_there() -> None:
    refused = located(status=Status.TIMEOUT, message="no answer within 30 s")
    exchange = judged(refused, Truth("cube", (box_at(0.0),)))
    assert (exchange.right, exchange.status, exchange.message) == (
        False,
        Status.TIMEOUT,
        "no answer within 30 s",
    )


@pytest.mark.parametrize(("said", "right"), [("Two", True), ("2", True), ("three", False), ("", False)])
def test_answer_is_compared_as_the_evaluation_does(said: str, right: bool) -> None:
    assert judged(answered(said), Truth("two", answers=("two",)), ASK).right is right


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("1.05 m", True),
        ("about 112 cm", True),
        ("1.1 metres", True),
        ("1080 mm", True),
        ("1.2 m", False),
        ("1.05", False),  # of what?
        ("1.05 minutes", False),
    ],
)
def test_length_is_right_in_any_unit_within_its_tolerance(said: str, right: bool) -> None:
    truth = Truth("1.08 m", answers=("1.08 m",), length_m=1.08, tolerance_m=0.065)
    assert judged(answered(said), truth, ASK).right is right


def test_length_without_a_true_one_is_only_text() -> None:
    assert not judged(answered("1.08 m"), Truth("red", answers=("red",)), ASK).right


def test_description_is_right_if_it_names_the_same_things_in_any_order() -> None:
    truth = Truth("a red chair and a mug", things=things_named("a red chair and a mug"))
    describe = Prompt("describe", "", "description")

    def said(text: str) -> Reply:
        return Reply(
            Describe.Response(answer=AnswerMessage(text=text, frames=answered("").response.answer.frames)),
            1.0,
        )

    assert judged(said("a mug and a red chair"), truth, describe).right
    assert not judged(said("a red chair"), truth, describe).right
    assert not judged(said("a red chair, a mug and a mug"), truth, describe).right
    assert judged(said("anything"), Truth("?"), describe).right is None


def test_things_are_read_out_of_a_sentence() -> None:
    assert things_named("a red chair, an orange ball and the mug") == ("red chair", "orange ball", "mug")
    assert things_named("") == ()


def test_exchange_keeps_boxes_in_metres_and_the_times() -> None:
    exchange = judged(located(0.5), Truth("cube", (box_at(0.5),)))
    np.testing.assert_allclose(exchange.detections[0].box.center, [0.5, 0.0, 2.0])
    assert exchange.detections[0].frame.camera is CAMERA
    assert (exchange.latency_ms["queue"], exchange.latency_ms["total"]) == (1.0, 9.0)
    assert (exchange.round_trip_ms, exchange.place, exchange.group) == (12.5, "room 3", 3)


def test_frame_of_a_reply_is_the_newest_that_was_looked_at() -> None:
    assert answered_stamp(located(0.0)) == STAMP_NS
    assert answered_stamp(answered("yes")) == STAMP_NS
    assert answered_stamp(located(status=Status.NO_FRAMES)) == 0
