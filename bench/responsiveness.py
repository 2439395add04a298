# SPDX-License-Identifier: Apache-2.0
"""How fast a busy perception node takes a goal and honours a cancel, and whether its camera is starved.

    tools/run python bench/responsiveness.py --vision-ms 500 --step-ms 20 --json responsiveness.json

The engine is given a frame the moment it is free, and takes as long for it as `--vision-ms` says. Every goal
is canceled: by turns as soon as it is accepted, most often behind a frame, and after its first token.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from perception_process import CameraAndClient, PerceptionProcess
from rclpy.action import ActionClient
from rich.console import Console
from rich.table import Table

from ide3d_msgs.action import AnswerQuestion
from ide3d_msgs.msg import Status

CAMERA_HZ = 30.0


def main() -> None:
    """Measure, print a table, and write JSON if asked."""
    arguments = _arguments()
    os.environ["IDE3D_BENCH_VISION_MS"] = str(arguments.vision_ms)
    os.environ["IDE3D_BENCH_STEP_MS"] = str(arguments.step_ms)
    parameters = (
        f"model.bundle:={arguments.bundle}",
        "detection.rate_hz:=120.0",
        "diagnostics.period_s:=0.5",
    )
    with PerceptionProcess(arguments.domain, *parameters, main="busy_perception"):
        graph = CameraAndClient(arguments.domain, 640, 480)
        times, received_share = measure(graph, arguments.repetitions)
        stall_ms = 1e3 * graph.longest_stall_s
        graph.close()
    report = {
        "vision_ms": arguments.vision_ms,
        "step_ms": arguments.step_ms,
        "cpu_cores": os.cpu_count(),
        "repetitions": arguments.repetitions,
        "ms": {name: _summary(values) for name, values in times.items()},
        "frames_received_share": round(received_share, 3),
        "longest_stall_of_this_process_ms": round(stall_ms, 1),
    }
    table = Table(
        title=f"a frame takes {arguments.vision_ms:g} ms and more, a token {arguments.step_ms:g} ms"
    )
    for column in ("what", "p50 ms", "p95 ms", "max ms"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, summary in report["ms"].items():
        table.add_row(name, *(f"{summary[key]:.1f}" for key in ("p50", "p95", "max")))
    console = Console()
    console.print(table)
    console.print(f"camera frames that reached the node: {100 * received_share:.0f} % of those shown")
    console.print(
        f"this process itself was held up for {stall_ms:.0f} ms at worst, by the rest of the machine"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def measure(graph: CameraAndClient, repetitions: int) -> tuple[dict[str, list[float]], float]:
    """Send goals and cancel them.

    Args:
        graph: the camera and client of a node that starts.
        repetitions: goals.

    Returns:
        Milliseconds from sending to acceptance and from cancel to result, and the share of the camera's
        frames that the node received meanwhile.
    """
    diagnostics: list[DiagnosticArray] = []
    graph.node.create_subscription(DiagnosticArray, "/diagnostics", diagnostics.append, 10)
    action = ActionClient(graph.node, AnswerQuestion, "perception/answer_question")
    graph.wait(lambda: action.server_is_ready() and graph.is_heard(), "perception node")
    graph.node.create_timer(1 / CAMERA_HZ, graph.show)
    graph.wait(lambda: _counted(diagnostics, "frames_detected") > 0, "detections")
    graph.longest_stall_s = 0.0
    shown, received = graph.shown, _counted(diagnostics, "frames_received")
    times: dict[str, list[float]] = {
        "goal accepted": [],
        "canceled behind a frame": [],
        "canceled amid text": [],
    }
    for repetition in range(repetitions):
        deltas: list[object] = []
        sent = action.send_goal_async(AnswerQuestion.Goal(question="what is there?"), deltas.append)
        times["goal accepted"].append(1e3 * graph.wait(sent.done, "acceptance"))
        handle = sent.result()
        result = handle.get_result_async()
        amid_text = repetition % 2 == 1
        if amid_text:
            graph.wait(lambda deltas=deltas, result=result: deltas or result.done(), "text")
        begin = time.perf_counter()
        handle.cancel_goal_async()
        graph.wait(result.done, "result")
        spent_ms = 1e3 * (time.perf_counter() - begin)
        if result.result().result.answer.status.code == Status.CANCELED:
            times["canceled amid text" if amid_text else "canceled behind a frame"].append(spent_ms)
        pause_end = time.perf_counter() + 0.05 * (
            1 + repetition % 7
        )  # at another moment of the frame each time
        graph.wait(lambda end=pause_end: time.perf_counter() >= end, "pause")
    count = len(diagnostics)
    graph.wait(lambda: len(diagnostics) > count + 1, "diagnostics")
    share = (_counted(diagnostics, "frames_received") - received) / (graph.shown - shown)
    return times, share


def _counted(diagnostics: list[DiagnosticArray], key: str) -> int:
    pairs = diagnostics[-1].status[0].values if diagnostics else []
    return int(next((pair.value for pair in pairs if pair.key == key), 0))


def _summary(values: list[float]) -> dict[str, float]:
    known = np.array(values or [np.nan])
    figures = {"p50": np.percentile(known, 50), "p95": np.percentile(known, 95), "max": known.max()}
    return {**{name: round(float(value), 2) for name, value in figures.items()}, "count": len(values)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="nano", help="name of an embedded bundle, or path of one")
    parser.add_argument("--vision-ms", type=float, default=500.0, help="least time of a frame")
    parser.add_argument("--step-ms", type=float, default=20.0, help="least time of a token")
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--domain", type=int, default=91, help="ROS domain of the run")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
