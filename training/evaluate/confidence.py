# SPDX-License-Identifier: Apache-2.0
"""Whether scores mean what they say: those of located boxes, and those of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ide3d_training.metrics.calibration import reliability
from ide3d_training.metrics.risk_coverage import risk_coverage

from .scoring import Scores

RIGHT_IOU = 0.25
BINS = 10
CURVE_POINTS = 50


def confidence_figures(scores: Scores) -> dict[str, Any]:
    """Compare scores with how often they are right.

    Args:
        scores: of all frames.

    Returns:
        JSON-ready, for `boxes` (first box of each unique target; right: IoU >= 0.25) and `answers` (right:
        EM), None where nothing came with a score: `n`, `right` (percent), `ece`, `mce` (percent), `aurc` and
        `e_aurc` (percent), `bins` of a reliability diagram and the `risk_coverage` curve, both 0..1.
    """
    located = [s for s in scores.expressions if s.kind == "unique" and s.confidence is not None]
    answered = [s for s in scores.questions if s.confidence is not None]
    return {
        "boxes": _compared([s.confidence for s in located], [s.iou >= RIGHT_IOU for s in located]),
        "answers": _compared([s.confidence for s in answered], [s.right for s in answered]),
    }


def _compared(confidences: Sequence[float | None], right: Sequence[bool]) -> dict[str, Any] | None:
    if not confidences:
        return None
    sure = np.clip(np.asarray(confidences, np.float64), 0.0, 1.0)  # rounding can lead above 1
    diagram = reliability(sure, right, BINS)
    curve = risk_coverage(sure, 1.0 - np.asarray(right, np.float64))
    shown = np.unique(np.linspace(0, len(curve.risk) - 1, CURVE_POINTS).round().astype(int))
    filled = np.flatnonzero(diagram.counts)
    return {
        "n": len(sure),
        "right": round(100.0 * float(np.mean(right)), 2),
        "ece": round(100.0 * diagram.expected_error, 2),
        "mce": round(100.0 * diagram.largest_error, 2),
        "aurc": round(100.0 * curve.area, 2),
        "e_aurc": round(100.0 * (curve.area - curve.least_area), 2),
        "bins": [
            {
                "from": round(float(diagram.edges[i]), 4),
                "to": round(float(diagram.edges[i + 1]), 4),
                "n": int(diagram.counts[i]),
                "confidence": round(float(diagram.confidence[i]), 4),
                "right": round(float(diagram.accuracy[i]), 4),
            }
            for i in filled
        ],
        "risk_coverage": {
            "coverage": [round(float(value), 4) for value in curve.coverage[shown]],
            "risk": [round(float(value), 4) for value in curve.risk[shown]],
        },
    }
