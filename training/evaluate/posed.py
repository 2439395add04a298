# SPDX-License-Identifier: Apache-2.0
"""What is asked about a frame, with the truth, and what comes back: the border between asking and scoring."""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    text: str
    truths: tuple[Box3D, ...]
    kind: str
    form: str


@dataclass(frozen=True)
class PosedQuestion:
    """Hold a question with the answers that count as right."""

    text: str
    answers: tuple[str, ...]
    kind: str


@dataclass(frozen=True, eq=False)
class PosedFrame:
    """Hold one image with everything that is asked about it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        camera: of that image.
        group: the room or recording it belongs to; frames of one group are resampled together.
        expressions: to locate.
        questions: to answer.
    """

    image: np.ndarray
    camera: Camera
    group: int
    expressions: tuple[PosedExpression, ...]
    questions: tuple[PosedQuestion, ...]


@dataclass(frozen=True, eq=False)
class Responses:
    """Hold what came back for one frame, in the order of its expressions and questions.

    Attributes:
        boxes: for each expression the boxes in the frame's optical frame, best score first.
        answers: for each question the answer's text.
    """

    boxes: tuple[tuple[Box3D, ...], ...]
    answers: tuple[str, ...]


class Responder(Protocol):
    """Answers everything that is asked about a frame."""

    def respond(self, frame: PosedFrame) -> Responses:
        """Return boxes for every expression and an answer to every question."""
        ...
