# SPDX-License-Identifier: Apache-2.0
"""The demo's own node: it records what it hears, gathers the newest frames, and calls services."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from ide3d_msgs.msg import Answer
from ide3d_msgs.srv import Ask, Describe, Locate
from ide3d_ros.cli.bag import Bag, message_type_name
from ide3d_ros.cli.moments import Moments
from ide3d_ros.conversions.cameras import camera_from_info
from ide3d_ros.conversions.images import compressed_from_rgb, rgb_from_image
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.conversions.transforms import matrix_from_transform
from ide3d_ros.nodes import qos

CAMERA_FRAME_ID = "camera_optical_frame"
_SERVICES = {"locate": Locate, "ask": Ask, "describe": Describe}
_POLL_S = 0.005
_OTHERS_S = 40.0
Found = TypeVar("Found")


class NoAnswerError(RuntimeError):
    """The graph did not do what was waited for; the sentence says what and for how long."""


@dataclass(frozen=True)
class Reply:
    """Hold a response with the time that passed between the call and its arrival.

    Attributes:
        response: of the service's own type.
        round_trip_ms: as the caller sees it, transport included.
    """

    response: object
    round_trip_ms: float


class DemoClient:
    """Spin a node in a thread; the main thread waits for what it needs."""

    def __init__(self, bag: Bag, *, watch: Callable[[], None]) -> None:
        """Join the graph.

        Args:
            bag: everything that is heard is recorded there.
            watch: called while waiting; raises when waiting has become pointless.
        """
        self.moments = Moments()
        self.heard: Counter[str] = Counter()
        self._bag = bag
        self._watch = watch
        self._failure: Exception | None = None
        self._context = Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node("ide3d_demo", context=self._context)
        self._listen_to_all()
        self._clients = {
            name: self._node.create_client(kind, f"perception/{name}") for name, kind in _SERVICES.items()
        }
        self._others: dict[str, Client] = {}
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name="ide3d-demo", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._context.try_shutdown()
        self._thread.join(5.0)
        self._node.destroy_node()

    def wait(self, look: Callable[[], Found | None], limit_s: float, what: str) -> Found:
        """Wait until `look` finds something, and return it.

        Args:
            look: called many times a second.
            limit_s: seconds until it is given up.
            what: was waited for, to complete "no ... within 10 s".

        Raises:
            NoAnswerError: if nothing was found in time.
        """
        end = time.monotonic() + limit_s
        while True:
            found = look()
            if found:
                return found
            self._watch()
            if self._failure is not None:
                raise self._failure
            if time.monotonic() > end:
                raise NoAnswerError(f"no {what} within {limit_s:.0f} s")
            time.sleep(_POLL_S)

    def pause(self, seconds: float) -> None:
        """Let time pass while the graph is watched."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._watch()
            time.sleep(min(left, 0.1))

    def wait_until_ready(self, limit_s: float, *, stepped: bool) -> None:
        """Wait for the services, for frames, and for the first detections made from them.

        Args:
            limit_s: seconds for each of the three.
            stepped: the camera shows a frame only when it is asked to.

        Raises:
            NoAnswerError: if one of them does not come in time.
        """
        for name, client in self._clients.items():
            self.wait(client.service_is_ready, limit_s, f"service perception/{name}")
        detections = self._node.resolve_topic_name("detections")
        for look, what in (
            (self.moments.newest, "frames from the camera"),
            (lambda: self.heard[detections], "detections from perception"),
        ):
            end = time.monotonic() + limit_s
            while not look():
                if time.monotonic() > end:
                    raise NoAnswerError(f"no {what} within {limit_s:.0f} s")
                if stepped:
                    self.show_next_frame()
                self.pause(0.2)

    def request(self, service: str, limit_s: float, **fields: object) -> Reply:
        """Call a service of the perception node.

        Args:
            service: "locate", "ask" or "describe".
            limit_s: seconds until it is given up.
            fields: of the request.

        Raises:
            NoAnswerError: if no reply comes in time.
        """
        request = _SERVICES[service].Request(**fields)
        return self._call(self._clients[service], request, limit_s, f"reply from perception/{service}")

    def show_next_frame(self) -> None:
        """Let a stepped replay show a frame.

        Raises:
            NoAnswerError: if it does not reply or has none.
        """
        response = self._call_by_name(Trigger, "replay/play_next", Trigger.Request())
        if not response.success:
            raise NoAnswerError(f"no further frame: {response.message}")

    def set_integer(self, node: str, name: str, value: int) -> None:
        """Set a parameter of another node.

        Raises:
            NoAnswerError: if the node does not reply in time or refuses the value.
        """
        given = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=value)
        request = SetParameters.Request(parameters=[Parameter(name=name, value=given)])
        result = self._call_by_name(SetParameters, f"{node}/set_parameters", request).results[0]
        if not result.successful:
            raise NoAnswerError(f"no change of {name} to {value}: {result.reason}")

    def _call_by_name(self, kind: type, name: str, request: object) -> Any:
        if name not in self._others:
            self._others[name] = self._node.create_client(kind, name)
        client = self._others[name]
        self.wait(client.service_is_ready, _OTHERS_S, f"service {name}")
        return self._call(client, request, _OTHERS_S, f"reply from {name}").response

    def _call(self, client: Client, request: object, limit_s: float, what: str) -> Reply:
        # A service may know this client's request writer but not yet its reply reader, and then drops the
        # reply; so a call that stays unanswered for half of the time is made once more.
        end = time.monotonic() + limit_s
        for attempt_s in (limit_s / 2, limit_s / 2):
            begin = time.perf_counter()
            future = client.call_async(request)
            try:
                self.wait(future.done, min(attempt_s, max(0.1, end - time.monotonic())), what)
            except NoAnswerError:
                client.remove_pending_request(future)
                continue
            return Reply(future.result(), 1e3 * (time.perf_counter() - begin))
        raise NoAnswerError(f"no {what} within {limit_s:.0f} s")

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass
        except Exception as error:  # a callback's; the main thread tells it
            self._failure = error

    def _listen_to_all(self) -> None:
        for kind, topic, profile, take in (
            (Image, "image", QoSProfile(depth=10), self._take_image),
            (CameraInfo, "camera_info", QoSProfile(depth=10), self._take_info),
            (String, "ground_truth_graph", qos.RESULT, self._take_labels),
            (TFMessage, "/tf", qos.TRANSFORMS, self._take_transforms),
            (TFMessage, "/tf_static", qos.STATIC_TRANSFORMS, None),
            (Detection3DArray, "ground_truth", qos.RESULT, None),
            (Detection3DArray, "detections", qos.RESULT, None),
            (MarkerArray, "markers", qos.NEWEST_RESULT, None),
            (Answer, "answers", qos.RESULT, None),
            (DiagnosticArray, "/diagnostics", qos.RESULT, None),
        ):
            self._listen(kind, topic, profile, take)

    def _listen(self, kind: type, topic: str, profile: QoSProfile, take: Callable | None) -> None:
        name, type_name = self._node.resolve_topic_name(topic), message_type_name(kind)

        def on_message(data: bytes) -> None:
            self.heard[name] += 1
            if kind is not Image:  # its JPEG is recorded instead, a tenth as large
                self._bag.write_serialized(name, type_name, data, stamp_ns=time.time_ns())
            if take is not None:
                take(deserialize_message(data, kind))

        self._node.create_subscription(kind, topic, on_message, profile, raw=True)

    def _take_image(self, message: Image) -> None:
        rgb, stamp_ns = rgb_from_image(message), nanoseconds_from_time(message.header.stamp)
        self.moments.update(stamp_ns, rgb=rgb)
        compressed = compressed_from_rgb(rgb, stamp_ns=stamp_ns, frame_id=message.header.frame_id)
        topic = self._node.resolve_topic_name("image/compressed")
        self._bag.write(topic, compressed, stamp_ns=time.time_ns())

    def _take_info(self, message: CameraInfo) -> None:
        self.moments.update(nanoseconds_from_time(message.header.stamp), camera=camera_from_info(message))

    def _take_labels(self, message: String) -> None:
        labels = json.loads(message.data)
        self.moments.update(labels["stamp_ns"], labels=json.dumps(labels["graph"]))

    def _take_transforms(self, message: TFMessage) -> None:
        for one in message.transforms:
            if one.child_frame_id == CAMERA_FRAME_ID:
                pose = matrix_from_transform(one.transform)
                self.moments.update(nanoseconds_from_time(one.header.stamp), world_from_camera=pose)
