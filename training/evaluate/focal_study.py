# SPDX-License-Identifier: Apache-2.0
"""The focal-length study: does a network's depth follow the lens, and is the virtual camera the reason?

The same rooms are drawn through longer and shorter lenses, the network is told the true intrinsics, and what
it says of depth is held against the truth. A network that reads depth off apparent size alone is wrong by
1 / factor; one whose depths are those of a virtual camera (z = z_v f / f_v, LLMI3D arXiv 2408.07422, Cube
R-CNN arXiv 2207.10660) stays at 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ide3d_training.metrics.diagnostics import placement_error
from ide3d_training.metrics.localisation import first_box_iou

from .figures import interval, percent
from .perturbations import FOCAL_FACTORS, SUITE
from .posed import PosedFrame, Responder

FACTORS = tuple(sorted((*FOCAL_FACTORS, 1.0)))
THRESHOLD = 0.25


@dataclass(frozen=True)
class FocalCase:
    """Hold how one unique expression went through one lens.

    Attributes:
        group: the room.
        iou: of the first box; 0 where none came back.
        depth_ratio: stated over true depth of the box's centre, where the box is seen within 16 pixels of the
            target; None elsewhere, since another thing's depth says nothing about the lens.
    """

    group: int
    iou: float
    depth_ratio: float | None


class FocalStudy:
    """Put the same frames through every lens to several networks.

    Args:
        responders: what is compared, by name.
    """

    def __init__(self, responders: Mapping[str, Responder]):
        self._responders = dict(responders)
        self._cases: dict[str, dict[float, list[FocalCase]]] = {
            name: defaultdict(list) for name in self._responders
        }

    def add(self, frame: PosedFrame) -> None:
        """Ask the unique expressions of one frame through every lens.

        Args:
            frame: one that can be redrawn.
        """
        for factor in FACTORS:
            seen = _asked(through_lens(frame, factor))
            if not seen.expressions:
                continue
            for name, responder in self._responders.items():
                self._cases[name][factor] += _judged(seen, responder)

    def report(self) -> dict[str, dict[str, Any]]:
        """Sum up.

        Returns:
            JSON-ready, by name: `slope`, of the log depth ratio over the log factor (0: depth follows the
            lens, -1: not at all; None with fewer than two lenses), and under `lenses`, by factor: `n`, `acc`
            (Acc@0.25 in percent) with its 95 % `interval`, `placed` (boxes whose depth is judged), and the
            median `depth_ratio` with its `quartiles`; None where nothing is placed.
        """
        return {
            name: {
                "slope": _slope(cases),
                "lenses": {f"{factor:g}": _summed(cases[factor]) for factor in FACTORS if cases[factor]},
            }
            for name, cases in self._cases.items()
        }


def through_lens(frame: PosedFrame, factor: float) -> PosedFrame:
    """Draw a frame with its focal length times a factor, true intrinsics told; 1 is the frame itself."""
    if factor == 1:
        return frame
    by_name = {one.name: one for one in SUITE}
    return by_name[f"focal x{factor:g}"].apply(frame).frame


def _asked(frame: PosedFrame) -> PosedFrame:
    """Keep the expressions with one target: what else can be asked says nothing about depth."""
    unique = tuple(e for e in frame.expressions if e.kind == "unique")
    return replace(frame, expressions=unique, questions=(), objects=(), redraw=None)


def _judged(frame: PosedFrame, responder: Responder) -> list[FocalCase]:
    cases = []
    for asked, boxes in zip(frame.expressions, responder.respond(frame).boxes, strict=True):
        truth, boxes = asked.truths[0], boxes or ()
        ratio = None
        if boxes and placement_error(boxes[0], truth, frame.camera).right_pixel:
            ratio = float(boxes[0].center[2] / truth.center[2])
        cases.append(FocalCase(frame.group, first_box_iou(boxes, truth), ratio))
    return cases


def _summed(cases: list[FocalCase]) -> dict[str, Any]:
    right = [case.iou >= THRESHOLD for case in cases]
    ratios = np.array([case.depth_ratio for case in cases if case.depth_ratio is not None])
    return {
        "n": len(cases),
        "acc": percent(right),
        "interval": interval(right, [case.group for case in cases]),
        "placed": len(ratios),
        "depth_ratio": float(np.median(ratios)) if len(ratios) else None,
        "quartiles": np.quantile(ratios, (0.25, 0.75)).tolist() if len(ratios) else None,
    }


def _slope(cases: Mapping[float, list[FocalCase]]) -> float | None:
    """Fit log ratio = a + slope * log factor to the lenses' median ratios."""
    medians = {
        factor: np.median(ratios)
        for factor, some in cases.items()
        if (ratios := [case.depth_ratio for case in some if case.depth_ratio is not None])
    }
    if len(medians) < 2:
        return None
    return float(np.polyfit(np.log(list(medians)), np.log(list(medians.values())), 1)[0])
