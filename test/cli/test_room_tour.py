# SPDX-License-Identifier: Apache-2.0
"""Prompts about a simulated room, and their truth in whatever frame was answered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from demo_samples import MOMENT

from ide3d_ros.cli import room_tour
from ide3d_ros.cli.exchanges import Prompt
from ide3d_ros.cli.moments import Moment
from ide3d_ros.cli.room_tour import EXPRESSION_KINDS, ROUND, RoomTour, truth_in_room
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.rotation import optical_from_level
from ide3d_training.worlds.language.questions import QUESTION_KINDS, Question
from ide3d_training.worlds.scene_graph import ON, FrameGraph, SceneObject

CAMERA = Camera.from_fov(256, 192, np.deg2rad(65.0))
DESCRIBE = Prompt("describe", "", "description")


def thing(number: int, name: str, ahead: float, left: float, on: int | None = None, size: float = 0.6):
    """Make a cube on the floor, or on the 0.6 m high top of another one, metres from the camera."""
    color, category = name.split()
    bottom = 0.0 if on is None else 0.6
    level = optical_from_level(0.2, 0.0)
    center = level @ np.array([ahead, left, bottom + size / 2 - 1.2])
    box = Box3D.from_matrix(center, np.full(3, size), level)
    return SceneObject(number, category, color, "wood", box, 900, 0.9, on, ON, False)


def moment_with(*things: SceneObject, seed: int = 7) -> Moment:
    graph = FrameGraph(seed, "kitchen", 0, CAMERA, 0.2, 0.0, 1.2, np.eye(4), things)
    return replace(MOMENT, labels=graph.to_json())


ROOM = (
    thing(1, "red chair", 2.0, 1.0),
    thing(2, "blue chair", 3.0, -1.5),
    thing(3, "green table", 3.5, 0.0),
    thing(4, "white mug", 3.5, 0.1, on=3, size=0.15),
    thing(5, "white fridge", 5.0, 0.0, size=1.6),
    thing(6, "black stove", 5.0, 2.5, size=0.9),
)


def test_every_kind_of_prompt_is_in_a_round() -> None:
    assert set(ROUND) == {*EXPRESSION_KINDS, *QUESTION_KINDS, "describe"}


@pytest.mark.parametrize("kind", ROUND)
def test_drawn_prompt_is_of_its_kind_and_has_a_truth(kind: str) -> None:
    moment = moment_with(*ROOM)
    prompt = RoomTour(1).draw(kind, moment)
    truth = truth_in_room(prompt, moment)
    if kind in EXPRESSION_KINDS:
        assert prompt.service == "locate"
        assert {0: "zero", 1: "unique"}.get(len(truth.boxes), "multi") == kind
    elif kind == "describe":
        assert prompt == DESCRIBE
    else:
        assert (prompt.service, prompt.kind) == ("ask", kind)
        assert len(truth.answers) == 1


def test_nothing_is_asked_twice_in_a_room_but_may_be_in_the_next() -> None:
    tour = RoomTour(1)
    lone = (ROOM[0],)
    texts = [tour.draw("color", moment_with(*lone)).text for _ in range(12)]
    asked = [text for text in texts if text]
    assert len(set(asked)) == len(asked)
    assert tour.draw("color", moment_with(*lone, seed=8)).text


def test_room_that_offers_nothing_new_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    tour = RoomTour(1)
    only = Question("is there a mug?", "yes", "existence", (4,))
    monkeypatch.setattr(room_tour, "questions", lambda *_: [only])
    assert [tour.draw("count", moment_with(*ROOM)).text for _ in range(2)] == [only.text, ""]
    assert tour.draw("count", moment_with(*ROOM)) == DESCRIBE


def test_same_seed_asks_the_same() -> None:
    def drawn(seed: int) -> list[str]:
        tour = RoomTour(seed)
        return [tour.draw(kind, moment_with(*ROOM)).text for kind in ROUND]

    assert drawn(3) == drawn(3) != drawn(4)


def test_truth_follows_the_frame_that_was_answered() -> None:
    prompt = Prompt("ask", "how many chairs are there?", "count")
    assert truth_in_room(prompt, moment_with(*ROOM)).answers == ("two",)
    assert truth_in_room(prompt, moment_with(*ROOM[1:])).answers == ("one",)


def test_prompt_without_a_definite_answer_has_no_truth() -> None:
    chair = Prompt("locate", "the chair", "category")
    assert truth_in_room(chair, moment_with(*ROOM)) is None
    assert len(truth_in_room(chair, moment_with(ROOM[0])).boxes) == 1
    assert truth_in_room(Prompt("ask", "what colour is the chair?", "color"), moment_with(*ROOM)) is None


def test_truth_shows_things_with_their_distance() -> None:
    truth = truth_in_room(Prompt("locate", "the red chair", "color_category"), moment_with(*ROOM))
    distance = np.linalg.norm(ROOM[0].box.center)
    assert truth.shown == f"red chair at {distance:.1f} m"
    assert truth_in_room(Prompt("locate", "the sofa", "category"), moment_with(*ROOM)).shown == "nothing"


def test_description_is_known_by_the_things_in_it() -> None:
    truth = truth_in_room(DESCRIBE, moment_with(*ROOM[:2]))
    assert truth.things == ("red chair", "blue chair")


def test_length_counts_within_a_tenth_of_it_or_ten_centimetres() -> None:
    far = truth_in_room(Prompt("ask", "how far is the fridge from you?", "distance"), moment_with(*ROOM))
    distance = np.linalg.norm(ROOM[4].box.center)
    assert far.answers == (f"{distance:.1f} meters",)
    assert far.length_m == pytest.approx(distance)
    assert far.tolerance_m == pytest.approx(distance / 10)
    tall = truth_in_room(Prompt("ask", "how tall is the table?", "height"), moment_with(*ROOM))
    assert (tall.length_m, tall.tolerance_m) == (pytest.approx(0.6), pytest.approx(0.1))
