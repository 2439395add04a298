# SPDX-License-Identifier: Apache-2.0
"""How many camera images cross from one process to another, and how fast, with and without our profile.

    tools/run python bench/image_transport.py --json transport.json

The two profiles take turns for several rounds, so that a machine that is busy for a while is busy for both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rich.console import Console
from rich.table import Table
from sensor_msgs.msg import Image

from ide3d_ros.conversions.images import image_from_rgb
from ide3d_ros.conversions.stamps import nanoseconds_from_time

PROFILE = Path(__file__).resolve().parents[1] / "config" / "fastdds_profile.xml"
VARIABLE = "FASTRTPS_DEFAULT_PROFILES_FILE"
CASES = {"Fast DDS defaults": None, "config/fastdds_profile.xml": PROFILE}


def main() -> None:
    """Measure, print a table, and write JSON if asked."""
    arguments = _arguments()
    if arguments.role:
        {"publish": publish, "subscribe": subscribe}[arguments.role](arguments)
        return
    rounds = [
        {name: measure(profile, arguments) for name, profile in CASES.items()}
        for _ in range(arguments.rounds)
    ]
    results = {name: summary([one[name] for one in rounds]) for name in CASES}
    settings = {
        name: getattr(arguments, name)
        for name in ("width", "height", "rate", "seconds", "rounds", "reliability")
    }
    _print(results, settings)
    if arguments.json:
        arguments.json.write_text(json.dumps({"settings": settings, "results": results}, indent=2) + "\n")


def measure(profile: Path | None, arguments: argparse.Namespace) -> dict:
    """Run a subscriber and a publisher, each in a process of its own.

    Args:
        profile: for both; None leaves Fast DDS as it comes.
        arguments: of the command line; the processes get the same.

    Returns:
        `published`, and `latencies_ms` of what arrived.
    """
    environment = {**os.environ, "ROS_DOMAIN_ID": str(1 + os.getpid() % 100)}
    environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    environment.pop(VARIABLE, None)
    if profile is not None:
        environment[VARIABLE] = str(profile)
    command = [sys.executable, __file__, *sys.argv[1:], "--role"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen([*command, "subscribe"], **pipes) as subscriber:
        with subprocess.Popen([*command, "publish"], **pipes) as publisher:
            published = int(publisher.communicate()[0])
        time.sleep(1.0)  # for what is still under way
        heard, _ = subscriber.communicate()  # it stops when its input ends
    return {"published": published, "latencies_ms": json.loads(heard)}


def summary(rounds: Sequence[dict]) -> dict:
    """Put rounds together.

    Args:
        rounds: what `measure` returned.
    """
    published = sum(one["published"] for one in rounds)
    latencies = np.concatenate([one["latencies_ms"] for one in rounds])
    percentiles = np.percentile(latencies, [50, 99]) if latencies.size else [float("nan")] * 2
    return {
        "published": published,
        "arrived": int(latencies.size),
        "arrived_percent": round(100.0 * latencies.size / published, 2),
        "arrived_percent_by_round": [
            round(100.0 * len(one["latencies_ms"]) / one["published"], 2) for one in rounds
        ],
        "latency_ms_p50": round(float(percentiles[0]), 2),
        "latency_ms_p99": round(float(percentiles[1]), 2),
    }


def publish(arguments: argparse.Namespace) -> None:
    """Publish at a steady rate once somebody listens; print how many."""
    rclpy.init()
    node = Node("bench_camera")
    publisher = node.create_publisher(Image, "image", _qos(arguments.reliability))
    while publisher.get_subscription_count() == 0:
        time.sleep(0.02)
    time.sleep(1.0)  # the subscriber may know of us a little later than we of it
    pixels = np.random.default_rng(0).integers(0, 256, (arguments.height, arguments.width, 3), np.uint8)
    count = round(arguments.rate * arguments.seconds)
    begin = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begin + number / arguments.rate - time.monotonic()))
        publisher.publish(image_from_rgb(pixels, stamp_ns=time.time_ns(), frame_id="camera"))
    time.sleep(0.5)
    print(count)
    node.destroy_node()
    rclpy.shutdown()


def subscribe(arguments: argparse.Namespace) -> None:
    """Listen until standard input ends; print the latency of every image as JSON, milliseconds."""
    rclpy.init()
    node = Node("bench_listener")
    latencies: list[float] = []

    def on_image(message: Image) -> None:
        latencies.append((time.time_ns() - nanoseconds_from_time(message.header.stamp)) / 1e6)

    node.create_subscription(Image, "image", on_image, _qos(arguments.reliability))
    threading.Thread(target=rclpy.spin, args=(node,), daemon=True).start()
    sys.stdin.read()
    print(json.dumps(latencies))
    sys.stdout.flush()
    os._exit(0)  # the spinning thread has nothing to put in order


def _qos(reliability: str) -> QoSProfile:
    policies = {"best_effort": ReliabilityPolicy.BEST_EFFORT, "reliable": ReliabilityPolicy.RELIABLE}
    return QoSProfile(depth=10, reliability=policies[reliability])


def _print(results: dict[str, dict], settings: dict) -> None:
    size = f"{settings['width']}x{settings['height']}"
    table = Table(title=f"{size} at {settings['rate']:g} Hz, {settings['reliability']}")
    for column in ("profile", "published", "arrived", "%", "p50 ms", "p99 ms"):
        table.add_column(column, justify="left" if column == "profile" else "right")
    for name, one in results.items():
        numbers = (one["arrived_percent"], one["latency_ms_p50"], one["latency_ms_p99"])
        table.add_row(
            name, str(one["published"]), str(one["arrived"]), *(f"{value:.1f}" for value in numbers)
        )
    Console().print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=640, help="pixels")
    parser.add_argument("--height", type=int, default=480, help="pixels")
    parser.add_argument("--rate", type=float, default=30.0, help="images a second")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=3, help="for each profile")
    parser.add_argument("--reliability", choices=("best_effort", "reliable"), default="best_effort")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--role", choices=("publish", "subscribe"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
