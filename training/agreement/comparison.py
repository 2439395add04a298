# SPDX-License-Identifier: Apache-2.0
"""Compare what two bundles say about the same frame; the truth plays no part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ide3d_ros.geometry.box import Box3D
from ide3d_training.evaluate.posed import PosedFrame, Responses

TOLERANCE_M = 0.01
TOLERANCE_SHARE = 0.01
SWEEP = "(all that is in view)"
"""Stands for the text where boxes were found without one."""


@dataclass(frozen=True)
class BoxPair:
    """Hold how far apart the same box of both bundles lies.

    Attributes:
        corner_m: largest distance between corresponding corners, metres: centre, extents and rotation in one.
        center_m: distance between the centres, metres.
        distance_m: of the reference's box from the camera, metres.
    """

    corner_m: float
    center_m: float
    distance_m: float

    @property
    def within(self) -> bool:
        """Whether every corner is within 1 cm, or 1 % of the box's distance."""
        return self.corner_m <= max(TOLERANCE_M, TOLERANCE_SHARE * self.distance_m)


@dataclass(frozen=True)
class BoxAgreement:
    """Hold the boxes of both bundles for one expression, or for one sweep without a text.

    Attributes:
        group: the room or recorded frame.
        text: the expression; SWEEP where there was none.
        pairs: boxes that both found.
        lost: boxes that the reference alone found.
        added: boxes that the other bundle alone found.
    """

    group: int
    text: str
    pairs: tuple[BoxPair, ...]
    lost: int
    added: int

    @property
    def agrees(self) -> bool:
        """Whether both found the same boxes, each within the tolerance."""
        return not (self.lost or self.added) and all(pair.within for pair in self.pairs)


@dataclass(frozen=True)
class AnswerAgreement:
    """Hold the answers of both bundles to one question.

    Attributes:
        group: the room or recorded frame.
        text: the question.
        reference, other: what each said; None where it refused the text.
        confidence: of the reference's answer, 0..1.
    """

    group: int
    text: str
    reference: str | None
    other: str | None
    confidence: float

    @property
    def agrees(self) -> bool:
        """Whether both said exactly the same."""
        return self.reference == self.other


@dataclass(frozen=True)
class FrameAgreement:
    """Hold the comparison of one frame or, added up, of several."""

    expressions: tuple[BoxAgreement, ...] = ()
    sweeps: tuple[BoxAgreement, ...] = ()
    answers: tuple[AnswerAgreement, ...] = ()

    def __add__(self, more: FrameAgreement) -> FrameAgreement:
        return FrameAgreement(
            self.expressions + more.expressions, self.sweeps + more.sweeps, self.answers + more.answers
        )


def compare(frame: PosedFrame, reference: Responses, other: Responses) -> FrameAgreement:
    """Compare two responses to one frame.

    Args:
        frame: what was asked.
        reference, other: what came back, in the order of the frame's expressions and questions.
    """
    located = zip(frame.expressions, reference.boxes, other.boxes, strict=True)
    answered = zip(frame.questions, reference.answers, other.answers, reference.confidences, strict=True)
    sweeps: tuple[BoxAgreement, ...] = ()
    if frame.objects:
        found = ([d.box for d in side.detections] for side in (reference, other))
        sweeps = (_compare_boxes(frame.group, SWEEP, *found),)
    return FrameAgreement(
        tuple(_compare_boxes(frame.group, e.text, first or (), second or ()) for e, first, second in located),
        sweeps,
        tuple(
            AnswerAgreement(frame.group, q.text, first, second, confidence)
            for q, first, second, confidence in answered
        ),
    )


def _compare_boxes(group: int, text: str, reference: Sequence[Box3D], other: Sequence[Box3D]) -> BoxAgreement:
    """Pair boxes so that the sum of distances between centres is least; their order may differ."""
    gaps = np.array([[np.linalg.norm(a.center - b.center) for b in other] for a in reference])
    rows, columns = linear_sum_assignment(gaps) if gaps.size else ((), ())
    pairs = tuple(_pair(reference[i], other[j]) for i, j in zip(rows, columns, strict=True))
    return BoxAgreement(group, text, pairs, len(reference) - len(pairs), len(other) - len(pairs))


def _pair(reference: Box3D, other: Box3D) -> BoxPair:
    return BoxPair(
        corner_m=float(np.linalg.norm(reference.corners() - other.corners(), axis=1).max()),
        center_m=float(np.linalg.norm(reference.center - other.center)),
        distance_m=float(np.linalg.norm(reference.center)),
    )
