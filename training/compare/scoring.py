# SPDX-License-Identifier: Apache-2.0
"""Score one trained run on the benchmark, query by query, so that seeds can be pooled afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ide3d_training.evaluate.detection import detection_figures
from ide3d_training.evaluate.figures import summary
from ide3d_training.evaluate.object_captions import caption_figures
from ide3d_training.evaluate.posed import Responder
from ide3d_training.evaluate.scoring import ExpressionScore, QuestionScore, Scores, score_frame
from ide3d_training.evaluate.world_frames import world_frames
from ide3d_training.metrics.localisation import THRESHOLDS

Case = tuple[int, float]


def score_rooms(
    responder: Responder, rooms: int, seed: int, size: tuple[int, int], on_room: Callable[[], None]
) -> dict[str, Any]:
    """Ask a responder everything about rooms of one split.

    Args:
        responder: what is scored, from RGB and intrinsics alone.
        rooms, seed: how many, and the seed of the first.
        size: width and height of the frames, pixels.
        on_room: called after each.

    Returns:
        JSON-ready: `figures` as `ide3d-evaluate` sums them up, and `cases`, for each mean among them the room
        and the value (0..1) of every query.
    """
    scores = Scores()
    for frame in world_frames(rooms, seed, *size):
        scores += score_frame(frame, responder.respond(frame))
        on_room()
    figures = summary(scores)
    if scores.detections:
        figures["detection"] = detection_figures(scores.detections)
        figures["captions"] = caption_figures(scores.detections)
    return {"figures": figures, "cases": query_cases(scores)}


def query_cases(scores: Scores) -> dict[str, list[Case]]:
    """Return the (room, value) pairs that each main figure is the mean of."""
    unique = [s for s in scores.expressions if s.kind == "unique"]
    several = [s for s in scores.expressions if s.kind in ("multi", "zero")]
    zero = [s for s in several if s.kind == "zero"]
    present = [s for s in scores.expressions if s.kind != "zero"]
    found = {}
    for index, threshold in enumerate(THRESHOLDS):
        found[f"acc@{threshold:.2f}"] = _cases(unique, [s.iou >= threshold for s in unique])
        found[f"f1@{threshold:.2f}"] = _cases(several, [s.f1[index] for s in several])
    found["em"] = _cases(scores.questions, [s.right for s in scores.questions])
    found["zero_rejection"] = _cases(zero, [not s.detected and not s.refused for s in zero])
    found["positive_detection"] = _cases(present, [s.detected for s in present])
    return found


def _cases(scores: Sequence[ExpressionScore | QuestionScore], values: Sequence[float]) -> list[Case]:
    return [(score.group, float(value)) for score, value in zip(scores, values, strict=True)]
