# SPDX-License-Identifier: Apache-2.0
"""What the shared work of a Scene saves: first question against follow-up, one phrase against twenty.

    tools/run python bench/scene_latency.py --json latency.json

No ROS. All cases take turns in one run, and ratios are of their medians, so that they hold on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene import Scene
from ide3d_ros.scene.status import Status

WIDTH, HEIGHT = 640, 480
QUESTION, EXPRESSION = "how many chairs are there?", "the red chair"
COLORS = ("red", "green", "blue", "white", "black")
VOCABULARY = [f"the {color} {thing}" for thing in ("chair", "table", "mug", "sofa") for color in COLORS]


def main() -> None:
    """Measure, print a table, and write JSON if asked."""
    arguments = _arguments()
    scene = Scene.open(arguments.bundle, threads=arguments.threads or None)
    times = measure(scene, arguments.repetitions)
    medians = {name: round(float(np.median(values)), 3) for name, values in times.items()}
    ratios = {
        "follow_up_of_first_question": medians["follow-up question"] / medians["first question"],
        "follow_up_of_first_expression": medians["follow-up expression"] / medians["first expression"],
        "20_phrases_of_1": medians["vocabulary of 20 phrases"] / medians["vocabulary of 1 phrase"],
    }
    report = {
        "bundle": scene.bundle.name,
        "engine": f"{scene.engine.engine} ({scene.engine.runtime}, {scene.engine.device})",
        "image": [WIDTH, HEIGHT],
        "cpu_cores": os.cpu_count(),
        "threads": scene.engine.threads,
        "repetitions": arguments.repetitions,
        "median_ms": medians,
        "p90_ms": {name: round(float(np.percentile(values, 90)), 3) for name, values in times.items()},
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
    }
    _print(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def measure(scene: Scene, repetitions: int) -> dict[str, list[float]]:
    """Time every case.

    Args:
        scene: opened, with a window of one frame.
        repetitions: of the whole list of cases; one more comes first and is not counted.

    Returns:
        Milliseconds of each repetition, by case. "First" holds the frame's encoding and its keys and values.
    """
    camera = Camera.from_fov(WIDTH, HEIGHT, np.deg2rad(65.0))
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    image = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    stamps = iter(range(1, 1 << 30))

    def add() -> None:
        scene.add_frame(image, camera, stamp_ns=next(stamps), frame_id="camera")

    def first(ask: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            add()
            return ask()

        return run

    def ask() -> object:
        return scene.ask(QUESTION)

    def locate() -> object:
        return scene.locate(EXPRESSION)

    cases: dict[str, Callable[[], object]] = {
        "first question": first(ask),
        "follow-up question": ask,
        "first expression": first(locate),
        "follow-up expression": locate,
        "vocabulary of 1 phrase": lambda: scene.detect(VOCABULARY[:1]),
        "vocabulary of 20 phrases": lambda: scene.detect(VOCABULARY),
        "every known category": lambda: scene.detect(),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for repetition in range(repetitions + 1):
        for name, run in cases.items():
            begin = time.perf_counter()
            result = run()
            spent_ms = 1e3 * (time.perf_counter() - begin)
            if result.status not in (Status.OK, Status.NO_TARGET):
                raise SystemExit(f"{name}: {result.status.name}: {result.message}")
            if repetition:
                times[name].append(spent_ms)
    return times


def _print(report: dict) -> None:
    table = Table(title=f"bundle {report['bundle']}, {report['engine']}, {report['cpu_cores']} cores")
    for column in ("case", "median ms", "p90 ms"):
        table.add_column(column, justify="left" if column == "case" else "right")
    for name, median in report["median_ms"].items():
        table.add_row(name, f"{median:.1f}", f"{report['p90_ms'][name]:.1f}")
    console = Console()
    console.print(table)
    for name, ratio in report["ratios"].items():
        console.print(f"{name.replace('_', ' ')}: {ratio:.2f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="nano", help="name of an embedded bundle, or path of one")
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--threads", type=int, default=0, help="of the engine; 0 takes all cores")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
