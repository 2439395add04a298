# SPDX-License-Identifier: Apache-2.0
"""Put perturbed frames to a responder and sum up how far the figures drop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ide3d_training.metrics.localisation import THRESHOLDS

from .figures import interval, percent
from .perturbations import SUITE, Perturbation
from .posed import PosedFrame, Responder
from .scoring import ExpressionScore, QuestionScore, Scores, score_frame

FIGURES = (*(f"{name}@{k:.2f}" for name in ("acc", "f1") for k in THRESHOLDS), "em")


class Robustness:
    """Collect scores before and after each perturbation, query by query."""

    def __init__(self, suite: Sequence[Perturbation] = SUITE) -> None:
        """Begin with nothing.

        Args:
            suite: what every frame is put through.
        """
        self._suite = tuple(suite)
        self._before = {one.name: Scores() for one in self._suite}
        self._after = {one.name: Scores() for one in self._suite}
        self._obstacles = {one.name: one.reason for one in self._suite}

    def add(self, frame: PosedFrame, unperturbed: Scores, responder: Responder) -> None:
        """Perturb a frame in every way and score what comes back.

        Args:
            frame: the original.
            unperturbed: its scores, in the order of its queries.
            responder: what is evaluated.
        """
        for one in self._suite:
            obstacle = one.obstacle(frame)
            if obstacle or one.apply is None:
                self._obstacles[one.name] = obstacle
                continue
            perturbed = one.apply(frame)
            self._after[one.name] += score_frame(perturbed.frame, responder.respond(perturbed.frame))
            self._before[one.name] += Scores(
                tuple(unperturbed.expressions[i] for i in perturbed.expressions),
                tuple(unperturbed.questions[i] for i in perturbed.questions),
            )

    def figures(self) -> dict[str, dict[str, Any]]:
        """Sum up.

        Returns:
            JSON-ready, by perturbation: `n` (queries that still hold) and for each of FIGURES `before`,
            `after`, `drop` (percentage points) and its 95 % `interval`; only `reason` where it could not be
            applied.
        """
        found: dict[str, dict[str, Any]] = {}
        for one in self._suite:
            before, after = self._before[one.name], self._after[one.name]
            n = len(after.expressions) + len(after.questions)
            if not n:
                found[one.name] = {"reason": self._obstacles[one.name] or "not applicable: nothing was asked"}
                continue
            found[one.name] = {"n": n, **{name: _compared(name, before, after) for name in FIGURES}}
        return found


def _compared(name: str, before: Scores, after: Scores) -> dict[str, Any]:
    pairs = [
        (_value(name, first), _value(name, second), second.group)
        for first, second in zip(
            [*before.expressions, *before.questions], [*after.expressions, *after.questions], strict=True
        )
        if _counts(name, second)
    ]
    old, new = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    return {
        "before": percent(old),
        "after": percent(new),
        "drop": percent(old - new),
        "interval": interval(old - new, [pair[2] for pair in pairs]),
    }


def _counts(name: str, score: ExpressionScore | QuestionScore) -> bool:
    if isinstance(score, QuestionScore):
        return name == "em"
    return name.startswith("acc" if score.kind == "unique" else "f1")


def _value(name: str, score: ExpressionScore | QuestionScore) -> float:
    if isinstance(score, QuestionScore):
        return float(score.right)
    measure, _, threshold = name.partition("@")
    if measure == "acc":
        return float(score.iou >= float(threshold))
    return score.f1[THRESHOLDS.index(float(threshold))]
