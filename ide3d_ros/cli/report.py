# SPDX-License-Identifier: Apache-2.0
"""What the demo found out: a table for people, report.json for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from ide3d_ros.cli.exchanges import Exchange
from ide3d_ros.cli.installed import installed_versions
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.iou import iou_matrix
from ide3d_ros.scene.status import Status
from ide3d_training.evaluate.figures import summary
from ide3d_training.evaluate.scoring import ExpressionScore, QuestionScore, Scores

_PACKAGES = ("ide3d_ros", "numpy", "onnxruntime", "opencv-python-headless", "mcap", "mujoco", "ros-rclpy")
_MARKS = {True: Text("yes", "green"), False: Text("no", "red"), None: Text("-")}


def exchange_table(exchanges: Sequence[Exchange]) -> Table:
    """Make the table of everything that was asked.

    Args:
        exchanges: in the order in which they were asked.
    """
    table = Table(title="Asked through ROS services, compared with the truth of the frame that was answered")
    table.add_column("#", justify="right")
    table.add_column("where")
    table.add_column("question", overflow="fold", ratio=4)
    table.add_column("expected", overflow="fold", ratio=3)
    table.add_column("got", overflow="fold", ratio=3)
    table.add_column("right?")
    table.add_column("ms", justify="right")
    for number, one in enumerate(exchanges, start=1):
        table.add_row(
            str(number),
            one.place,
            Text(question_text(one)),
            Text(one.truth.shown),
            Text(got_text(one)),
            _MARKS[one.right],
            f"{one.round_trip_ms:.0f}",
        )
    return table


def question_text(exchange: Exchange) -> str:
    """Say what was asked, in one line."""
    return exchange.prompt.text or "(describe)"


def got_text(exchange: Exchange) -> str:
    """Say what came back, in one line."""
    if exchange.status not in (Status.OK, Status.NO_TARGET):
        return f"{exchange.status.name}: {exchange.message}"
    if exchange.prompt.service != "locate":
        return exchange.text
    if not exchange.detections:
        return "nothing"
    ious = box_ious(exchange)
    return ", ".join(
        f"box at {np.linalg.norm(one.box.center):.1f} m"
        + (f" (IoU {iou:.2f})" if exchange.truth.boxes else "")
        for one, iou in zip(exchange.detections, ious, strict=True)
    )


def box_ious(exchange: Exchange) -> list[float]:
    """Return for each detection its largest IoU with a true box; 0 where there is none."""
    boxes = [one.box for one in exchange.detections]
    if not boxes or not exchange.truth.boxes:
        return [0.0] * len(boxes)
    return [float(value) for value in iou_matrix(boxes, list(exchange.truth.boxes)).max(axis=1)]


def figures(exchanges: Sequence[Exchange]) -> dict[str, Any]:
    """Sum up: the keys of `ide3d-evaluate`, in percent, and the time that replies took.

    Args:
        exchanges: everything that was asked.
    """
    scores = Scores(
        tuple(one.score for one in exchanges if isinstance(one.score, ExpressionScore)),
        tuple(one.score for one in exchanges if isinstance(one.score, QuestionScore)),
    )
    judged = [one for one in exchanges if one.right is not None]
    times = [one.round_trip_ms for one in exchanges]
    return {
        "asked": len(exchanges),
        "judged": len(judged),
        "right": sum(bool(one.right) for one in judged),
        "right_by_service": {
            service: [
                sum(bool(one.right) for one in judged if one.prompt.service == service),
                sum(one.prompt.service == service for one in judged),
            ]
            for service in ("locate", "ask", "describe")
        },
        "round_trip_ms_median": round(float(np.median(times)), 2) if times else None,
        "round_trip_ms_p95": round(float(np.percentile(times, 95)), 2) if times else None,
        "mode": "direct",
        **summary(scores),
    }


def summary_lines(found: Mapping[str, Any]) -> list[str]:
    """Say the main figures in a few lines.

    Args:
        found: what `figures` returned; with `left_out`, the number of prompts that were not asked.
    """
    lines = []
    for service, verb in (("locate", "located"), ("ask", "answered"), ("describe", "described")):
        right, judged = found["right_by_service"][service]
        if judged:
            lines.append(f"{verb} {right} of {judged} rightly")
    percents = [
        f"{name} {found[key]:.1f} %"
        for name, key in (
            ("Acc@0.25", "acc@0.25"),
            ("Acc@0.5", "acc@0.50"),
            ("F1@0.25", "f1@0.25"),
            ("F1@0.5", "f1@0.50"),
            ("EM", "em"),
        )
        if found[key] is not None
    ]
    said = [", ".join(lines), ", ".join(percents), f"median reply {found['round_trip_ms_median']:.0f} ms"]
    if found.get("left_out"):
        said.append(f"{found['left_out']} prompts could not be asked while a frame that suits them was shown")
    return said


def exchange_row(number: int, exchange: Exchange, picture: str) -> dict[str, Any]:
    """Write one exchange for report.json."""
    score = exchange.score
    return {
        "number": number,
        "service": exchange.prompt.service,
        "kind": score.kind if isinstance(score, ExpressionScore) else exchange.prompt.kind,
        "form": exchange.prompt.kind,
        "where": exchange.place,
        "question": exchange.prompt.text,
        "expected": exchange.truth.shown,
        "accepted": list(exchange.truth.answers),
        "got": got_text(exchange),
        "right": exchange.right,
        "status": exchange.status.name,
        "message": exchange.message,
        "text": exchange.text,
        "confidence": exchange.confidence if math.isfinite(exchange.confidence) else None,
        "iou": [round(value, 4) for value in box_ious(exchange)],
        "f1": {"0.25": score.f1[0], "0.50": score.f1[1]} if isinstance(score, ExpressionScore) else None,
        "boxes": [
            {**_box(one.box), "score": round(one.score, 4), "label": one.label} for one in exchange.detections
        ],
        "true_boxes": [_box(box) for box in exchange.truth.boxes],
        "stamp_ns": exchange.moment.stamp_ns,
        "round_trip_ms": exchange.round_trip_ms,
        "latency_ms": exchange.latency_ms,
        "picture": picture,
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter, where they are installed."""
    return installed_versions(_PACKAGES)


def _box(box: Box3D) -> dict[str, list[float]]:
    return {
        name: [round(float(value), 5) for value in getattr(box, name)]
        for name in ("center", "extents", "quaternion")
    }
