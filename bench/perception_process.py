# SPDX-License-Identifier: Apache-2.0
"""A perception node in a process of its own, and a camera and client for it: what live benchmarks share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.conversions.images import image_from_rgb
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes.ros_environment import prepare_ros_environment

_BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_FRAME_ID = "bench_optical_frame"


@dataclass(frozen=True)
class Holdings:
    """What a process holds: resident memory in MiB, threads, open files."""

    memory_mb: float
    threads: int
    files: int


class PerceptionProcess:
    """Run the node; as a context manager it ends with the block."""

    def __init__(self, domain_id: int, *ros_arguments: str, main: str = "ide3d_ros.nodes.perception") -> None:
        """Start it.

        Args:
            domain_id: its ROS domain.
            ros_arguments: parameters, NAME:=VALUE.
            main: the module whose main is run.
        """
        code = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from {main} import main; main()"
        )
        arguments = [word for argument in ros_arguments for word in ("-p", argument)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, "--ros-args", *arguments],
            env={**os.environ, "ROS_DOMAIN_ID": str(domain_id)},
        )

    def __enter__(self) -> PerceptionProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def holdings(self) -> Holdings:
        """Look at what the process holds now."""
        folder = Path(f"/proc/{self._process.pid}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return Holdings(
            memory_mb=int(status["VmRSS"].split()[0]) / 1024,
            threads=int(status["Threads"]),
            files=len(list((folder / "fd").iterdir())),
        )

    @property
    def alive(self) -> bool:
        """Tell whether it runs."""
        return self._process.poll() is None

    def stop(self) -> int:
        """End it as Ctrl-C does and return its exit status."""
        if self.alive:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class CameraAndClient:
    """Be the node's camera and its client, spun by whoever waits.

    Attributes:
        shown: frames published.
        longest_stall_s: how long this process was held up at worst while it waited, which says how far its
            times can be trusted.
    """

    def __init__(self, domain_id: int, width: int, height: int) -> None:
        """Join the graph.

        Args:
            domain_id: the node's ROS domain.
            width: of the image, pixels.
            height: of the image, pixels.
        """
        prepare_ros_environment()
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id, args=[])
        self.node = Node("bench", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._images = self.node.create_publisher(Image, "image", _BEST_EFFORT)
        self._infos = self.node.create_publisher(CameraInfo, "camera_info", _BEST_EFFORT)
        self._camera = Camera.from_fov(width, height, np.deg2rad(65.0))
        noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
        self._pixels = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
        self.shown = 0
        self.longest_stall_s = 0.0

    def show(self) -> None:
        """Publish the next frame."""
        self.shown += 1
        stamped = {"stamp_ns": time.time_ns(), "frame_id": _FRAME_ID}
        self._infos.publish(info_from_camera(self._camera, **stamped))
        self._images.publish(image_from_rgb(self._pixels, **stamped))

    def is_heard(self) -> bool:
        """Tell whether somebody subscribes to the images."""
        return self._images.get_subscription_count() > 0

    def spin(self, timeout_s: float) -> None:
        """Take in what has come."""
        self._executor.spin_once(timeout_sec=timeout_s)

    def wait(self, condition: Callable[[], object], what: str, limit_s: float = 60.0) -> float:
        """Spin until something is so.

        Returns:
            How long that took, seconds.

        Raises:
            SystemExit: if it does not come about.
        """
        begin = time.perf_counter()
        while not condition():
            if time.perf_counter() - begin > limit_s:
                raise SystemExit(f"no {what} within {limit_s:g} s")
            before = time.perf_counter()
            self.spin(0.002)
            self.longest_stall_s = max(self.longest_stall_s, time.perf_counter() - before)
        return time.perf_counter() - begin

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()
