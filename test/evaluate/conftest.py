# SPDX-License-Identifier: Apache-2.0
"""Posed frames with boxes on a line, and a responder that says what it is told to say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from recorded_corner import write_recording

from ide3d_ros.bundle import Bundle
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_training.evaluate.posed import PosedExpression, PosedFrame, PosedQuestion, Responses

CAMERA = Camera.from_fov(256, 192, np.deg2rad(65.0))


@pytest.fixture(scope="session")
def box() -> Callable[..., Box3D]:
    """Make a unit cube at x (and at a depth)."""
    return lambda x=0.0, depth=3.0: Box3D(
        np.array([x, 0.0, depth]), np.ones(3), np.array([1.0, 0.0, 0.0, 0.0])
    )


@pytest.fixture(scope="session")
def posed(box) -> Callable[[int], PosedFrame]:
    """Make one frame of a room: a unique, a multi and a zero expression, and two questions."""

    def make(group: int) -> PosedFrame:
        expressions = (
            PosedExpression("the red chair", (box(0.0),), "unique", "color_category"),
            PosedExpression("both sofas", (box(-1.5), box(1.5)), "multi", "category"),
            PosedExpression("the purple chair", (), "zero", "color_category"),
        )
        questions = (
            PosedQuestion("is there a chair?", ("yes",), "existence"),
            PosedQuestion("how many sofas are there?", ("two",), "count"),
        )
        return PosedFrame(np.zeros((192, 256, 3), np.uint8), CAMERA, group, expressions, questions)

    return make


class Scripted:
    """Respond to every frame with the same boxes and answers."""

    mode = "direct"

    def __init__(self, boxes, answers, scores=(), confidences=(), detections=()):
        self._responses = Responses(
            tuple(map(tuple, boxes)),
            tuple(answers),
            tuple(map(tuple, scores)),
            tuple(confidences),
            tuple(detections),
        )

    def respond(self, frame: PosedFrame) -> Responses:
        return self._responses


@pytest.fixture(scope="session")
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def recording(tmp_path: Path, fake_bundle: Bundle) -> Path:
    """Write a labelled recording of this test's own."""
    folder = tmp_path / "corner"
    folder.mkdir()
    return write_recording(folder, fake_bundle)
