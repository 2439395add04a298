# SPDX-License-Identifier: Apache-2.0
"""Ask a scene at the frames of a bag. Knows nothing of files."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ide3d_ros.cli.offline.frames import BagFrame
from ide3d_ros.cli.offline.questions import Question
from ide3d_ros.scene import Scene
from ide3d_ros.scene.results import Detection, Latency
from ide3d_ros.scene.status import Status


@dataclass(frozen=True, eq=False)
class OfflineAnswer:
    """Hold one reply.

    Attributes:
        question: its place in the questions file, from 1.
        asked: the question.
        frame: the newest frame that was looked at; None where the bag ends before the question's time.
        status: how it went.
        message: one sentence for a person; empty when the status is OK.
        text: the answer; empty for a location.
        confidence: of the text, 0 to 1.
        detections: the boxes found or rested on, best first.
        latency: where the time went; it differs from run to run.
    """

    question: int
    asked: Question
    frame: BagFrame | None
    status: Status
    message: str
    text: str = ""
    confidence: float = 0.0
    detections: tuple[Detection, ...] = ()
    latency: Latency = field(default_factory=Latency)


def answers(
    scene: Scene, frames: Iterable[BagFrame], questions: Sequence[Question], *, window: int
) -> Iterator[OfflineAnswer]:
    """Ask each question at its frames.

    A frame is encoded only when something is asked about a window that holds it, which changes no answer.

    Args:
        scene: empty, with that window.
        frames: of one camera, in their order.
        questions: what to ask.
        window: newest frames that a question is asked about.

    Yields:
        Answers by frame, and at one frame in the order of the questions; last those of questions whose time
        never came.
    """
    waiting = {number: one for number, one in enumerate(questions, start=1) if one.every_frames is None}
    newest: deque[BagFrame] = deque(maxlen=window)
    encoded = -1  # number of the newest frame that the scene has
    first_ns: int | None = None
    last_ns = 0
    for frame in frames:
        first_ns = frame.stamp_ns if first_ns is None else first_ns
        last_ns = max(last_ns, frame.stamp_ns)
        newest.append(frame)
        due = [
            (number, one)
            for number, one in enumerate(questions, start=1)
            if (number in waiting and _has_come(one, frame.stamp_ns, first_ns))
            or (one.every_frames is not None and frame.number % one.every_frames == 0)
        ]
        if not due:
            continue
        for one in newest:
            if one.number > encoded:
                scene.add_frame(
                    one.rgb,
                    one.camera,
                    stamp_ns=one.stamp_ns,
                    frame_id=one.frame_id,
                    depth=one.depth,
                    world_from_camera=one.world_from_camera,
                )
                encoded = one.number
        for number, question in due:
            waiting.pop(number, None)
            yield _answer(scene, number, question, frame)
    for number, question in waiting.items():
        if first_ns is None:
            message = "the bag holds no usable frame"
        else:
            message = f"the bag's newest frame is {(last_ns - first_ns) / 1e9:.3f} s after its first one"
        yield OfflineAnswer(number, question, None, Status.NO_FRAMES, message)


def _has_come(question: Question, stamp_ns: int, first_ns: int) -> bool:
    if question.stamp_ns is not None:
        return stamp_ns >= question.stamp_ns
    return stamp_ns >= first_ns + round(1e9 * question.at_s)


def _answer(scene: Scene, number: int, question: Question, frame: BagFrame) -> OfflineAnswer:
    if question.kind == "locate":
        found = scene.locate(question.text)
        return OfflineAnswer(
            number,
            question,
            frame,
            found.status,
            found.message,
            detections=found.detections,
            latency=found.latency,
        )
    said = scene.describe() if question.kind == "describe" else scene.ask(question.text)
    return OfflineAnswer(
        number,
        question,
        frame,
        said.status,
        said.message,
        text=said.text,
        confidence=said.confidence,
        detections=said.evidence,
        latency=said.latency,
    )
