# SPDX-License-Identifier: Apache-2.0
"""Scan2Cap's m@0.5IoU: every visible object's best detection, with what the bundle says of it.

No bundle writes sentences about single objects so far. The nearest that it states is a detection's colour and
name, and that is taken as its caption.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ide3d_training.metrics.captions import NotComputed
from ide3d_training.metrics.scan2cap import MIN_IOU, ObjectCaption, best_proposal, scan2cap_scores

from .scoring import DetectionScore

SOURCE = "colour and name of the detection"
NO_REFERENCES = "not computed: no object of these frames has a caption to compare with"


def caption_figures(scores: Sequence[DetectionScore]) -> dict[str, Any]:
    """Sum captions up.

    Args:
        scores: of all frames in which something was to be detected.

    Returns:
        JSON-ready: `objects` (visible ones with captions, once in each frame), `described` (of them, found
        with IoU >= 0.5), `cider`, `bleu4`, `rouge_l` and `meteor` at 0.5 IoU, each times 100, over all
        objects and without the benchmark's sos and eos; `wrapped`, the same with them; a measure that cannot
        be computed is a sentence that says why. Without any caption only `reason`.
    """
    described = []
    for score in scores:
        boxes = [one.box for one in score.found]
        for item in score.objects:
            if not (item.visible and item.captions):
                continue
            best = best_proposal(boxes, item.box)
            caption, iou = ("", 0.0) if best is None else (score.found[best[0]].caption, best[1])
            described.append(ObjectCaption(str(score.group), item.id, caption, iou, item.captions))
    if not described:
        return {"reason": NO_REFERENCES}
    figures = scan2cap_scores(described)
    return {
        "source": SOURCE,
        "min_iou": MIN_IOU,
        "objects": len(described),
        "described": figures.described,
        **_rounded(figures.plain.reported()),
        "wrapped": _rounded(figures.wrapped.reported()),
    }


def _rounded(figures: dict[str, float | NotComputed]) -> dict[str, float | str]:
    return {
        name: value.reason if isinstance(value, NotComputed) else round(value, 2)
        for name, value in figures.items()
    }
