# SPDX-License-Identifier: Apache-2.0
"""Sum up what was measured of a perception node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ide3d_ros.cli.bench.figures import growth, ratio, summaries, summary
from ide3d_ros.cli.bench.live import LiveTimes
from ide3d_ros.cli.bench.measured_node import FrameRow

# Annotations are kept as text.
_STAGES = tuple(field.name for field in fields(FrameRow) if field.type == "float")
_SUMS = ("engine", "overhead", "age")


def node_figures(found: LiveTimes) -> dict[str, Any]:
    """Sum up a run of one camera, by the keys of the report.

    `node_overhead_ratio` is what the node adds to the engine's time from a camera message to the published
    boxes, as a share of the engine's time, while nothing waits. `age_ratio` is the age of the boxes at the
    camera's own rate over the engine's time for a frame, both at p95.
    """
    paced = {name: [getattr(row, name) for row in found.paced] for name in (*_STAGES, *_SUMS)}
    sustained = sustained_figures(found)
    return {
        "node_overhead_ratio": ratio(paced["overhead"], paced["engine"]),
        "age_ratio": sustained["age_ratio"],
        "node": {
            "stages_ms": summaries({name: paced[name] for name in _STAGES}),
            **{f"{name}_ms": summary(paced[name]) for name in _SUMS},
            "round_trip_ms": summary(found.round_trip_ms),
            "sustained": sustained,
        },
    }


def sustained_figures(found: LiveTimes) -> dict[str, Any]:
    """Sum up frames that came at the cameras' own rate."""
    rows = found.sustained
    age, engine = ([getattr(row, name) for row in rows] for name in ("age", "engine"))
    figures = {f"{name}_ms": summary([getattr(row, name) for row in rows]) for name in ("wait", *_SUMS)}
    rates = {
        camera or "camera": _rate_hz([row for row in rows if row.camera == camera])
        for camera in sorted({row.camera for row in rows})
    }
    return {
        "frames_shown": found.shown,
        "frames_detected": len(rows),
        "detections_hz": rates,
        **figures,
        "age_ratio": _p95_ratio(figures["age_ms"], figures["engine_ms"]),
        # 1 when no queue grows: with a queue every frame is older than the one before.
        "age_growth": growth(age),
        "engine_growth": growth(engine),
    }


def _p95_ratio(part: dict[str, float | int], whole: dict[str, float | int]) -> float | None:
    return round(part["p95"] / whole["p95"], 4) if part["count"] and whole["count"] else None


def _rate_hz(rows: Sequence[FrameRow]) -> float | None:
    if len(rows) < 2:
        return None
    return round(1e9 * (len(rows) - 1) / (rows[-1].stamp_ns - rows[0].stamp_ns), 2)
