# SPDX-License-Identifier: Apache-2.0
"""Whether a perception node stays as it is: memory, threads and open files over many frames and questions.

    tools/run python bench/soak.py --frames 20000 --questions 500 --json soak.json

The camera is faster than the engine, which so never rests, and the questions are spread over the frames. The
exit status is 1 when the memory after the warm-up has grown by more than 5 %, or a thread or an open file was
left behind.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from perception_process import CameraAndClient, Holdings, PerceptionProcess
from rich.console import Console
from rich.table import Table
from vision_msgs.msg import Detection3DArray

from ide3d_msgs.msg import Status
from ide3d_msgs.srv import Ask

WARM_UP = 0.25
GROWTH = 0.05
SAMPLES = 60
QUESTIONS = ("how many chairs are there?", "is there a table?", "what color is the chair?", "what is there?")


def main() -> None:
    """Run, print what was held, write JSON if asked, and exit with the verdict."""
    arguments = _arguments()
    parameters = (
        f"model.bundle:={arguments.bundle}",
        "detection.rate_hz:=120.0",
        "query.timeout_s:=60.0",
        "query.max_frame_age_s:=600.0",
    )
    with PerceptionProcess(arguments.domain, *parameters) as process:
        graph = CameraAndClient(arguments.domain, arguments.width, arguments.height)
        report = soak(process, graph, arguments.frames, arguments.questions, arguments.rate_hz)
        graph.close()
        report["exit_status"] = process.stop()
    report["faults"] = faults(report)
    _print(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    sys.exit(1 if report["faults"] else 0)


def soak(
    process: PerceptionProcess, graph: CameraAndClient, frames: int, questions: int, rate_hz: float
) -> dict:
    """Show frames and ask questions, and look at the process all the while.

    Args:
        process: a node that starts.
        graph: its camera and client.
        frames: to show.
        questions: to ask, spread over the frames.
        rate_hz: of the camera; 0 is as many frames as can be published.

    Returns:
        What was done, and what the process held at equal distances.
    """
    client = graph.node.create_client(Ask, "perception/ask")
    detections = [0]

    def count(_: Detection3DArray) -> None:
        detections[0] += 1

    graph.node.create_subscription(Detection3DArray, "detections", count, 10)
    graph.wait(lambda: client.service_is_ready() and graph.is_heard(), "perception node")
    graph.wait(lambda: graph.show() or detections[0], "detections")
    graph.shown = 0
    held: list[Holdings] = []
    answered: dict[str, int] = {}
    asked, pending = 0, None
    begin = time.perf_counter()
    next_s = begin
    while graph.shown < frames or (pending is not None and not pending.done()):
        if graph.shown < frames and time.perf_counter() >= next_s:
            graph.show()
            next_s = max(next_s + (1 / rate_hz if rate_hz else 0.0), time.perf_counter() - 0.1)
        graph.spin(0.0)
        if pending is not None and pending.done():
            name = _name(pending.result().answer.status.code)
            answered[name] = answered.get(name, 0) + 1
            pending = None
        if pending is None and asked < questions and asked * frames <= graph.shown * questions:
            pending = client.call_async(Ask.Request(question=QUESTIONS[asked % len(QUESTIONS)]))
            asked += 1
        if graph.shown >= len(held) * frames / SAMPLES:
            held.append(process.holdings())
            if not process.alive:
                raise SystemExit("the node ended")
        if time.perf_counter() - begin > 3600:
            raise SystemExit("the questions are not answered")
    return {
        "frames": graph.shown,
        "questions": asked,
        "answers": answered,
        "detections": detections[0],
        "seconds": round(time.perf_counter() - begin, 1),
        "held": [asdict(one) for one in held],
    }


def faults(report: dict) -> list[str]:
    """Say what is wrong with a run; nothing when it held what it held after the warm-up."""
    held = report["held"][round(WARM_UP * len(report["held"])) :]
    part = max(1, len(held) // 5)
    early = float(np.median([one["memory_mb"] for one in held[:part]]))
    late = float(np.median([one["memory_mb"] for one in held[-part:]]))
    report["memory_mb"] = {"after_warm_up": round(early, 1), "at_the_end": round(late, 1)}
    found = []
    if late > early * (1 + GROWTH):
        found.append(f"memory grew from {early:.0f} to {late:.0f} MiB")
    for what in ("threads", "files"):
        before, after = (max(one[what] for one in part_of) for part_of in (held[:part], held[-part:]))
        if after > before:
            found.append(f"{what} grew from {before} to {after}")
    if set(report["answers"]) - {"OK", "NO_TARGET"}:
        found.append(f"not every question was answered: {report['answers']}")
    if report["exit_status"] != 0:
        found.append(f"the node ended with {report['exit_status']}")
    return found


def _name(code: int) -> str:
    known = {value: name for name, value in Status.__dict__.items() if name.isupper() and value == code}
    return known.get(code, str(code))


def _print(report: dict) -> None:
    table = Table(
        title=f"{report['frames']} frames and {report['questions']} questions in {report['seconds']:g} s, "
        f"{report['detections']} detections, answers {report['answers']}"
    )
    for column in ("at", "memory MiB", "threads", "open files"):
        table.add_column(column, justify="right")
    held = report["held"]
    for i in sorted({round(share * (len(held) - 1) / 10) for share in range(11)}):
        one = held[i]
        share = f"{100 * i / max(1, len(held) - 1):.0f} %"
        table.add_row(share, f"{one['memory_mb']:.1f}", str(one["threads"]), str(one["files"]))
    console = Console()
    console.print(table)
    console.print("; ".join(report["faults"]) or "flat", style="red" if report["faults"] else "green")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="nano", help="name of an embedded bundle, or path of one")
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--rate-hz", type=float, default=100.0, help="of the camera; 0 is as fast as it can")
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--height", type=int, default=240)
    parser.add_argument("--domain", type=int, default=92, help="ROS domain of the run")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
