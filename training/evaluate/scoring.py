# SPDX-License-Identifier: Apache-2.0
"""Compare responses with the truth, and sum the scores of many frames up into one report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ide3d_training.metrics.answers import cleaned_match
from ide3d_training.metrics.diagnostics import PlacementError, placement_error
from ide3d_training.metrics.intervals import bootstrap_interval
from ide3d_training.metrics.localisation import THRESHOLDS, f1_score, first_box_iou, matched_ious

from .posed import PosedFrame, Responses

INTERVAL_SEED = 0


@dataclass(frozen=True)
class ExpressionScore:
    """Hold how one expression went.

    Attributes:
        group: the room or recording of its frame.
        kind: "unique", "multi" or "zero".
        form: how the expression refers.
        detected: whether any box came back.
        iou: of the first box, for a unique target; 0 for the other kinds.
        f1: for each of THRESHOLDS, by the rule of Multi3DRefer.
        error: the first box taken apart, for a unique target that got one.
    """

    group: int
    kind: str
    form: str
    detected: bool
    iou: float
    f1: tuple[float, ...]
    error: PlacementError | None


@dataclass(frozen=True)
class QuestionScore:
    """Hold how one question went; `answer` is the first of those that count as right."""

    group: int
    kind: str
    answer: str
    said: str
    right: bool


@dataclass(frozen=True)
class Scores:
    """Hold the scores of any number of frames."""

    expressions: tuple[ExpressionScore, ...] = ()
    questions: tuple[QuestionScore, ...] = ()

    def __add__(self, other: Scores) -> Scores:
        return Scores(self.expressions + other.expressions, self.questions + other.questions)


def score_frame(frame: PosedFrame, responses: Responses) -> Scores:
    """Score everything that was asked about one frame.

    Args:
        frame: what was asked, with the truth.
        responses: what came back, in the same order.

    Returns:
        One score for each expression and question.

    Raises:
        ValueError: if a response is missing or one too many.
    """
    located = []
    for asked, boxes in zip(frame.expressions, responses.boxes, strict=True):
        ious = matched_ious(boxes, asked.truths)
        f1 = tuple(f1_score(ious, len(boxes), len(asked.truths), threshold) for threshold in THRESHOLDS)
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
            )
        )
    answered = [
        QuestionScore(frame.group, asked.kind, asked.answers[0], said, cleaned_match(said, asked.answers))
        for asked, said in zip(frame.questions, responses.answers, strict=True)
    ]
    return Scores(tuple(located), tuple(answered))


def summary(scores: Scores) -> dict[str, Any]:
    """Sum scores up.

    Args:
        scores: of all frames.

    Returns:
        JSON-ready figures in percent (lengths in metres); None where nothing was asked. `acc@k` is over
        unique targets, `f1@k` over multi- and zero-target expressions, `em` over all questions.
    """
    unique = [s for s in scores.expressions if s.kind == "unique"]
    several = [s for s in scores.expressions if s.kind in ("multi", "zero")]
    zero = [s for s in several if s.kind == "zero"]
    present = [s for s in scores.expressions if s.kind != "zero"]
    errors = [s.error for s in unique if s.error is not None]
    figures: dict[str, Any] = {}
    for index, threshold in enumerate(THRESHOLDS):
        figures[f"acc@{threshold:.2f}"] = _percent([s.iou >= threshold for s in unique])
        figures[f"f1@{threshold:.2f}"] = _percent([s.f1[index] for s in several])
    figures["em"] = _percent([s.right for s in scores.questions])
    kinds = sorted({s.kind for s in scores.questions})
    figures["em_by_kind"] = {
        kind: _percent([s.right for s in scores.questions if s.kind == kind]) for kind in kinds
    }
    figures["n_queries"] = len(scores.expressions) + len(scores.questions)
    figures["n_expressions"] = dict(sorted(Counter(s.kind for s in scores.expressions).items()))
    figures["n_questions"] = dict(sorted(Counter(s.kind for s in scores.questions).items()))
    figures["by_form"] = _by_form(scores.expressions)
    figures["zero_rejection"] = _percent([not s.detected for s in zero])
    figures["positive_detection"] = _percent([s.detected for s in present])
    figures["depth_error_m"] = _median([e.depth_m for e in errors])
    figures["log_depth_error"] = _median([e.log_depth for e in errors])
    figures["diagnostics"] = _diagnostics(unique)
    return figures


def intervals(scores: Scores) -> dict[str, list[float] | None]:
    """Return the 95 % bootstrap interval of each main figure, in percent, rooms resampled as wholes."""
    unique = [s for s in scores.expressions if s.kind == "unique"]
    several = [s for s in scores.expressions if s.kind in ("multi", "zero")]
    found: dict[str, list[float] | None] = {}
    for index, threshold in enumerate(THRESHOLDS):
        found[f"acc@{threshold:.2f}"] = _interval(unique, lambda s, k=threshold: s.iou >= k)
        found[f"f1@{threshold:.2f}"] = _interval(several, lambda s, i=index: s.f1[i])
    found["em"] = _interval(scores.questions, lambda s: s.right)
    return found


def majority(scores: Scores) -> dict[str, dict[str, Any]]:
    """Return for each question kind the best constant answer, chosen on these very questions, and its EM.

    That is harder to beat than the usual answer of the training rooms, which `prior` gives.
    """
    found = {}
    for kind in sorted({s.kind for s in scores.questions}):
        counts = Counter(s.answer for s in scores.questions if s.kind == kind)
        answer = min(counts, key=lambda a: (-counts[a], a))
        found[kind] = {"answer": answer, "em": round(100.0 * counts[answer] / counts.total(), 2)}
    return found


def _by_form(expressions: Sequence[ExpressionScore]) -> dict[str, dict[str, Any]]:
    rows = {}
    for kind, form in sorted({(s.kind, s.form) for s in expressions}):
        chosen = [s for s in expressions if (s.kind, s.form) == (kind, form)]
        row: dict[str, Any] = {"n": len(chosen)}
        for index, threshold in enumerate(THRESHOLDS):
            if kind == "unique":
                row[f"acc@{threshold:.2f}"] = _percent([s.iou >= threshold for s in chosen])
            else:
                row[f"f1@{threshold:.2f}"] = _percent([s.f1[index] for s in chosen])
        rows[f"{kind}/{form}"] = row
    return rows


def _diagnostics(unique: Sequence[ExpressionScore]) -> dict[str, Any]:
    """Tell which part fails, as shares of all unique-target expressions unless the name says otherwise."""
    aimed = [s for s in unique if s.error is not None and s.error.right_pixel]
    rows: dict[str, Any] = {
        "right_pixel": _percent([s.error is not None and s.error.right_pixel for s in unique]),
        "right_pixel_log_depth_error": _median([s.error.log_depth for s in aimed if s.error is not None]),
    }
    for threshold in THRESHOLDS:
        rows[f"right_pixel_acc@{threshold:.2f}"] = _percent([s.iou >= threshold for s in aimed])
        for part in ("true_depth", "true_pixel", "true_center"):
            ious = [0.0 if s.error is None else getattr(s.error, f"{part}_iou") for s in unique]
            rows[f"{part}_acc@{threshold:.2f}"] = _percent([iou >= threshold for iou in ious])
    return rows


def _percent(values: Sequence[float]) -> float | None:
    return round(100.0 * float(np.mean(values)), 2) if len(values) else None


def _median(values: Sequence[float]) -> float | None:
    finite = [value for value in values if np.isfinite(value)]
    return round(float(np.median(finite)), 4) if finite else None


def _interval(chosen: Sequence[Any], value: Callable[[Any], float]) -> list[float] | None:
    rng = np.random.default_rng(INTERVAL_SEED)
    ends = bootstrap_interval([float(value(s)) for s in chosen], [s.group for s in chosen], rng)
    return None if ends is None else [round(100.0 * end, 2) for end in ends]
