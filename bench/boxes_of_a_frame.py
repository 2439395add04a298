# SPDX-License-Identifier: Apache-2.0
"""What a frame costs besides the engine: pixels to the network's size, fields to boxes, boxes to messages.

    tools/run python bench/boxes_of_a_frame.py --repetitions 200

The engine runs on every frame, as in the node: it leaves little of the other steps in the caches of the CPU,
so that they take about twice as long as in a loop of their own. Times are CPU times of this thread, so that
other programs disturb them little; what OpenCV leaves to threads of its own is not in them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from rclpy.serialization import serialize_message
from rich.console import Console
from rich.table import Table

from ide3d_ros.bundle import open_bundle
from ide3d_ros.cli.bench.library import speckled_image
from ide3d_ros.conversions.boxes import detection_array, is_publishable
from ide3d_ros.conversions.markers import marker_array
from ide3d_ros.conversions.stamps import header
from ide3d_ros.engine import select_engine
from ide3d_ros.engine.frame_cache import FrameCache
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes.memory import keep_image_memory
from ide3d_ros.nodes.ros_environment import prepare_ros_environment
from ide3d_ros.scene.detecting import DetectionReader, View
from ide3d_ros.scene.preprocessing import prepare_image
from ide3d_ros.scene.results import Frame

Output = TypeVar("Output")


def main() -> None:
    """Measure and print a table."""
    arguments = _arguments()
    prepare_ros_environment()
    keep_image_memory()
    bundle = open_bundle(arguments.bundle)
    engine, sizes = select_engine(bundle).engine, bundle.manifest.network
    camera = Camera.from_fov(arguments.width, arguments.height, np.deg2rad(65.0))
    image = speckled_image(arguments.width, arguments.height)
    times: dict[str, list[float]] = {}
    boxes = 0

    def timed(step: str, run: Callable[..., Output], *given: object, **named: object) -> Output:
        begin = time.thread_time()
        output = run(*given, **named)
        times.setdefault(step, []).append(1e3 * (time.thread_time() - begin))
        return output

    cache: FrameCache[View] = FrameCache(engine, 1)
    reader = DetectionReader(bundle)
    for stamp_ns in range(1, arguments.repetitions + 1):
        prepared = timed("to the network's size", prepare_image, image, camera, sizes.width, sizes.height)
        frame = Frame("camera", stamp_ns, camera)
        cache.add(View(frame, prepared.camera), prepared.pixels, prepared.camera.K)
        found = timed("fields to boxes", reader.read_field, cache.window())
        boxes = len(found)
        chosen = timed("check", lambda boxes: [one for one in boxes if is_publishable(one)], found)
        stamped = header(frame.frame_id, frame.stamp_ns)
        message = timed("boxes to message", detection_array, chosen, stamped)
        timed("message to bytes", serialize_message, message)
        timed("boxes to markers", marker_array, chosen, stamped, lifetime_s=1.0)
    table = Table(title=f"{boxes} boxes of a {arguments.width}x{arguments.height} frame")
    for column in ("step", "least ms", "median ms", "p95 ms"):
        table.add_column(column, justify="right" if column.endswith("ms") else "left")
    for step, values in times.items():
        figures = (min(values), *np.percentile(values, (50, 95)))
        table.add_row(step, *(f"{value:.3f}" for value in figures))
    Console().print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="nano", help="name of an embedded bundle, or path of one")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--repetitions", type=int, default=100)
    return parser.parse_args()


if __name__ == "__main__":
    main()
