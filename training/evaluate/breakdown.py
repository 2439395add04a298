# SPDX-License-Identifier: Apache-2.0
"""The main figures along every dimension: kind, size, distance, visibility, distractors, type, question."""

from __future__ import annotations

from typing import Any

from .figures import groups_of, interval, measure_of, percent, row
from .scoring import Scores
from .traits import ORDER

KINDS = ("unique", "multi", "zero")


def breakdown(scores: Scores) -> dict[str, dict[str, dict[str, Any]]]:
    """Break the figures down.

    Args:
        scores: of all frames.

    Returns:
        Dimension -> value -> `figures.row`, the row of `question` with `em`; values that do not occur are
        left out. Size, distance, visibility, distractors and uniqueness (ScanRefer's unique and multiple) are
        over unique-target expressions; type (Multi3DRefer's) is F1 over all expressions.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {"kind": {}}
    for kind in KINDS:
        chosen = [s for s in scores.expressions if s.kind == kind]
        if chosen:
            found["kind"][kind] = row(chosen, measure_of(kind))
    for dimension, values in ORDER.items():
        found[dimension] = {}
        for value in values:
            chosen = [s for s in scores.expressions if s.traits.get(dimension) == value]
            if chosen:
                found[dimension][value] = row(chosen, "f1" if dimension == "type" else "acc")
    found["question"] = {}
    for kind in sorted({s.kind for s in scores.questions}):
        asked = [s for s in scores.questions if s.kind == kind]
        right = [s.right for s in asked]
        found["question"][kind] = {
            "n": len(asked),
            "em": percent(right),
            "interval": {"em": interval(right, groups_of(asked))},
        }
    return found
