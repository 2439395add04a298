# SPDX-License-Identifier: Apache-2.0
"""Sum the scores of many frames up into the main figures of a report, with their intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ide3d_training.metrics.intervals import bootstrap_interval
from ide3d_training.metrics.localisation import THRESHOLDS

from .scoring import ExpressionScore, QuestionScore, Scores

INTERVAL_SEED = 0


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
        figures[f"acc@{threshold:.2f}"] = percent([s.iou >= threshold for s in unique])
        figures[f"f1@{threshold:.2f}"] = percent([s.f1[index] for s in several])
    figures["em"] = percent([s.right for s in scores.questions])
    kinds = sorted({s.kind for s in scores.questions})
    figures["em_by_kind"] = {
        kind: percent([s.right for s in scores.questions if s.kind == kind]) for kind in kinds
    }
    figures["n_queries"] = len(scores.expressions) + len(scores.questions)
    figures["n_expressions"] = dict(sorted(Counter(s.kind for s in scores.expressions).items()))
    figures["n_questions"] = dict(sorted(Counter(s.kind for s in scores.questions).items()))
    figures["n_refused"] = sum(s.refused for s in (*scores.expressions, *scores.questions))
    figures["by_form"] = _by_form(scores.expressions)
    figures["zero_rejection"] = percent([_rejected(s) for s in zero])
    figures["positive_detection"] = percent([s.detected for s in present])
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
        found[f"acc@{threshold:.2f}"] = interval([s.iou >= threshold for s in unique], groups_of(unique))
        found[f"f1@{threshold:.2f}"] = interval([s.f1[index] for s in several], groups_of(several))
    found["em"] = interval([s.right for s in scores.questions], groups_of(scores.questions))
    zero = [s for s in several if s.kind == "zero"]
    present = [s for s in scores.expressions if s.kind != "zero"]
    found["zero_rejection"] = interval([_rejected(s) for s in zero], groups_of(zero))
    found["positive_detection"] = interval([s.detected for s in present], groups_of(present))
    return found


def row(chosen: Sequence[ExpressionScore], measure: str) -> dict[str, Any]:
    """Sum a group of expressions up for a breakdown.

    Args:
        chosen: the group; unique-target expressions for "acc".
        measure: "acc" for Acc@k or "f1" for F1@k.

    Returns:
        `n`, the figures in percent and, under `interval`, their 95 % intervals.
    """
    found: dict[str, Any] = {"n": len(chosen)}
    ends = {}
    for index, threshold in enumerate(THRESHOLDS):
        values = [float(s.iou >= threshold) if measure == "acc" else s.f1[index] for s in chosen]
        found[f"{measure}@{threshold:.2f}"] = percent(values)
        ends[f"{measure}@{threshold:.2f}"] = interval(values, groups_of(chosen))
    return {**found, "interval": ends}


def measure_of(kind: str) -> str:
    """Return the measure that a kind of expression is scored by."""
    return "acc" if kind == "unique" else "f1"


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
    groups = sorted({(s.kind, s.form) for s in expressions})
    return {
        f"{kind}/{form}": row([s for s in expressions if (s.kind, s.form) == (kind, form)], measure_of(kind))
        for kind, form in groups
    }


def _diagnostics(unique: Sequence[ExpressionScore]) -> dict[str, Any]:
    """Tell which part fails, as shares of all unique-target expressions unless the name says otherwise."""
    aimed = [s for s in unique if s.error is not None and s.error.right_pixel]
    rows: dict[str, Any] = {
        "right_pixel": percent([s.error is not None and s.error.right_pixel for s in unique]),
        "right_pixel_log_depth_error": _median([s.error.log_depth for s in aimed if s.error is not None]),
    }
    for threshold in THRESHOLDS:
        rows[f"right_pixel_acc@{threshold:.2f}"] = percent([s.iou >= threshold for s in aimed])
        for part in ("true_depth", "true_pixel", "true_center"):
            ious = [0.0 if s.error is None else getattr(s.error, f"{part}_iou") for s in unique]
            rows[f"{part}_acc@{threshold:.2f}"] = percent([iou >= threshold for iou in ious])
    return rows


def _rejected(score: ExpressionScore) -> bool:
    return not score.detected and not score.refused


def percent(values: Sequence[float]) -> float | None:
    """Return a mean of shares in percent; None without any."""
    return round(100.0 * float(np.mean(values)), 2) if len(values) else None


def interval(values: Sequence[float], groups: Sequence[int]) -> list[float] | None:
    """Return the 95 % bootstrap interval of a mean of shares in percent; None without any."""
    rng = np.random.default_rng(INTERVAL_SEED)
    ends = bootstrap_interval([float(value) for value in values], groups, rng)
    return None if ends is None else [round(100.0 * end, 2) for end in ends]


def groups_of(scores: Sequence[ExpressionScore] | Sequence[QuestionScore]) -> list[int]:
    """Return what scores are resampled by."""
    return [s.group for s in scores]


def _median(values: Sequence[float]) -> float | None:
    finite = [value for value in values if np.isfinite(value)]
    return round(float(np.median(finite)), 4) if finite else None
