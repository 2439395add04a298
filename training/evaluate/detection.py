# SPDX-License-Identifier: Apache-2.0
"""AP3D of what `scene.detect` finds, over the objects of which enough can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ide3d_ros.geometry.iou import iou_matrix
from ide3d_training.metrics.average_precision import AP_THRESHOLDS, ap3d
from ide3d_training.metrics.detection import Detections, TrueObjects

from .posed import Found, PosedObject
from .scoring import DetectionScore

ANY_CLASS = "object"


def detection_figures(scores: Sequence[DetectionScore]) -> dict[str, Any]:
    """Sum detections up.

    Objects of which only a little can be seen are neither missed nor wrongly found: a detection that overlaps
    one of them more than any visible object is left out.

    Args:
        scores: of all frames in which something was to be detected.

    Returns:
        JSON-ready: `frames`, `objects`, `detections`, `ap3d@k` (mean over the categories that occur,
        percent), `ap3d_any@k` (all categories as one), `by_category` at each threshold. Figures are None where there is
        nothing to detect.
    """
    found = [_counted(score) for score in scores]
    true = [[item for item in score.objects if item.visible] for score in scores]
    figures: dict[str, Any] = {
        "frames": len(scores),
        "objects": sum(map(len, true)),
        "detections": sum(map(len, found)),
    }
    if not figures["objects"]:
        return {
            **figures,
            **{f"{name}@{k:.2f}": None for name in ("ap3d", "ap3d_any") for k in AP_THRESHOLDS},
            "by_category": {},
        }
    named = ap3d(*_scenes(found, true, None))
    nameless = ap3d(*_scenes(found, true, ANY_CLASS))
    for threshold in AP_THRESHOLDS:
        figures[f"ap3d@{threshold:.2f}"] = _percent(named[threshold].mean)
        figures[f"ap3d_any@{threshold:.2f}"] = _percent(nameless[threshold].mean)
    categories = sorted({item.category for items in true for item in items})
    figures["by_category"] = {
        category: {
            "n": sum(item.category == category for items in true for item in items),
            **{f"ap3d@{k:.2f}": _percent(named[k].by_class[category]) for k in AP_THRESHOLDS},
        }
        for category in categories
    }
    return figures


def _counted(score: DetectionScore) -> list[Found]:
    """Leave out what lies on an object of which only a little can be seen."""
    boxes = [one.box for one in score.found]
    overlaps = iou_matrix(boxes, [item.box for item in score.objects])
    visible = [item.visible for item in score.objects]
    kept = []
    for one, row in zip(score.found, overlaps, strict=True):
        on_visible = max((iou for iou, seen in zip(row, visible, strict=True) if seen), default=0.0)
        on_hidden = max((iou for iou, seen in zip(row, visible, strict=True) if not seen), default=0.0)
        if on_hidden <= on_visible or on_hidden < min(AP_THRESHOLDS):
            kept.append(one)
    return kept


def _scenes(
    found: Sequence[Sequence[Found]], true: Sequence[Sequence[PosedObject]], class_name: str | None
) -> tuple[list[Detections], list[TrueObjects]]:
    """Bring frames into the measure's form; a class name stands for all categories."""
    detections = [
        Detections(
            [one.box for one in frame],
            [class_name or one.label for one in frame],
            [one.score for one in frame],
        )
        for frame in found
    ]
    truths = [
        TrueObjects([item.box for item in frame], [class_name or item.category for item in frame])
        for frame in true
    ]
    return detections, truths


def _percent(share: float) -> float:
    return round(100.0 * share, 2)
