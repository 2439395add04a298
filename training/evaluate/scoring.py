# SPDX-License-Identifier: Apache-2.0
"""Compare what came back for one frame with the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ide3d_training.metrics.answers import cleaned_match
from ide3d_training.metrics.diagnostics import PlacementError, placement_error
from ide3d_training.metrics.localisation import THRESHOLDS, f1_score, first_box_iou, matched_ious

from .lengths import length_in_metres
from .posed import Found, PosedFrame, PosedObject, PosedQuestion, Responses


@dataclass(frozen=True)
class ExpressionScore:
    """Hold how one expression went.

    Attributes:
        group: the room or recorded frame that it is about.
        kind: "unique", "multi" or "zero".
        form: how the expression refers.
        detected: whether any box came back.
        iou: of the first box, for a unique target; 0 for the other kinds.
        f1: for each of THRESHOLDS, by the rule of Multi3DRefer.
        error: the first box taken apart, for a unique target that got one.
        confidence: score of the first box, 0..1; None where there is no box or no score.
        traits: of the expression, by dimension.
        refused: the bundle could not take the text; scored as wrong whatever was right.
    """

    group: int
    kind: str
    form: str
    detected: bool
    iou: float
    f1: tuple[float, ...]
    error: PlacementError | None
    confidence: float | None = None
    traits: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False


@dataclass(frozen=True)
class QuestionScore:
    """Hold how one question went.

    Attributes:
        group: the room or recorded frame that it is about.
        kind: of the question.
        answer: the first of those that count as right.
        said: what came back.
        right: whether that counts as right.
        confidence: of the answer, 0..1; None where there is none.
        value_m: the true length, metres; None where the question asks for none.
        said_m: the length that came back, metres; None where none did.
        refused: the bundle could not take the text.
    """

    group: int
    kind: str
    answer: str
    said: str
    right: bool
    confidence: float | None = None
    value_m: float | None = None
    said_m: float | None = None
    refused: bool = False


@dataclass(frozen=True, eq=False)
class DetectionScore:
    """Hold what was found of one frame's objects, and what there was to find."""

    group: int
    found: tuple[Found, ...]
    objects: tuple[PosedObject, ...]


@dataclass(frozen=True)
class Scores:
    """Hold the scores of any number of frames."""

    expressions: tuple[ExpressionScore, ...] = ()
    questions: tuple[QuestionScore, ...] = ()
    detections: tuple[DetectionScore, ...] = ()

    def __add__(self, other: Scores) -> Scores:
        return Scores(
            self.expressions + other.expressions,
            self.questions + other.questions,
            self.detections + other.detections,
        )


def score_frame(frame: PosedFrame, responses: Responses) -> Scores:
    """Score everything that was asked about one frame.

    Args:
        frame: what was asked, with the truth.
        responses: what came back, in the same order.

    Returns:
        One score for each expression and question, and one for the detections where there are objects.

    Raises:
        ValueError: if a response is missing or one too many.
    """
    located = []
    ranks = responses.scores or ((),) * len(frame.expressions)
    for asked, response, scores in zip(frame.expressions, responses.boxes, ranks, strict=True):
        refused, boxes = response is None, response or ()
        ious = matched_ious(boxes, asked.truths)
        f1 = tuple(
            0.0 if refused else f1_score(ious, len(boxes), len(asked.truths), threshold)
            for threshold in THRESHOLDS
        )
        unique = asked.kind == "unique"
        located.append(
            ExpressionScore(
                group=frame.group,
                kind=asked.kind,
                form=asked.form,
                detected=bool(boxes),
                iou=first_box_iou(boxes, asked.truths[0]) if unique else 0.0,
                f1=f1,
                error=placement_error(boxes[0], asked.truths[0], frame.camera) if unique and boxes else None,
                confidence=scores[0] if scores else None,
                traits=asked.traits,
                refused=refused,
            )
        )
    confidences = responses.confidences or (None,) * len(frame.questions)
    answered = [
        score_answer(asked, said, frame.group, confidence)
        for asked, said, confidence in zip(frame.questions, responses.answers, confidences, strict=True)
    ]
    detected = (DetectionScore(frame.group, responses.detections, frame.objects),) if frame.objects else ()
    return Scores(tuple(located), tuple(answered), detected)


def score_answer(
    asked: PosedQuestion, said: str | None, group: int, confidence: float | None = None
) -> QuestionScore:
    """Score one answer: right if it equals an accepted one once both are cleaned, or is the length asked for.

    Args:
        asked: the question with its truth.
        said: what came back; None where the question was refused.
        group: the room or recorded frame that it is about.
        confidence: of the answer, 0..1.
    """
    if said is None:
        return QuestionScore(
            group, asked.kind, asked.answers[0], "", False, value_m=asked.value_m, refused=True
        )
    said_m = None if asked.value_m is None else length_in_metres(said)
    right = cleaned_match(said, asked.answers)
    if said_m is not None and asked.value_m is not None:
        right = right or abs(said_m - asked.value_m) <= asked.tolerance_m
    return QuestionScore(group, asked.kind, asked.answers[0], said, right, confidence, asked.value_m, said_m)
