# SPDX-License-Identifier: Apache-2.0
"""Two responses to a frame agree where boxes lie within 1 cm or 1 %, and answers are the same words."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_training.agreement.comparison import SWEEP, FrameAgreement, compare
from ide3d_training.agreement.report import agreement_figures, agreement_table, worst_table
from ide3d_training.evaluate.posed import (
    Found,
    PosedExpression,
    PosedFrame,
    PosedObject,
    PosedQuestion,
    Responses,
)

HALF_TURN = (0.0, 0.0, 0.0, 1.0)


def box(x: float = 0.0, depth: float = 3.0, side: float = 1.0, turned=(1.0, 0.0, 0.0, 0.0)) -> Box3D:
    return Box3D(np.array([x, 0.0, depth]), np.full(3, side), np.array(turned))


FRAME = PosedFrame(
    np.zeros((192, 256, 3), np.uint8),
    Camera.from_fov(256, 192, 1.0),
    7,
    (PosedExpression("the chair", (box(),), "unique", "category"),),
    (PosedQuestion("is there a chair?", ("yes",), "existence"),),
    objects=(PosedObject("1", "chair", box(), True),),
)


def responses(*boxes: Box3D, answer: str | None = "yes", swept: tuple[Box3D, ...] = ()) -> Responses:
    found = tuple(Found(one, 0.9, "chair", "a chair") for one in swept)
    return Responses((boxes,), (answer,), (), (0.8,), found)


def agreement(first: Responses, second: Responses) -> FrameAgreement:
    return compare(FRAME, first, second)


@pytest.mark.parametrize(
    ("first", "second", "agrees"),
    [
        (box(), box(), True),
        (box(0.0), box(0.029), True),  # 1 % of 3 m
        (box(0.0), box(0.031), False),
        (box(depth=0.5, side=0.1), box(0.009, depth=0.5, side=0.1), True),  # 1 cm
        (box(depth=0.5, side=0.1), box(0.011, depth=0.5, side=0.1), False),
        (box(side=1.0), box(side=1.02), True),
        (box(side=1.0), box(side=1.04), False),
        (box(), box(turned=HALF_TURN), False),  # the same block, its front on the other side
    ],
)
def test_boxes_agree_when_each_corner_is_within_1_cm_or_1_percent_of_the_distance(first, second, agrees):
    (one,) = agreement(responses(first), responses(second)).expressions
    assert one.agrees is agrees


def test_the_order_of_boxes_does_not_matter_but_their_number_does():
    a, b = box(-1.0), box(1.0)
    (swapped,) = agreement(responses(a, b), responses(b, a)).expressions
    assert swapped.agrees and (swapped.lost, swapped.added) == (0, 0)
    (fewer,) = agreement(responses(a, b), responses(b)).expressions
    assert not fewer.agrees and (fewer.lost, fewer.added) == (1, 0)
    (more,) = agreement(responses(), responses(a)).expressions
    assert not more.agrees and (more.lost, more.added) == (0, 1)


def test_what_is_found_without_a_text_is_compared_too():
    (sweep,) = agreement(responses(swept=(box(),)), responses(swept=(box(0.5),))).sweeps
    assert sweep.text == SWEEP and not sweep.agrees


def test_answers_agree_only_when_the_words_do():
    assert agreement(responses(), responses()).answers[0].agrees
    assert not agreement(responses(answer="yes"), responses(answer="no")).answers[0].agrees
    assert not agreement(responses(answer="yes"), responses(answer=None)).answers[0].agrees


def test_the_report_counts_lost_and_added_boxes_as_outside_and_lists_the_worst():
    total = agreement(responses(box(), box(5.0)), responses(box(0.5))) + agreement(
        responses(box(), answer="yes"), responses(box(), answer="no")
    )
    figures = agreement_figures(total)
    assert figures["boxes"] == {
        "compared": 3,
        "within": pytest.approx(1 / 3, abs=1e-4),
        "lost": 1,
        "added": 0,
        "corner_mm": {"median": 250.0, "p99": 495.0, "max": 500.0},
    }
    assert figures["expressions"] == {"compared": 2, "agree": 0.5}
    assert figures["answers"] == {"compared": 2, "equal": 0.5}
    assert [one["corner_mm"] for one in figures["worst"]["boxes"]] == [500.0]
    assert figures["worst"]["found_by_one"] == [{"frame": 7, "text": "the chair", "lost": 1, "added": 0}]
    (changed,) = figures["worst"]["answers"]
    assert (changed["reference"], changed["bundle"], changed["confidence"]) == ("yes", "no", 0.8)
    assert not figures["holds"]
    assert agreement_table(figures).row_count and worst_table(figures).row_count == 3


@pytest.mark.parametrize(("equal", "holds"), [(99, True), (98, False)])
def test_the_bar_is_99_in_100(equal, holds):
    total = FrameAgreement()
    for i in range(100):
        total += agreement(responses(box()), responses(box(), answer="yes" if i < equal else "no"))
    assert agreement_figures(total)["holds"] is holds


def test_nothing_to_compare_holds_and_is_shown_as_such():
    figures = agreement_figures(FrameAgreement())
    assert figures["holds"] and figures["boxes"]["within"] is None
    assert agreement_table(figures).row_count
