# SPDX-License-Identifier: Apache-2.0
"""Who answers: a bundle through the Scene API, as a robot would use it, or the prior that never looks."""

from __future__ import annotations

from ide3d_ros.scene import Answer, Detection, Location, Scene
from ide3d_ros.scene.preprocessing import FrameError
from ide3d_ros.scene.status import Status
from ide3d_training.metrics.baselines import Prior

from .posed import Found, PosedFrame, Responses

FRAME_ID = "evaluation_camera"
ANSWERED = (Status.OK, Status.NO_TARGET, Status.AMBIGUOUS)


class ResponseError(RuntimeError):
    """Raised where a bundle failed to respond at all, which no score may hide."""


class SceneResponder:
    """Ask a scene about each frame alone: from RGB and intrinsics only, unless its bundle reads more."""

    def __init__(self, scene: Scene):
        self._scene = scene
        self.mode = "privileged" if scene.bundle.manifest.extra_inputs else "direct"

    def respond(self, frame: PosedFrame) -> Responses:
        """Locate all expressions in one batched pass, ask each question, and detect where there are objects.

        Raises:
            ResponseError: if the scene reports a fault instead of a result, or the frame lacks what its
                bundle reads.
        """
        self._scene.reset()
        extra = {"depth": frame.depth, "world_from_camera": frame.world_from_camera}
        try:
            self._scene.add_frame(frame.image, frame.camera, stamp_ns=1, frame_id=FRAME_ID, **extra)
        except FrameError as error:  # mostly a frame without what the bundle reads
            raise ResponseError(f"frame {frame.group}: {error}") from None
        locations = self._scene.locate_all([e.text for e in frame.expressions]) if frame.expressions else []
        answers = [self._scene.ask(q.text) for q in frame.questions]
        for result, asked in zip([*locations, *answers], [*frame.expressions, *frame.questions], strict=True):
            if not _is_refused(result):
                self._check(result, frame, repr(asked.text))
        detections: tuple[Found, ...] = ()
        if frame.objects:
            swept = self._scene.detect(frame.vocabulary or None)
            self._check(swept, frame, "detect")
            detections = tuple(_found(detection) for detection in swept)
        return Responses(
            boxes=tuple(
                None if _is_refused(location) else tuple(detection.box for detection in location)
                for location in locations
            ),
            answers=tuple(None if _is_refused(answer) else answer.text for answer in answers),
            scores=tuple(tuple(detection.score for detection in location) for location in locations),
            confidences=tuple(answer.confidence for answer in answers),
            detections=detections,
        )

    @staticmethod
    def _check(result: Location | Answer, frame: PosedFrame, what: str) -> None:
        if result.status not in ANSWERED:
            raise ResponseError(f"room {frame.group}, {what}: {Status(result.status).name}: {result.message}")


def _is_refused(result: Location | Answer) -> bool:
    """Tell whether a bundle cannot take a text, mostly because it is too long: wrong, but no fault."""
    return result.status is Status.INVALID_REQUEST


def _found(detection: Detection) -> Found:
    """Take a detection over, with its colour and name for a caption."""
    name = f"{detection.color} {detection.label}".strip()
    article = "an" if name[0] in "aeiou" else "a"
    return Found(detection.box, detection.score, detection.label, f"{article} {name}")


class PriorResponder:
    """Answer with the mean box of the named category and each question kind's usual answer."""

    mode = "prior"

    def __init__(self, prior: Prior):
        self._prior = prior

    def respond(self, frame: PosedFrame) -> Responses:
        """Return one box for each expression, whatever it asks, and a habitual answer to each question."""
        boxes = tuple((self._prior.box(e.text, frame.camera),) for e in frame.expressions)
        return Responses(boxes, tuple(self._prior.answer(q.kind) for q in frame.questions))
