# SPDX-License-Identifier: Apache-2.0
"""Sum an agreement up: shares, the worst cases, and whether the bar is met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Table

from .comparison import TOLERANCE_M, TOLERANCE_SHARE, BoxAgreement, FrameAgreement

BAR = 0.99
"""Least share of boxes within the tolerance, and of equal answers, that a conversion may have."""
WORST = 10


def agreement_figures(agreement: FrameAgreement) -> dict[str, Any]:
    """Sum up.

    Returns:
        JSON-ready. `boxes` holds all boxes of `expressions` and `sweeps`; `within` counts a box that only one
        bundle found as outside. `holds` says whether `boxes.within` and `answers.equal` reach `bar`; a share
        is None where nothing was compared, and then holds.
    """
    located = agreement.expressions + agreement.sweeps
    answers = agreement.answers
    boxes, equal = _boxes(located), _share([one.agrees for one in answers])
    return {
        "tolerance": {"metres": TOLERANCE_M, "share_of_distance": TOLERANCE_SHARE},
        "bar": BAR,
        "holds": all(share is None or share >= BAR for share in (boxes["within"], equal)),
        "boxes": boxes,
        "expressions": _requests(agreement.expressions),
        "sweeps": _requests(agreement.sweeps),
        "answers": {"compared": len(answers), "equal": equal},
        "worst": {
            "boxes": _worst_pairs(located),
            "found_by_one": [
                {"frame": one.group, "text": one.text, "lost": one.lost, "added": one.added}
                for one in located
                if one.lost or one.added
            ],
            "answers": [
                {
                    "frame": one.group,
                    "text": one.text,
                    "reference": one.reference,
                    "bundle": one.other,
                    "confidence": round(one.confidence, 3),
                }
                for one in sorted(answers, key=lambda one: -one.confidence)
                if not one.agrees
            ],
        },
    }


def agreement_table(figures: dict[str, Any]) -> Table:
    """Lay the shares out for a terminal."""
    boxes, answers = figures["boxes"], figures["answers"]
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("boxes, of either bundle", str(boxes["compared"]))
    table.add_row("  within 1 cm or 1 % of the distance", _percent(boxes["within"]))
    table.add_row("  found by the reference alone, by the bundle alone", f"{boxes['lost']}, {boxes['added']}")
    for name, value in boxes["corner_mm"].items():
        table.add_row(f"  corners apart, {name}", f"{value:.2f} mm")
    for kind in ("expressions", "sweeps"):
        table.add_row(f"{kind} with the same boxes", _of(figures[kind]["agree"], figures[kind]["compared"]))
    table.add_row("answers equal", _of(answers["equal"], answers["compared"]))
    table.add_row(f"boxes and answers reach {_percent(figures['bar'])}", "yes" if figures["holds"] else "no")
    return table


def worst_table(figures: dict[str, Any]) -> Table:
    """List the worst cases: boxes furthest apart, boxes of one bundle, and the surest answers that differ."""
    table = Table(title="worst cases", title_justify="left")
    for column in ("frame", "text", "difference"):
        table.add_column(column)
    worst = figures["worst"]
    for one in worst["boxes"]:
        apart = f"{one['corner_mm']:.1f} mm apart, {one['distance_m']:.1f} m away"
        table.add_row(str(one["frame"]), one["text"], apart)
    for one in worst["found_by_one"][:WORST]:
        table.add_row(str(one["frame"]), one["text"], f"boxes lost {one['lost']}, added {one['added']}")
    for one in worst["answers"][:WORST]:
        change = f"{one['reference']} -> {one['bundle']} (confidence was {one['confidence']:.2f})"
        table.add_row(str(one["frame"]), one["text"], change)
    return table


def _boxes(requests: Sequence[BoxAgreement]) -> dict[str, Any]:
    pairs = [pair for one in requests for pair in one.pairs]
    lost, added = sum(one.lost for one in requests), sum(one.added for one in requests)
    corner_mm = [1e3 * pair.corner_m for pair in pairs]
    return {
        "compared": len(pairs) + lost + added,
        "within": _share([pair.within for pair in pairs] + [False] * (lost + added)),
        "lost": lost,
        "added": added,
        "corner_mm": {
            name: round(float(np.percentile(corner_mm, rank)), 3)
            for name, rank in (("median", 50), ("p99", 99), ("max", 100))
            if corner_mm
        },
    }


def _requests(requests: Sequence[BoxAgreement]) -> dict[str, Any]:
    return {"compared": len(requests), "agree": _share([one.agrees for one in requests])}


def _worst_pairs(requests: Sequence[BoxAgreement]) -> list[dict[str, Any]]:
    outside = [(pair, one) for one in requests for pair in one.pairs if not pair.within]
    return [
        {
            "frame": one.group,
            "text": one.text,
            "corner_mm": round(1e3 * pair.corner_m, 2),
            "center_mm": round(1e3 * pair.center_m, 2),
            "distance_m": round(pair.distance_m, 3),
        }
        for pair, one in sorted(outside, key=lambda item: -item[0].corner_m)[:WORST]
    ]


def _share(flags: Sequence[bool]) -> float | None:
    return round(sum(flags) / len(flags), 5) if flags else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _of(share: float | None, count: int) -> str:
    return f"{_percent(share)} of {count}"
