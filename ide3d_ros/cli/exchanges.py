# SPDX-License-Identifier: Apache-2.0
"""What was asked, what is true, what came back, and whether that is right.

Boxes and answers are scored by the same code as `ide3d-evaluate`, so that a figure means the same in both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ide3d_msgs.msg import Answer
from ide3d_msgs.srv import Locate
from ide3d_ros.cli.demo_client import Reply
from ide3d_ros.cli.moments import Moment
from ide3d_ros.conversions.boxes import detection_from_message
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.scene.results import Detection
from ide3d_ros.scene.status import Status
from ide3d_training.evaluate.posed import PosedExpression, PosedFrame, PosedQuestion, Responses
from ide3d_training.evaluate.scoring import ExpressionScore, QuestionScore, score_answer, score_frame

RIGHT_IOU = 0.25


@dataclass(frozen=True)
class Prompt:
    """Hold one thing to ask.

    Attributes:
        service: "locate", "ask" or "describe".
        text: the expression or question; empty for a description.
        kind: for the breakdown: a question's kind, or how an expression refers.
    """

    service: str
    text: str
    kind: str


@dataclass(frozen=True, eq=False)
class Truth:
    """Hold what is right for one prompt in one frame.

    Attributes:
        shown: for people.
        boxes: what the prompt is about, in the frame's optical frame, metres.
        answers: texts that count as right.
        things: what a description should name, in any order.
        length_m: with `tolerance_m`, a length that counts as right in any unit.
    """

    shown: str
    boxes: tuple[Box3D, ...] = ()
    answers: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    length_m: float | None = None
    tolerance_m: float = 0.0


@dataclass(frozen=True, eq=False)
class Exchange:
    """Hold one prompt with its reply, scored against the frame that the reply is about.

    Attributes:
        prompt, truth: what was asked and what is right.
        place: where the frame belongs, for people: "room 3" or "frame 120".
        group: number of the room or recording; what is sampled together.
        moment: the frame that was answered about.
        status: of the reply.
        message: of the reply's status.
        text: the answer; empty for a located expression.
        confidence: of the answer; NaN where there is none.
        detections: located boxes or the answer's evidence, best first.
        latency_ms: the node's own account, by stage.
        round_trip_ms: from the call to the reply, as the caller sees it.
        score: None where nothing is scored.
        right: None where nothing is scored.
    """

    prompt: Prompt
    truth: Truth
    place: str
    group: int
    moment: Moment
    status: Status
    message: str
    text: str
    confidence: float
    detections: tuple[Detection, ...]
    latency_ms: dict[str, float]
    round_trip_ms: float
    score: ExpressionScore | QuestionScore | None
    right: bool | None


def answered_stamp(reply: Reply) -> int:
    """Return the stamp of the newest frame that a reply is about, nanoseconds; 0 if it is about none."""
    response = reply.response
    frames = response.frames if isinstance(response, Locate.Response) else response.answer.frames
    return nanoseconds_from_time(frames[-1].stamp) if frames else 0


def judge(prompt: Prompt, reply: Reply, truth: Truth, moment: Moment, *, place: str, group: int) -> Exchange:
    """Compare a reply with the truth of its frame.

    Args:
        prompt: what was asked.
        reply: what came back.
        truth: of the frame that the reply is about.
        moment: that frame.
        place: its name for people.
        group: its room or recording.
    """
    answer = _as_answer(reply)
    detections = tuple(detection_from_message(one, moment.camera) for one in answer.evidence)
    score: ExpressionScore | QuestionScore | None = None
    right = None
    if prompt.service == "locate":
        score = _score_boxes(prompt, truth, detections, moment, group)
        right = score.iou >= RIGHT_IOU if score.kind == "unique" else score.f1[0] == 1.0
    elif truth.things:
        right = sorted(things_named(answer.text)) == sorted(truth.things)
    elif truth.answers:
        asked = PosedQuestion(prompt.text, truth.answers, prompt.kind, truth.length_m, truth.tolerance_m)
        score = score_answer(asked, answer.text, group, answer.confidence)
        right = score.right
    names = ("queue", "vision", "prefix", "prompt", "decode", "total")
    return Exchange(
        prompt=prompt,
        truth=truth,
        place=place,
        group=group,
        moment=moment,
        status=Status(answer.status.code),
        message=answer.status.message,
        text=answer.text,
        confidence=answer.confidence,
        detections=detections,
        latency_ms={name: round(getattr(answer.latency, f"{name}_ms"), 3) for name in names},
        round_trip_ms=round(reply.round_trip_ms, 2),
        score=score,
        right=right,
    )


def things_named(description: str) -> tuple[str, ...]:
    """List what a sentence such as "a red chair, a blue table and a mug" names."""
    parts = re.split(r",| and ", description.lower())
    return tuple(re.sub(r"^(an?|the) ", "", part.strip()) for part in parts if part.strip())


def _as_answer(reply: Reply) -> Answer:
    """Bring the three services' responses into one form."""
    response = reply.response
    if not isinstance(response, Locate.Response):
        return response.answer
    return Answer(
        status=response.status,
        confidence=float("nan"),
        evidence=response.detections.detections,
        frames=response.frames,
        latency=response.latency,
    )


def _score_boxes(
    prompt: Prompt, truth: Truth, detections: tuple[Detection, ...], moment: Moment, group: int
) -> ExpressionScore:
    kind = {0: "zero", 1: "unique"}.get(len(truth.boxes), "multi")
    posed = PosedExpression(prompt.text, truth.boxes, kind, prompt.kind)
    frame = PosedFrame(moment.rgb, moment.camera, group, (posed,), ())
    boxes = tuple(detection.box for detection in detections)
    return score_frame(frame, Responses((boxes,), ())).expressions[0]
