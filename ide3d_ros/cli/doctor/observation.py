# SPDX-License-Identifier: Apache-2.0
"""What was seen of a running graph for a few seconds. Knows nothing of rclpy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Endpoint:
    """Describe one publisher or subscription.

    Attributes:
        node: full name of its node.
        type_name: such as "sensor_msgs/msg/Image".
        qos: an rclpy QoSProfile.
    """

    node: str
    type_name: str
    qos: Any


@dataclass(frozen=True)
class SeenImage:
    """Hold what an image message says of itself.

    Attributes:
        received_ns: by the clock that stamps are compared with, nanoseconds.
        stamp_ns: its stamp.
        frame_id: its frame.
        width, height: pixels; 0 where the data cannot be decoded.
        encoding: of a raw image, or the format of a compressed one.
        fault: why it cannot be used; empty when it can.
    """

    received_ns: int
    stamp_ns: int
    frame_id: str
    width: int
    height: int
    encoding: str
    fault: str = ""


@dataclass
class CameraObservation:
    """Gather what was seen of one camera.

    Attributes:
        image_topic, info_topic: full names.
        compressed: the topic is meant to hold CompressedImage.
        holds_depth: a perception node takes depth from it, not images.
        image_publishers, info_publishers: who offers them.
        image_subscribers: the perception nodes that take them.
        images: in the order of arrival.
        infos: the newest sensor_msgs/CameraInfo messages.
    """

    image_topic: str
    info_topic: str
    compressed: bool = False
    holds_depth: bool = False
    image_publishers: list[Endpoint] = field(default_factory=list)
    info_publishers: list[Endpoint] = field(default_factory=list)
    image_subscribers: list[Endpoint] = field(default_factory=list)
    images: list[SeenImage] = field(default_factory=list)
    infos: list[Any] = field(default_factory=list)

    @property
    def type_name(self) -> str:
        """Return the type that the image topic should have."""
        return f"sensor_msgs/msg/{'CompressedImage' if self.compressed else 'Image'}"


@dataclass
class Observation:
    """Gather what was seen of a graph.

    Attributes:
        seconds: how long it was listened to.
        domain: ROS domain.
        cameras: by image topic, those that perception nodes take first.
        perception: full names of the perception nodes.
        lifecycle: state of each perception node that has a lifecycle.
        diagnostics: newest DiagnosticStatus of each perception node that was heard.
        parents: (parent, is static) by child frame_id, from TF.
        transform_stamps: newest stamp of each moving child frame_id, nanoseconds.
        now_ns: when listening ended, by the clock that stamps are compared with.
        clock: "system time" or "/clock".
    """

    seconds: float
    domain: str
    cameras: list[CameraObservation] = field(default_factory=list)
    perception: list[str] = field(default_factory=list)
    lifecycle: dict[str, str] = field(default_factory=dict)
    diagnostics: dict[str, Any] = field(default_factory=dict)
    parents: dict[str, tuple[str, bool]] = field(default_factory=dict)
    transform_stamps: dict[str, int] = field(default_factory=dict)
    now_ns: int = 0
    clock: str = "system time"
