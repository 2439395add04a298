# SPDX-License-Identifier: Apache-2.0
"""Put posed frames to a responder and to the prior, and make the report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ide3d_training.metrics.baselines import Prior

from .breakdown import breakdown
from .confidence import confidence_figures
from .detection import detection_figures
from .figures import intervals, majority, summary
from .numbers import number_figures
from .object_captions import caption_figures
from .posed import PosedFrame, Responder
from .responders import PriorResponder
from .robustness import Robustness
from .scoring import Scores, score_frame


class Evaluation:
    """Score a responder and, on the same queries, the prior; report whenever asked."""

    def __init__(self, responder: Responder, prior: Prior, robustness: Robustness | None = None) -> None:
        """Begin with no frames.

        Args:
            responder: what is evaluated.
            prior: the floor beside it.
            robustness: for the perturbation suite; None leaves it out.
        """
        self._responder, self._blind, self._robustness = responder, PriorResponder(prior), robustness
        self._scores, self._floor = Scores(), Scores()
        self.frames = 0

    def add(self, frame: PosedFrame) -> None:
        """Ask everything about one frame and score it."""
        scores = score_frame(frame, self._responder.respond(frame))
        if self._robustness is not None:
            self._robustness.add(frame, scores, self._responder)
        self._scores += scores
        floor = score_frame(frame, self._blind.respond(frame))
        self._floor += Scores(floor.expressions, floor.questions)
        self.frames += 1

    def report(self) -> dict[str, Any]:
        """Sum up.

        Returns:
            JSON-ready: the main figures (`figures.summary`), `mode`, `interval`, `majority`, `breakdown`,
            `numbers`, `detection`, `captions`, `confidence`, with a suite `perturbations`, and under `prior`
            the main figures, intervals and breakdown of the prior.
        """
        perturbed = {} if self._robustness is None else {"perturbations": self._robustness.figures()}
        return {
            **summary(self._scores),
            "mode": self._responder.mode,
            "interval": intervals(self._scores),
            "majority": majority(self._scores),
            "breakdown": breakdown(self._scores),
            "numbers": number_figures(self._scores.questions),
            "detection": detection_figures(self._scores.detections),
            "captions": caption_figures(self._scores.detections),
            "confidence": confidence_figures(self._scores),
            **perturbed,
            "prior": {
                **summary(self._floor),
                "mode": self._blind.mode,
                "interval": intervals(self._floor),
                "breakdown": breakdown(self._floor),
            },
        }


def evaluate(
    frames: Iterable[PosedFrame], responder: Responder, prior: Prior, robustness: Robustness | None = None
) -> dict[str, Any]:
    """Score a responder and, on the same queries, the prior.

    Args:
        frames: consumed one at a time, so images need not fit into memory together.
        responder, prior, robustness: as in `Evaluation`.

    Returns:
        `Evaluation.report`.
    """
    evaluation = Evaluation(responder, prior, robustness)
    for frame in frames:
        evaluation.add(frame)
    return evaluation.report()
