# SPDX-License-Identifier: Apache-2.0
"""Join a graph for a few seconds, find perception nodes and cameras, and note what comes by."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tf2_msgs.msg import TFMessage

from ide3d_ros.cli.doctor.observation import CameraObservation, Endpoint, Observation, SeenImage
from ide3d_ros.cli.graph_names import below, full_name, node_names, perception_nodes, short_and_space
from ide3d_ros.conversions.compressed_depth import check_depth
from ide3d_ros.conversions.encodings import DEPTH_ENCODINGS
from ide3d_ros.conversions.images import ImageError, check_image, rgb_from_compressed
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.nodes import qos
from ide3d_ros.nodes.depth_intake import DEPTH_TRANSPORTS
from ide3d_ros.nodes.frames import camera_topic

IMAGE_TYPES = {"sensor_msgs/msg/Image": False, "sensor_msgs/msg/CompressedImage": True}
"""Whether images of a type are compressed."""
_INFO_TYPE = "sensor_msgs/msg/CameraInfo"
_STATE_TYPE = "lifecycle_msgs/srv/GetState"
_CLOCK_TYPE = "rosgraph_msgs/msg/Clock"
_MOST_CAMERAS, _MOST_IMAGES, _MOST_INFOS, _MOST_FRAMES = 16, 100_000, 500, 10_000
_DECODED = 5  # of each compressed topic; decoding them all would slow the listener down
_ALL_STATIC = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_POLL_S = 0.02
_STATE_S = 5.0


@dataclass(frozen=True)
class Wanted:
    """Say what to look at.

    Attributes:
        namespace: where relative names lie, and perception nodes are looked for; empty takes every node.
        image_topic, info_topic: of one camera; empty takes those of the perception nodes, and where there is
            no such node every image topic with a camera_info beside it.
        seconds: to find nodes in at most, and then to listen for.
    """

    namespace: str
    image_topic: str
    info_topic: str
    seconds: float


def observe(wanted: Wanted) -> Observation:
    """Listen to the graph of this shell's domain.

    Args:
        wanted: what to look at.
    """
    listener = _Listener(wanted)
    try:
        return listener.listen()
    finally:
        listener.close()


class _Listener:
    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._context = Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node("ide3d_doctor", namespace=wanted.namespace, context=self._context)
        self._seen = Observation(seconds=wanted.seconds, domain=os.environ.get("ROS_DOMAIN_ID") or "0")
        self._clock_ns: int | None = None
        best_effort = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._sensor = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._node.create_subscription(Clock, "/clock", self._on_clock, best_effort)
        self._node.create_subscription(TFMessage, "/tf", self._on_transforms, qos.TRANSFORMS)
        self._node.create_subscription(TFMessage, "/tf_static", self._on_static_transforms, _ALL_STATIC)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.RESULT)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name="ide3d-doctor", daemon=True)
        self._thread.start()

    def listen(self) -> Observation:
        """Find nodes, then listen to them."""
        seen, wanted = self._seen, self._wanted
        self._wait(self._found, wanted.seconds)
        seen.perception = perception_nodes(self._node, wanted.namespace)
        seen.cameras = self._cameras()
        depth_topics = {topic for node in seen.perception for topic in self._depth_topics(node)}
        for camera in seen.cameras:
            camera.holds_depth = camera.image_topic in depth_topics
        for camera in seen.cameras:
            self._subscribe(camera)
        for node in seen.perception:
            state = self._lifecycle_state(node)
            if state is not None:
                seen.lifecycle[node] = state
        time.sleep(wanted.seconds)
        for camera in seen.cameras:
            camera.image_publishers = self._publishers(camera.image_topic)
            camera.info_publishers = self._publishers(camera.info_topic)
            camera.image_subscribers = [
                one
                for one in _endpoints(self._node.get_subscriptions_info_by_topic(camera.image_topic))
                if one.node in seen.perception
            ]
        if not seen.perception:  # a driver's depth has a camera_info beside it too, and is no camera
            seen.cameras = [one for one in seen.cameras if wanted.image_topic or not _shows_depth(one)]
        seen.now_ns = self._now_ns()
        if self._clock_ns is not None:
            seen.clock = "/clock"
        return seen

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._context.try_shutdown()
        self._thread.join(5.0)
        self._node.destroy_node()

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass

    def _wait(self, look: Callable[[], bool], limit_s: float) -> bool:
        end = time.monotonic() + limit_s
        while not look():
            if time.monotonic() > end:
                return False
            time.sleep(_POLL_S)
        return True

    def _found(self) -> bool:
        """Say whether a perception node and publishers of its images are known by now."""
        cameras = self._cameras()
        published = all(self._node.count_publishers(one.image_topic) for one in cameras)
        return bool(cameras) and published and bool(perception_nodes(self._node, self._wanted.namespace))

    def _cameras(self) -> list[CameraObservation]:
        wanted, resolve = self._wanted, self._node.resolve_topic_name
        if wanted.image_topic:
            topic = resolve(wanted.image_topic)
            info = resolve(wanted.info_topic) if wanted.info_topic else info_beside(topic)
            return [CameraObservation(topic, info, self._is_compressed(topic))]
        pairs: dict[str, CameraObservation] = {}
        for node in perception_nodes(self._node, wanted.namespace):
            taken = self._taken_by(node)
            infos = [name for name, kind in taken.items() if kind == _INFO_TYPE]
            for name, kind in taken.items():
                if kind in IMAGE_TYPES:
                    beside = info_beside(name)
                    info = beside if beside in infos or len(infos) != 1 else infos[0]
                    pairs.setdefault(name, CameraObservation(name, info, IMAGE_TYPES[kind]))
        if not pairs:
            topics = dict(self._node.get_topic_names_and_types())
            space = below(wanted.namespace)
            for name, kinds in topics.items():
                kind = next((one for one in kinds if one in IMAGE_TYPES), None)
                raw = topics.get(name.removesuffix("/compressed"), [])
                doubled = name.endswith("/compressed") and "sensor_msgs/msg/Image" in raw
                if kind and not doubled and info_beside(name) in topics and name.startswith(space):
                    pairs[name] = CameraObservation(name, info_beside(name), IMAGE_TYPES[kind])
        return list(pairs.values())[:_MOST_CAMERAS]

    def _is_compressed(self, topic: str) -> bool:
        kinds = dict(self._node.get_topic_names_and_types()).get(topic, [])
        return "sensor_msgs/msg/CompressedImage" in kinds and "sensor_msgs/msg/Image" not in kinds

    def _taken_by(self, node: str) -> dict[str, str]:
        try:
            found = self._node.get_subscriber_names_and_types_by_node(*short_and_space(node))
        except RuntimeError:  # it has left meanwhile
            return {}
        return {name: kinds[0] for name, kinds in found if kinds}

    def _subscribe(self, camera: CameraObservation) -> None:
        if camera.holds_depth:
            read = _read_depth
        else:
            read = self._compressed_reader() if camera.compressed else _read_raw

        def on_image(message: Image | CompressedImage) -> None:
            if len(camera.images) < _MOST_IMAGES:
                camera.images.append(read(message, self._now_ns()))

        def on_info(message: CameraInfo) -> None:
            camera.infos.append(message)
            del camera.infos[:-_MOST_INFOS]

        kind = CompressedImage if camera.compressed else Image
        self._node.create_subscription(kind, camera.image_topic, on_image, self._sensor)
        if not camera.holds_depth:  # it is in the pixels of the images, whose camera_info holds for it
            self._node.create_subscription(CameraInfo, camera.info_topic, on_info, self._sensor)

    def _compressed_reader(self) -> Callable[[CompressedImage, int], SeenImage]:
        sizes: list[tuple[int, int]] = []

        def read(message: CompressedImage, now_ns: int) -> SeenImage:
            fault = ""
            if len(sizes) < _DECODED:
                try:
                    height, width = rgb_from_compressed(message).shape[:2]
                    sizes.append((width, height))
                except ImageError as error:
                    fault = str(error)
            width, height = sizes[-1] if sizes else (0, 0)
            return _seen_image(message, now_ns, width, height, message.format, fault)

        return read

    def _publishers(self, topic: str) -> list[Endpoint]:
        return _endpoints(self._node.get_publishers_info_by_topic(topic))

    def _lifecycle_state(self, node: str) -> str | None:
        """Ask a node for its state; None where it has no lifecycle."""
        try:
            services = dict(self._node.get_service_names_and_types_by_node(*short_and_space(node)))
        except RuntimeError:
            return None
        if _STATE_TYPE not in services.get(f"{node}/get_state", []):
            return None
        from lifecycle_msgs.srv import GetState

        client = self._node.create_client(GetState, f"{node}/get_state")
        if not self._wait(client.service_is_ready, _STATE_S):
            return "not answering"
        future = client.call_async(GetState.Request())
        return future.result().current_state.label if self._wait(future.done, _STATE_S) else "not answering"

    def _depth_topics(self, node: str) -> list[str]:
        """Ask a perception node which topics it takes depth from; none where it does not answer."""
        from rcl_interfaces.srv import GetParameters

        client = self._node.create_client(GetParameters, f"{node}/get_parameters")
        if not self._wait(client.service_is_ready, _STATE_S):
            return []
        future = client.call_async(GetParameters.Request(names=["depth.topic", "depth.transport", "cameras"]))
        if not self._wait(future.done, _STATE_S) or len(future.result().values) < 3:
            return []
        topic, transport, cameras = future.result().values
        if not topic.string_value:
            return []
        name = topic.string_value + DEPTH_TRANSPORTS[transport.string_value][1]
        space = short_and_space(node)[1].rstrip("/")
        below = [camera_topic(camera, name) for camera in cameras.string_array_value]
        return [one if one.startswith("/") else f"{space}/{one}" for one in below]

    def _now_ns(self) -> int:
        return time.time_ns() if self._clock_ns is None else self._clock_ns

    def _on_clock(self, message: Clock) -> None:
        self._clock_ns = nanoseconds_from_time(message.clock)

    def _on_transforms(self, message: TFMessage) -> None:
        self._note(message, static=False)

    def _on_static_transforms(self, message: TFMessage) -> None:
        self._note(message, static=True)

    def _note(self, message: TFMessage, *, static: bool) -> None:
        for one in message.transforms:
            child, parent = one.child_frame_id.lstrip("/"), one.header.frame_id.lstrip("/")
            if child not in self._seen.parents and len(self._seen.parents) >= _MOST_FRAMES:
                continue
            self._seen.parents[child] = (parent, static)
            if not static:
                self._seen.transform_stamps[child] = nanoseconds_from_time(one.header.stamp)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        known = {name.lstrip("/"): name for name in node_names(self._node)}
        for status in message.status:
            node = known.get(status.name.split(":")[0].strip())
            if node is not None:
                self._seen.diagnostics[node] = status


def info_beside(image_topic: str) -> str:
    """Name the camera_info topic that belongs to an image topic by convention."""
    return image_topic.removesuffix("/compressed").rsplit("/", 1)[0] + "/camera_info"


def _shows_depth(camera: CameraObservation) -> bool:
    return bool(camera.images) and camera.images[-1].encoding in DEPTH_ENCODINGS


def _read_raw(message: Image, now_ns: int) -> SeenImage:
    try:
        check_image(message)
        fault = ""
    except ImageError as error:
        fault = str(error)
    return _seen_image(message, now_ns, message.width, message.height, message.encoding, fault)


def _read_depth(message: Image | CompressedImage, now_ns: int) -> SeenImage:
    is_raw = isinstance(message, Image)
    try:
        check_depth(message)
        fault = ""
    except ImageError as error:
        fault = str(error)
    size = (message.width, message.height) if is_raw else (0, 0)
    return _seen_image(message, now_ns, *size, message.encoding if is_raw else message.format, fault)


def _seen_image(
    message: Image | CompressedImage, now_ns: int, width: int, height: int, encoding: str, fault: str
) -> SeenImage:
    stamp_ns = nanoseconds_from_time(message.header.stamp)
    return SeenImage(now_ns, stamp_ns, message.header.frame_id, width, height, encoding, fault)


def _endpoints(found: list) -> list[Endpoint]:
    return [
        Endpoint(full_name(one.node_name, one.node_namespace), one.topic_type, one.qos_profile)
        for one in found
    ]
