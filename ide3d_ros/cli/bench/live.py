# SPDX-License-Identifier: Apache-2.0
"""Measure a perception node in a process of its own; this process is its cameras and takes its boxes.

Three ways of showing frames: the next one when the boxes of the last one came, so that nothing ever waits;
all cameras at their own rate, as on a robot; and the same with one camera alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

from ide3d_ros.cli.bench.library import speckled_image
from ide3d_ros.cli.bench.measured_node import FrameRow
from ide3d_ros.cli.bench.rounds import BenchError
from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.conversions.images import image_from_depth, image_from_rgb
from ide3d_ros.conversions.stamps import nanoseconds_from_time, time_from_nanoseconds
from ide3d_ros.conversions.transforms import transform_from_matrix
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes import qos
from ide3d_ros.nodes.frames import UNNAMED, camera_topic
from ide3d_ros.nodes.memory import keep_image_memory
from ide3d_ros.nodes.ros_environment import prepare_ros_environment

# The kernel interrupts the node when this process dies without a farewell (prctl PR_SET_PDEATHSIG, SIGINT).
_CODE = (
    "import ctypes; ctypes.CDLL(None).prctl(1, 2); from ide3d_ros.cli.bench.measured_node import main; main()"
)
_FRAME_ID, _WORLD_ID = "bench_optical_frame", "bench_world"
_START_LIMIT_S, _BOXES_LIMIT_S, _STOP_LIMIT_S = 60.0, 30.0, 20.0
_WARM_UP_FRAMES = 10
_SETTLE_S = 0.5  # until the last boxes are out and written down
_BREATH_S = 0.02  # between boxes and the next frame, so that the node is at rest again


@dataclass(frozen=True)
class LivePlan:
    """Say how a node is measured.

    Attributes:
        bundle, engine, threads: parameters of the node.
        extra_inputs: what the bundle reads besides the image, as in its manifest.
        width, height: of the images, pixels.
        rate_hz: of each camera.
        seconds: how long frames are shown, in each way.
        domain_id: ROS domain of the run.
    """

    bundle: str
    engine: str
    threads: int
    extra_inputs: tuple[str, ...]
    width: int
    height: int
    rate_hz: float
    seconds: float
    domain_id: int


@dataclass(frozen=True)
class LiveTimes:
    """Hold what was measured.

    Attributes:
        paced: frames that were shown one after another, each after the boxes of the one before.
        sustained: frames at the camera's rate.
        shown: how many were shown at that rate.
        round_trip_ms: of the paced frames, from their stamp until their boxes came back here.
        memory_peak_mb: of the node's process; None where the system does not say.
    """

    paced: list[FrameRow]
    sustained: list[FrameRow]
    shown: int
    round_trip_ms: list[float] = field(default_factory=list)
    memory_peak_mb: float | None = None


def measure_one_camera(plan: LivePlan, *, tick: Callable[[], None] = lambda: None) -> LiveTimes:
    """Show frames of one camera, paced and at its rate.

    Args:
        plan: of the run.
        tick: called about ten times a second.

    Raises:
        BenchError: if the node does not start, or no boxes come.
    """
    with _Run(plan, (UNNAMED,), tick) as run:
        run.wait_for_boxes()
        begin_ns, round_trip_ms = time.time_ns(), run.show_paced()
        middle_ns = time.time_ns()
        shown = run.show_at_rate()
        rows, peak_mb = run.finish()
    return LiveTimes(
        paced=[row for row in rows if begin_ns <= row.stamp_ns < middle_ns],
        sustained=[row for row in rows if row.stamp_ns >= middle_ns],
        shown=shown,
        round_trip_ms=round_trip_ms,
        memory_peak_mb=peak_mb,
    )


def measure_cameras(plan: LivePlan, cameras: int, *, tick: Callable[[], None] = lambda: None) -> LiveTimes:
    """Show frames of several cameras at their rate.

    Args:
        plan: of the run.
        cameras: how many.
        tick: called about ten times a second.

    Raises:
        BenchError: if the node does not start, or no boxes come.
    """
    with _Run(plan, tuple(f"camera{i}" for i in range(cameras)), tick) as run:
        run.wait_for_boxes()
        begin_ns, shown = time.time_ns(), run.show_at_rate()
        rows, peak_mb = run.finish()
    sustained = [row for row in rows if row.stamp_ns >= begin_ns]
    return LiveTimes([], sustained, shown, memory_peak_mb=peak_mb)


class _Run:
    """One node's process with its cameras, from start to end."""

    def __init__(self, plan: LivePlan, cameras: Sequence[str], tick: Callable[[], None]) -> None:
        self._plan, self._tick = plan, tick
        self._folder = tempfile.TemporaryDirectory(prefix="ide3d_bench_")
        self._output, self._log = (Path(self._folder.name) / name for name in ("frames.json", "node.log"))
        prepare_ros_environment()
        keep_image_memory()
        self._cameras = _Cameras(plan, cameras)
        self._process = self._start(cameras)

    def __enter__(self) -> _Run:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._cameras.close()
        self._folder.cleanup()

    def wait_for_boxes(self) -> None:
        """Show frames until the node has warmed up."""
        cameras = self._cameras
        self._until(cameras.are_heard, "subscribed to the images", _START_LIMIT_S)
        end = time.monotonic() + _START_LIMIT_S
        while min(cameras.boxes.values()) < _WARM_UP_FRAMES:
            cameras.show()
            self._spin(0.1)
            if time.monotonic() > end:
                raise BenchError(f"no boxes came within {_START_LIMIT_S:g} s; {self._last_words()}")

    def show_paced(self) -> list[float]:
        """Show a frame when the boxes of the one before have come; return the round trips, milliseconds."""
        cameras = self._cameras
        end = time.monotonic() + self._plan.seconds
        times: list[float] = []
        while time.monotonic() < end:
            self._spin(_BREATH_S)
            stamp_ns = cameras.show()
            self._until(
                lambda stamp_ns=stamp_ns: cameras.newest_ns >= stamp_ns, "published boxes", _BOXES_LIMIT_S
            )
            times.append(1e-6 * (cameras.came_ns - stamp_ns))
        return times

    def show_at_rate(self) -> int:
        """Show frames of every camera at its rate; return how many."""
        begin, period_s = time.monotonic(), 1.0 / self._plan.rate_hz
        shown = 0
        while (elapsed_s := time.monotonic() - begin) < self._plan.seconds:
            if elapsed_s >= shown * period_s:
                self._cameras.show()
                shown += 1
            self._spin(max(0.0, begin + shown * period_s - time.monotonic()))
        return shown

    def finish(self) -> tuple[list[FrameRow], float | None]:
        """Let the node end and return what it wrote down, oldest frame first, and its peak of memory."""
        self._spin(_SETTLE_S)
        self._stop()
        try:
            written = json.loads(self._output.read_text())
        except OSError as error:
            raise BenchError(f"the perception node wrote no times; {self._last_words()}") from error
        rows = sorted((FrameRow(**one) for one in written["frames"]), key=lambda row: row.stamp_ns)
        return rows, written["memory_peak_mb"]

    def _start(self, cameras: Sequence[str]) -> subprocess.Popen:
        plan = self._plan
        parameters: dict[str, object] = {
            "model.bundle": plan.bundle,
            "model.engine": plan.engine,
            "model.threads": plan.threads,
            "detection.rate_hz": 120.0,  # as often as the engine can
            "cameras": list(cameras),
        }
        if "depth" in plan.extra_inputs:
            parameters["depth.topic"] = "depth"
        if "world_from_camera" in plan.extra_inputs:
            parameters["fixed_frame"] = _WORLD_ID
        # JSON is YAML, and its quotes keep a text that looks like a number a text.
        pairs = (("-p", f"{name}:={json.dumps(value)}") for name, value in parameters.items())
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [
                    *(sys.executable, "-P", "-c", _CODE, str(self._output)),
                    *("--ros-args", *(word for pair in pairs for word in pair)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "ROS_DOMAIN_ID": str(plan.domain_id)},
                start_new_session=True,  # Ctrl-C reaches this program alone, which ends the node in order
            )

    def _stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _until(self, condition: Callable[[], bool], what: str, limit_s: float) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            self._spin(0.1, until=condition)
            if time.monotonic() > end:
                raise BenchError(f"the perception node has not {what} in {limit_s:g} s; {self._last_words()}")

    def _spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Take in messages for a while, or until something is so."""
        end = time.monotonic() + seconds
        while (left_s := end - time.monotonic()) > 0 and not until():
            self._cameras.spin(min(left_s, 0.1))
            self._tick()
            if self._process.poll() is not None:
                raise BenchError(f"the perception node ended; {self._last_words()}")

    def _last_words(self) -> str:
        said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"its last words: {said[-1]}" if said else "it said nothing"


class _Cameras:
    """Publish images, with depth and a pose for bundles that read them, and take boxes in.

    Attributes:
        boxes: messages with boxes that came, by camera.
        newest_ns: stamp of the newest frame whose boxes came.
        came_ns: when they came.
    """

    def __init__(self, plan: LivePlan, names: Sequence[str]) -> None:
        self._context = Context()
        rclpy.init(context=self._context, domain_id=plan.domain_id, args=[])
        self._node = Node("bench_cameras", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        camera = Camera.from_fov(plan.width, plan.height, np.deg2rad(65.0))
        stamped = {"stamp_ns": 1, "frame_id": _FRAME_ID}
        # Made once: a camera's driver is not what is measured.
        messages: dict[str, CameraInfo | Image] = {
            "image": image_from_rgb(speckled_image(plan.width, plan.height), **stamped),
            "camera_info": info_from_camera(camera, **stamped),
        }
        if "depth" in plan.extra_inputs:
            messages["depth"] = image_from_depth(np.full((plan.height, plan.width), 2.0), **stamped)
        profile = qos.sensor_output("best_effort")
        self._publishers = [
            (self._node.create_publisher(type(message), camera_topic(name, topic), profile), message)
            for name in names
            for topic, message in messages.items()
        ]
        if "world_from_camera" in plan.extra_inputs:
            still = transform_from_matrix(
                np.eye(4), target_frame_id=_WORLD_ID, source_frame_id=_FRAME_ID, stamp_ns=0
            )
            poses = self._node.create_publisher(TFMessage, "/tf_static", qos.STATIC_TRANSFORMS)
            poses.publish(TFMessage(transforms=[still]))
        self.boxes = dict.fromkeys(names, 0)
        self.newest_ns = self.came_ns = 0
        for name in names:
            self._node.create_subscription(
                Detection3DArray, camera_topic(name, "detections"), self._taker(name), qos.RESULT
            )

    def show(self) -> int:
        """Publish a frame of every camera, the image first as drivers do; return its stamp."""
        stamp_ns = time.time_ns()
        for publisher, message in self._publishers:
            message.header.stamp = time_from_nanoseconds(stamp_ns)
            publisher.publish(message)
        return stamp_ns

    def are_heard(self) -> bool:
        """Tell whether somebody subscribes to all that every camera publishes."""
        return all(publisher.get_subscription_count() > 0 for publisher, _ in self._publishers)

    def spin(self, timeout_s: float) -> None:
        """Wait for a message, at most so long."""
        self._executor.spin_once(timeout_sec=timeout_s)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _taker(self, name: str) -> Callable[[Detection3DArray], None]:
        def take(message: Detection3DArray) -> None:
            self.boxes[name] += 1
            self.newest_ns, self.came_ns = nanoseconds_from_time(message.header.stamp), time.time_ns()

        return take
