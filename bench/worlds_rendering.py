# SPDX-License-Identifier: Apache-2.0
"""How fast data sets are drawn: RGB, depth, ids and labels of full rooms, by one process and by several.

    tools/run python bench/worlds_rendering.py --json rendering.json

Every process draws whole frames from seeds, as `ide3d-worlds render` does without the writing. The counts of
processes take turns, so that a busy machine slows all of them; the best repetition is nearest to an idle one.
The CPU time of a frame, over all threads of its process, suffers less from what else runs: N idle cores draw
about N frames in it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from ide3d_training.worlds.capture import capture_room
from ide3d_training.worlds.motion import MOTIONS
from ide3d_training.worlds.renderer import RoomRenderer
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.sensor import SENSORS

_WARM_UP = 2  # frames


def main() -> None:
    """Measure, print a table, and write JSON if asked."""
    arguments = _arguments()
    speeds: dict[int, list[float]] = {count: [] for count in arguments.processes}
    cpu_ms: dict[int, list[float]] = {count: [] for count in arguments.processes}
    for _ in range(arguments.repetitions):
        for count in arguments.processes:
            frames, seconds, cpu_s = measure(count, arguments)
            speeds[count].append(frames / seconds)
            cpu_ms[count].append(1e3 * cpu_s / frames)
    seeds = range(arguments.seed, arguments.seed + arguments.rooms)
    objects = [len(Room.from_seed(seed).objects) for seed in seeds]
    report = {
        "image": [arguments.width, arguments.height],
        "rooms": arguments.rooms,
        "seed": arguments.seed,
        "frames_per_room": arguments.frames_per_room,
        "motion": arguments.motion,
        "sensor": arguments.sensor,
        "objects_per_room": round(float(np.mean(objects)), 1),
        "cpu_cores": os.cpu_count(),
        "opengl": os.environ["MUJOCO_GL"],
        "repetitions": arguments.repetitions,
        "frames_per_second": {
            str(count): {
                "best": round(max(values), 1),
                "median": round(float(np.median(values)), 1),
                "worst": round(min(values), 1),
                "all": [round(value, 1) for value in values],
            }
            for count, values in speeds.items()
        },
        "cpu_ms_per_frame": {str(count): round(min(values), 1) for count, values in cpu_ms.items()},
    }
    _print(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def measure(count: int, arguments: argparse.Namespace) -> tuple[int, float, float]:
    """Let processes draw side by side.

    Args:
        count: of processes; each draws all rooms of the arguments.
        arguments: of the command line.

    Returns:
        Frames of all together, seconds from the moment when all are ready until the last one ends, and CPU
        seconds of all together.
    """
    context = multiprocessing.get_context("spawn")  # OpenGL does not survive a fork
    ready, ended = context.Barrier(count + 1), context.Barrier(count + 1)
    cpu_s = context.Value("d", 0.0)
    shared = arguments, ready, ended, cpu_s
    processes = [context.Process(target=_draw, args=shared) for _ in range(count)]
    for process in processes:
        process.start()
    ready.wait(timeout=120)
    begin = time.perf_counter()
    ended.wait()
    seconds = time.perf_counter() - begin
    for process in processes:
        process.join()
    return count * arguments.rooms * arguments.frames_per_room, seconds, cpu_s.value


def _draw(arguments: argparse.Namespace, ready: Barrier, ended: Barrier, cpu_s: Synchronized) -> None:
    try:
        with RoomRenderer(arguments.width, arguments.height) as renderer:
            capture_room(arguments.seed, renderer, _WARM_UP)
            ready.wait()
            begin = time.process_time()
            for seed in range(arguments.seed, arguments.seed + arguments.rooms):
                capture_room(
                    seed,
                    renderer,
                    arguments.frames_per_room,
                    arguments.motion,
                    sensor=arguments.sensor,
                )
            with cpu_s.get_lock():
                cpu_s.value += time.process_time() - begin
            ended.wait()
    except BaseException:
        ready.abort()  # or the others would wait for ever
        ended.abort()
        raise


def _print(report: dict) -> None:
    width, height = report["image"]
    table = Table(
        title=f"RGB + depth + ids + labels at {width}x{height}, {report['objects_per_room']} objects a room, "
        f"{report['cpu_cores']} cores, {report['opengl']}"
    )
    for column in ("processes", "best frames/s", "median", "worst", "CPU ms a frame"):
        table.add_column(column, justify="right")
    for count, speed in report["frames_per_second"].items():
        cells = [f"{speed[name]:.1f}" for name in ("best", "median", "worst")]
        table.add_row(count, *cells, f"{report['cpu_ms_per_frame'][count]:.1f}")
    Console().print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rooms", type=int, default=60, help="rooms that each process draws")
    parser.add_argument("--seed", type=int, default=0, help="of the first room")
    parser.add_argument("--frames-per-room", type=int, default=1)
    parser.add_argument("--motion", choices=MOTIONS, default="views")
    parser.add_argument("--sensor", choices=SENSORS, default="clean")
    parser.add_argument("--width", type=int, default=256, help="pixels")
    parser.add_argument("--height", type=int, default=192, help="pixels")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], help="counts that take turns")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
