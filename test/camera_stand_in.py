# SPDX-License-Identifier: Apache-2.0
"""A camera that shows the hand-built bundle what it can see: a red patch, which it takes for a chair."""

from __future__ import annotations

import threading
import time

import numpy as np
from fake_bundle import HEIGHT, RGB, STRIDE, WIDTH
from rclpy.qos import QoSProfile, ReliabilityPolicy
from ros_graph import Graph, until
from sensor_msgs.msg import CameraInfo, Image
from vision_msgs.msg import Detection3DArray

from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.conversions.images import image_from_rgb
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.geometry.camera import Camera

CAMERA = Camera(WIDTH, HEIGHT, 50.0, 50.0, WIDTH / 2 - 0.5, HEIGHT / 2 - 0.5)
FRAME_ID = "front_camera_optical_frame"
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)


def picture(**patches: tuple[int, int]) -> np.ndarray:
    """Paint patches on black: color=(row, column) of the token grid."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for color, (row, column) in patches.items():
        image[row * STRIDE : (row + 1) * STRIDE, column * STRIDE : (column + 1) * STRIDE] = RGB[color]
    return image


RED_CHAIR = picture(red=(1, 0))


class CameraStandIn:
    """Publish images and camera_info, one by one or in a stream."""

    _of_graph: dict[int, CameraStandIn] = {}

    def __init__(self, graph: Graph, qos: QoSProfile = BEST_EFFORT, name: str = "") -> None:
        self._graph = graph
        prefix = f"{name}/" if name else ""
        self.frame_id = f"{name}_optical_frame" if name else FRAME_ID
        self.images = graph.speak(Image, f"{prefix}image", qos)
        self.infos = graph.speak(CameraInfo, f"{prefix}camera_info", qos)
        self.stamp_ns = 1_000_000_000
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def of(cls, graph: Graph) -> CameraStandIn:
        """Return the graph's one camera, made on first use."""
        if id(graph) not in cls._of_graph:
            cls._of_graph[id(graph)] = cls(graph)
        return cls._of_graph[id(graph)]

    def info(self, **changes: object) -> CameraInfo:
        """Make a camera_info message with some fields changed."""
        message = info_from_camera(CAMERA, stamp_ns=self.stamp_ns, frame_id=self.frame_id)
        for name, value in changes.items():
            setattr(message, name, value)
        return message

    def image(self, pixels: np.ndarray = RED_CHAIR, **changes: object) -> Image:
        """Make the next image message with some fields changed."""
        self.stamp_ns += 33_000_000
        message = image_from_rgb(pixels, stamp_ns=self.stamp_ns, frame_id=self.frame_id)
        for name, value in changes.items():
            setattr(message, name, value)
        return message

    def show(self, pixels: np.ndarray = RED_CHAIR) -> int:
        """Publish one good frame and return its stamp, nanoseconds."""
        self.infos.publish(self.info())
        self.images.publish(self.image(pixels))
        return self.stamp_ns

    def stream(self, pixels: np.ndarray = RED_CHAIR, rate_hz: float = 30.0) -> None:
        """Publish good frames until `stop`."""
        self.stop()
        self._stop.clear()

        def work() -> None:
            while not self._stop.is_set():
                self.show(pixels)
                time.sleep(1 / rate_hz)

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def stream_used(self) -> None:
        """Publish good frames until `stop`, and wait until perception has looked at one of them."""
        before_ns = self.stamp_ns
        heard = self._graph.listen(Detection3DArray, "detections")
        self.stream()
        until(
            lambda: heard and nanoseconds_from_time(heard[-1].header.stamp) > before_ns, "frames are not used"
        )

    def stop(self) -> None:
        """End the stream."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None
