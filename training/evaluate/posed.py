# SPDX-License-Identifier: Apache-2.0
"""What is asked about a frame, with the truth, and what comes back: the border between asking and scoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera


@dataclass(frozen=True, eq=False)
class PosedExpression:
    """Hold an expression with the boxes it denotes.

    Attributes:
        text: the expression.
        truths: in the frame's optical frame; empty where nothing matches.
        kind: "unique", "multi" or "zero", by the number of truths.
        form: how it refers (category, color, relation, ...), for the breakdown.
        traits: of what sort it is, by dimension (`traits.ORDER`), for the breakdown.
    """

    text: str
    truths: tuple[Box3D, ...]
    kind: str
    form: str
    traits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PosedQuestion:
    """Hold a question with the answers that count as right.

    Attributes:
        text: the question.
        answers: texts that count as right; the first is what a person would say.
        kind: for the breakdown.
        value_m: the answer as a length, metres; None where it is none.
        tolerance_m: how far from it a length in any unit may be to count as right.
    """

    text: str
    answers: tuple[str, ...]
    kind: str
    value_m: float | None = None
    tolerance_m: float = 0.0


@dataclass(frozen=True, eq=False)
class PosedObject:
    """Hold one object that a detector should find.

    Attributes:
        id: tells it from the others of its room or recording.
        category: what it is called; detections of the same label may match it.
        box: in the frame's optical frame.
        visible: enough of it can be seen to ask for it; an object of which only a little can be seen is
            neither missed nor wrongly found.
        captions: sentences that describe it; empty where there are none.
    """

    id: str
    category: str
    box: Box3D
    visible: bool
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Redrawn:
    """Hold the same moment seen through another camera.

    Attributes:
        image: (H, W, 3) uint8 RGB of that camera.
        expressions: indices of the frame's expressions that denote the same there.
        questions: indices of the frame's questions that have the same answer there.
        depth: (H, W) float32 metres as that camera sees it; None where there is none.
    """

    image: np.ndarray
    expressions: tuple[int, ...]
    questions: tuple[int, ...]
    depth: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class PosedFrame:
    """Hold one image with everything that is asked about it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        camera: of that image.
        group: the room or recorded frame it belongs to; what has one group is resampled together.
        expressions: to locate.
        questions: to answer.
        objects: to detect; none: nothing is detected in this frame.
        vocabulary: what the detector is told to look for; none: the categories that it knows.
        redraw: draws the frame through another camera of the same image size and place; None where that is
            not possible.
        depth: (H, W) float32 metres along the optical axis, 0 where unknown; None where there is none.
        world_from_camera: (4, 4) pose of the optical frame, metres; None where it is not known.
    """

    image: np.ndarray
    camera: Camera
    group: int
    expressions: tuple[PosedExpression, ...]
    questions: tuple[PosedQuestion, ...]
    objects: tuple[PosedObject, ...] = ()
    vocabulary: tuple[str, ...] = ()
    redraw: Callable[[Camera], Redrawn] | None = None
    depth: np.ndarray | None = None
    world_from_camera: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """Hold one detection: its box in the frame's optical frame, its score 0..1, its label and a caption."""

    box: Box3D
    score: float
    label: str
    caption: str


@dataclass(frozen=True, eq=False)
class Responses:
    """Hold what came back for one frame, in the order of its expressions and questions.

    Attributes:
        boxes: for each expression the boxes in the frame's optical frame, best score first; None for one that
            was refused, such as a text longer than the bundle reads.
        answers: for each question the answer's text; None for one that was refused.
        scores: for each expression the scores of its boxes, 0..1; empty where there are no scores at all.
        confidences: for each question the answer's confidence, 0..1; empty where there are none at all.
        detections: what was found of the frame's objects, best score first.
    """

    boxes: tuple[tuple[Box3D, ...] | None, ...]
    answers: tuple[str | None, ...]
    scores: tuple[tuple[float, ...], ...] = ()
    confidences: tuple[float, ...] = ()
    detections: tuple[Found, ...] = ()


class Responder(Protocol):
    """Answers everything that is asked about a frame.

    Attributes:
        mode: what it reads: "direct", RGB and intrinsics alone; "privileged", depth and poses too; "prior",
            nothing of the image.
    """

    mode: str

    def respond(self, frame: PosedFrame) -> Responses:
        """Return boxes for every expression, an answer to every question, and what is detected."""
        ...
