# SPDX-License-Identifier: Apache-2.0
"""The runner puts a responder and the prior to the same queries and reports both."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ide3d_ros.scene.results import Answer, Detection, Frame, Location
from ide3d_ros.scene.status import Status
from ide3d_training.evaluate.posed import PosedObject
from ide3d_training.evaluate.responders import PriorResponder, ResponseError, SceneResponder
from ide3d_training.evaluate.runner import evaluate
from ide3d_training.metrics.baselines import MeanBox, Prior

PRIOR = Prior(
    boxes={
        "object": MeanBox(0.5, 0.5, 3.0, (1.0, 1.0, 1.0)),
        "chair": MeanBox(0.5, 0.5, 2.0, (0.5, 0.5, 0.9)),
    },
    pitch=0.2,
    answers={"existence": "yes", "count": "two"},
    frames=1,
)


class FakeScene:
    """Stand in for a Scene: one box for every expression, "yes" to every question."""

    def __init__(self, box, status: Status = Status.OK):
        self._box, self._status, self._frames = box, status, 0
        self.bundle = SimpleNamespace(manifest=SimpleNamespace(extra_inputs=()))

    def reset(self):
        self._frames = 0

    def add_frame(self, image, camera, *, stamp_ns, frame_id, depth, world_from_camera):
        assert image.shape == (camera.height, camera.width, 3) and stamp_ns > 0
        self._frames += 1
        self._frame = Frame(frame_id, stamp_ns, camera)
        return self._frame

    def locate_all(self, expressions):
        assert self._frames == 1, "each frame is asked about alone"
        found = Detection("thing", 0.9, self._box, self._frame, np.eye(6))
        empty = self._status is Status.NO_TARGET
        return [Location(self._status, "", () if empty else (found,)) for _ in expressions]

    def ask(self, question):
        return Answer(Status.OK, text="yes", confidence=0.7)

    def detect(self, vocabulary=None):
        self.vocabulary = vocabulary
        return Location(
            Status.OK, "", (Detection("chair", 0.8, self._box, self._frame, np.eye(6), "chair", "red"),)
        )


def test_scene_is_asked_about_each_frame_alone(posed, box):
    responder = SceneResponder(FakeScene(box(0)))
    for room in (0, 1):
        responses = responder.respond(posed(room))
        assert responses.boxes == ((box(0),),) * 3
        assert responses.scores == ((0.9,),) * 3
        assert responses.answers == ("yes", "yes")
        assert responses.confidences == (0.7, 0.7)
        assert responses.detections == ()  # the frame has no objects to detect


def test_objects_are_detected_by_the_frames_own_vocabulary(posed, box):
    scene = FakeScene(box(0))
    objects = (PosedObject("1", "chair", box(0), True),)
    for vocabulary, asked in (((), None), (("chair", "mug"), ("chair", "mug"))):
        frame = replace(posed(0), objects=objects, vocabulary=vocabulary)
        (found,) = SceneResponder(scene).respond(frame).detections
        assert scene.vocabulary == asked
        assert (found.label, found.score, found.caption) == ("chair", 0.8, "a red chair")


def test_no_target_is_a_response_without_boxes(posed, box):
    responses = SceneResponder(FakeScene(box(0), Status.NO_TARGET)).respond(posed(0))
    assert responses.boxes == ((), (), ())


@pytest.mark.parametrize("status", [Status.ENGINE_ERROR, Status.NO_FRAMES])
def test_fault_of_the_scene_stops_the_evaluation(posed, box, status):
    with pytest.raises(ResponseError, match=f"the red chair.*{status.name}"):
        SceneResponder(FakeScene(box(0), status)).respond(posed(0))


def test_text_that_a_bundle_cannot_take_is_refused_and_no_fault(posed, box):
    responses = SceneResponder(FakeScene(box(0), Status.INVALID_REQUEST)).respond(posed(0))
    assert responses.boxes == (None, None, None)
    assert responses.answers == ("yes", "yes")


def test_prior_answers_by_kind_and_always_places_one_box(posed):
    responses = PriorResponder(PRIOR).respond(posed(0))
    assert [len(boxes) for boxes in responses.boxes] == [1, 1, 1]
    assert responses.boxes[0][0].extents == pytest.approx([0.5, 0.5, 0.9])
    assert responses.answers == ("yes", "two")


@pytest.fixture
def report(posed, scripted, box):
    frames = (posed(room) for room in range(3))
    responder = scripted([[box(0)], [box(1.5), box(-1.5)], []], ["yes", "one"])
    figures = evaluate(frames, responder, PRIOR)
    return {"bundle": "scripted", "rooms": 3, "seed": 0, **figures}


def test_report_holds_the_model_beside_the_prior(report):
    assert report["mode"] == "direct"
    assert report["acc@0.25"] == 100.0
    assert report["em_by_kind"] == {"count": 0.0, "existence": 100.0}
    assert report["prior"]["em_by_kind"] == {"count": 100.0, "existence": 100.0}
    for key in ("acc@0.25", "acc@0.50", "f1@0.25", "f1@0.50", "em", "em_by_kind", "n_queries", "mode"):
        assert key in report and key in report["prior"]
    assert report["n_queries"] == report["prior"]["n_queries"] == 15
    assert report["interval"]["acc@0.25"] == [100.0, 100.0]
    assert report["majority"]["count"]["answer"] == "two"
    assert report["breakdown"]["kind"]["unique"]["acc@0.25"] == 100.0
    assert report["prior"]["breakdown"]["kind"]["unique"]["n"] == 3
    assert report["detection"]["frames"] == 0 and "reason" in report["captions"]
    assert report["confidence"] == {"boxes": None, "answers": None}
    assert "perturbations" not in report


def test_report_survives_json(report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report
