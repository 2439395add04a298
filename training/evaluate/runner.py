# SPDX-License-Identifier: Apache-2.0
"""Put posed frames to a responder and to the prior, and make the report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ide3d_training.metrics.baselines import Prior

from .posed import PosedFrame, Responder
from .responders import PriorResponder
from .scoring import Scores, intervals, majority, score_frame, summary

MODE = "direct"
"""RGB and intrinsics only; no depth, pose or proposals at inference."""


def evaluate(frames: Iterable[PosedFrame], responder: Responder, prior: Prior) -> dict[str, Any]:
    """Score a responder and, on the same queries, the prior.

    Args:
        frames: consumed one at a time, so images need not fit into memory together.
        responder: what is evaluated.
        prior: the floor beside it.

    Returns:
        JSON-ready figures of `scoring.summary`, with `mode`, `interval`, `majority` and the same figures of
        the prior under `prior`.
    """
    scores, floor = Scores(), Scores()
    blind = PriorResponder(prior)
    for frame in frames:
        scores += score_frame(frame, responder.respond(frame))
        floor += score_frame(frame, blind.respond(frame))
    return {
        **summary(scores),
        "mode": MODE,
        "interval": intervals(scores),
        "majority": majority(scores),
        "prior": {**summary(floor), "mode": "prior", "interval": intervals(floor)},
    }
