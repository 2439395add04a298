# SPDX-License-Identifier: Apache-2.0
"""Replies of a perception node as a person reads them."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table
from rich.text import Text
from vision_msgs.msg import Detection3D

from ide3d_msgs.msg import Answer, Latency
from ide3d_msgs.msg import Status as StatusMessage
from ide3d_msgs.srv import Locate
from ide3d_ros.scene.status import Status

GOOD = (Status.OK, Status.NO_TARGET, Status.AMBIGUOUS)
"""Statuses of a reply that says something about the frames."""
MAX_BOXES = 50
_MAX_TEXT = 2000


def status_of(message: StatusMessage) -> Status | None:
    """Read a status; None for a number that this version does not know."""
    try:
        return Status(message.code)
    except ValueError:
        return None


def print_location(
    response: Locate.Response, expression: str, round_trip_ms: float, console: Console
) -> None:
    """Print where things are.

    Args:
        response: of the service locate.
        expression: what was looked for.
        round_trip_ms: from the call to the reply.
        console: where to.
    """
    found = response.detections.detections
    count = f"{len(found)} box{'' if len(found) == 1 else 'es'}"
    _say(console, f"{expression}: {count}, {_status_text(response.status)}")
    _print_boxes(found, console)
    _say(console, _latency_text(response.latency, round_trip_ms))


def print_answer(answer: Answer, round_trip_ms: float, console: Console, *, shown: str = "") -> None:
    """Print an answer and the boxes that it rests on.

    Args:
        answer: of ask, describe or answer_question.
        round_trip_ms: from the call to the reply.
        console: where to.
        shown: text that was printed while it came, in a line that is ended here. The text is printed once
            more where pieces of it are missing there: a node that has not heard of a client's reader yet
            sends the first ones to nobody.
    """
    if shown:
        console.print()
    if answer.text and shown.strip() != answer.text.strip():
        _say(console, answer.text.strip())
    sure = "" if math.isnan(answer.confidence) or not answer.text else f", confidence {answer.confidence:.2f}"
    _say(console, f"{_status_text(answer.status)}{sure}")
    _print_boxes(answer.evidence, console)
    _say(console, _latency_text(answer.latency, round_trip_ms))


def printable(text: str) -> str:
    """Cut a text of another node to what a terminal shows as it is: no control codes."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:_MAX_TEXT])


def _say(console: Console, text: str) -> None:
    console.print(Text(printable(text)))


def _status_text(status: StatusMessage) -> str:
    known = status_of(status)
    name = known.name if known is not None else f"unknown status {status.code}"
    return f"{name}: {status.message}" if status.message else name


def _latency_text(latency: Latency, round_trip_ms: float) -> str:
    stages = ("queue", "vision", "prefix", "prompt", "decode")
    spent = ", ".join(f"{stage} {getattr(latency, f'{stage}_ms'):.1f}" for stage in stages)
    return f"{round_trip_ms:.0f} ms there and back; in the node {latency.total_ms:.1f} ms ({spent})"


def _print_boxes(found: list[Detection3D], console: Console) -> None:
    if not found:
        return
    table = Table(pad_edge=False)
    for title in (
        "",
        "score",
        "what",
        "centre x, y, z (m)",
        "length, width, height (m)",
        "away (m)",
        "frame",
    ):
        table.add_column(title, overflow="fold")
    for number, one in enumerate(found[:MAX_BOXES], start=1):
        center, size = one.bbox.center.position, one.bbox.size
        best = max((result.hypothesis for result in one.results), key=lambda each: each.score, default=None)
        away = math.hypot(center.x, center.y, center.z)
        stamp = one.header.stamp
        cells = (
            str(number),
            f"{best.score:.2f}" if best is not None else "",
            best.class_id if best is not None else "",
            f"{center.x:.2f}, {center.y:.2f}, {center.z:.2f}",
            f"{size.x:.2f}, {size.y:.2f}, {size.z:.2f}",
            f"{away:.2f}",
            f"{one.header.frame_id} at {stamp.sec}.{stamp.nanosec // 1_000_000:03d}",
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)
    if len(found) > MAX_BOXES:
        _say(console, f"and {len(found) - MAX_BOXES} more")
