# SPDX-License-Identifier: Apache-2.0
"""AP3D of what `scene.detect` finds, over the objects of which enough can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ide3d_ros.geometry.iou import iou_matrix
from ide3d_training.metrics.average_precision import (
    AP_THRESHOLDS,
    ap3d,
    interpolated_area,
    precision_recall,
)
from ide3d_training.metrics.detection import LabelledBoxes, ScoredBoxes, class_ious
from ide3d_training.metrics.intervals import LEVEL

from .posed import Found, PosedObject
from .scoring import DetectionScore

ANY_CLASS = "object"
RESAMPLES = 500
INTERVAL_SEED = 0


def detection_figures(scores: Sequence[DetectionScore]) -> dict[str, Any]:
    """Sum detections up.

    Objects of which only a little can be seen are neither missed nor wrongly found: a detection that overlaps
    one of them more than any visible object is left out.

    Args:
        scores: of all frames in which something was to be detected.

    Returns:
        JSON-ready: `frames`, `objects`, `detections`, `ap3d@k` (mean over the categories that occur, percent)
        and `ap3d_any@k` (all categories as one) with their `interval`s, and `by_category` at each threshold.
        Figures are None where there is nothing to detect.
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
            "interval": {},
        }
    scenes, nameless_scenes = _scenes(found, true, None), _scenes(found, true, ANY_CLASS)
    named, nameless = ap3d(*scenes), ap3d(*nameless_scenes)
    figures["interval"] = {}
    for threshold in AP_THRESHOLDS:
        figures[f"ap3d@{threshold:.2f}"] = _percent(named[threshold].mean)
        figures[f"ap3d_any@{threshold:.2f}"] = _percent(nameless[threshold].mean)
        figures["interval"][f"ap3d@{threshold:.2f}"] = ap_interval(*scenes, threshold)
        figures["interval"][f"ap3d_any@{threshold:.2f}"] = ap_interval(*nameless_scenes, threshold)
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
) -> tuple[list[ScoredBoxes], list[LabelledBoxes]]:
    """Bring frames into the measure's form; a class name stands for all categories."""
    detections = [
        ScoredBoxes(
            [one.box for one in frame],
            [class_name or one.label for one in frame],
            [one.score for one in frame],
        )
        for frame in found
    ]
    truths = [
        LabelledBoxes([item.box for item in frame], [class_name or item.category for item in frame])
        for frame in true
    ]
    return detections, truths


def ap_interval(
    detections: Sequence[ScoredBoxes], truths: Sequence[LabelledBoxes], threshold: float
) -> list[float]:
    """Return the 95 % bootstrap interval of mean AP3D in percent, frames resampled as wholes.

    Whether a detection is right depends on its own frame alone, so frames are matched once and only the order
    of all detections is made anew for each resample.

    Args:
        detections, truths: as `ap3d` takes them.
        threshold: IoU from which a detection counts.
    """
    names = sorted({name for true in truths for name in true.classes})
    matched = [_matched(detections, truths, name, threshold) for name in names]
    rng = np.random.default_rng(INTERVAL_SEED)
    means = []
    for _ in range(RESAMPLES):
        times = np.bincount(rng.integers(len(truths), size=len(truths)), minlength=len(truths))
        areas = []
        for frame, hit, expected in matched:
            if times @ expected:
                again = np.repeat(hit, times[frame])
                areas.append(interpolated_area(*precision_recall(again, int(times @ expected))))
        if areas:
            means.append(np.mean(areas))
    low, high = np.quantile(means, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return [_percent(float(low)), _percent(float(high))]


def _matched(
    detections: Sequence[ScoredBoxes], truths: Sequence[LabelledBoxes], name: str, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match one class's detections as `ap3d` does.

    Returns:
        Of each detection, surest first, (P,) its frame and (P,) whether it is right; and (F,) the number of
        objects in each frame.
    """
    frames: list[int] = []
    scores: list[float] = []
    hits: list[bool] = []
    expected = []
    for place, (found, true) in enumerate(zip(detections, truths, strict=True)):
        indices, ious = class_ious(found, true, name)
        expected.append(ious.shape[1])
        untaken = np.ones(ious.shape[1], bool)
        order = np.argsort([-found.scores[i] for i in indices], kind="stable")
        for rank in order:
            overlaps = np.where(untaken, ious[rank], -1.0)
            best = int(overlaps.argmax()) if len(overlaps) else 0
            right = bool(len(overlaps)) and overlaps[best] >= threshold
            if right:
                untaken[best] = False
            frames.append(place)
            scores.append(found.scores[indices[rank]])
            hits.append(right)
    surest = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    return np.asarray(frames, int)[surest], np.asarray(hits, bool)[surest], np.asarray(expected, int)


def _percent(share: float) -> float:
    return round(100.0 * share, 2)
