# SPDX-License-Identifier: Apache-2.0
"""From image message to network input: what each step costs, and which of them copy the pixels.

    tools/run python bench/image_copies.py --width 640 --height 480 --encoding rgb8

Receiving is measured as what rclpy does with bytes from the middleware: into its C message, and from there
into Python's. The steps take turns; nothing else of a node runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message
from rich.console import Console
from rich.table import Table
from sensor_msgs.msg import Image

from ide3d_ros.bundle import open_bundle
from ide3d_ros.cli.bench.library import speckled_image
from ide3d_ros.conversions.encodings import COLOR_ENCODINGS
from ide3d_ros.conversions.images import image_from_rgb, rgb_from_image
from ide3d_ros.engine import select_engine
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes.memory import keep_image_memory
from ide3d_ros.nodes.ros_environment import prepare_ros_environment
from ide3d_ros.scene.preprocessing import prepare_image


def main() -> None:
    """Measure and print a table."""
    arguments = _arguments()
    prepare_ros_environment()
    keep_image_memory()
    message = _message(arguments.width, arguments.height, arguments.encoding)
    camera = Camera.from_fov(arguments.width, arguments.height, np.deg2rad(65.0))
    bundle = open_bundle(arguments.bundle)
    sizes, engine = bundle.manifest.network, select_engine(bundle).engine
    wire = serialize_message(message)
    received = np.frombuffer(message.data, np.uint8)
    rgb = rgb_from_image(message)
    prepared = prepare_image(rgb, camera, sizes.width, sizes.height)
    batch, matrix = prepared.pixels[None], prepared.camera.K.astype(np.float32)[None]
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "receive": (lambda: deserialize_message(wire, Image), "twice: middleware to C to Python"),
        "message to RGB": (lambda: rgb_from_image(message), _copied(received, rgb)),
        "to the network's size": (
            lambda: prepare_image(rgb, camera, sizes.width, sizes.height),
            _copied(rgb, prepared.pixels),
        ),
        "as a batch of one": (lambda: prepared.pixels[None], _copied(prepared.pixels, batch)),
        "vision pass": (lambda: engine.vision(batch, matrix), "the engine's own"),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(arguments.repetitions):
        for name, (run, _) in steps.items():
            begin = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - begin))
    table = Table(
        title=f"{arguments.width}x{arguments.height} {arguments.encoding} to {sizes.width}x{sizes.height}"
    )
    for column in ("step", "least ms", "median ms", "pixels copied"):
        table.add_column(column, justify="right" if column.endswith("ms") else "left")
    for name, (_, copies) in steps.items():
        table.add_row(name, f"{min(times[name]):.3f}", f"{np.median(times[name]):.3f}", copies)
    Console().print(table)


def _message(width: int, height: int, encoding: str) -> Image:
    rgb = speckled_image(width, height)
    message = image_from_rgb(rgb, stamp_ns=1, frame_id="camera")
    if encoding != "rgb8":  # the same bytes under another name, as wide as its pixels are
        message.encoding = encoding
        message.step = width * COLOR_ENCODINGS[encoding].pixel_bytes
        pixels = np.resize(rgb, (height, message.step))
        message.data = pixels.tobytes()
    return message


def _copied(source: np.ndarray, result: np.ndarray) -> str:
    return "no" if np.shares_memory(source, result) else f"once, {result.nbytes / 1e3:.0f} kB"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="nano", help="name of an embedded bundle, or path of one")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--encoding", default="rgb8", choices=sorted(COLOR_ENCODINGS))
    parser.add_argument("--repetitions", type=int, default=50)
    return parser.parse_args()


if __name__ == "__main__":
    main()
