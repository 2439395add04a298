# SPDX-License-Identifier: Apache-2.0
"""One camera's subscriptions: images and camera_info in, frames out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from ide3d_ros.nodes import qos
from ide3d_ros.nodes.frames import FrameInput, camera_topic
from ide3d_ros.nodes.intake import FrameIntake, IntakeError
from ide3d_ros.nodes.reporting import Reporter
from ide3d_ros.nodes.silence import SilenceWatch
from ide3d_ros.nodes.transforms import FrameTransforms


class CameraInput:
    """Listen to one camera.

    Attributes:
        intake: what became of its messages.
        silence: says why none come.
    """

    def __init__(
        self,
        node: Node,
        report: Reporter,
        on_frame: Callable[[FrameInput], None],
        *,
        camera: str,
        transforms: FrameTransforms | None,
        transport: str,
        images: str,
    ) -> None:
        """Subscribe.

        Args:
            node: the node that listens.
            report: where refusals go.
            on_frame: takes every frame that can be used.
            camera: its name.
            transforms: where the camera is; None where boxes stay in its optical frame.
            transport: "raw" or "compressed".
            images: "raw" or "rectified".
        """
        self._node = node
        self._report = report
        self._on_frame = on_frame
        self._transforms = transforms
        topic, kind = ("image/compressed", CompressedImage) if transport == "compressed" else ("image", Image)
        topic, info_topic = camera_topic(camera, topic), camera_topic(camera, "camera_info")
        self._topic = node.resolve_topic_name(topic)
        self.intake = FrameIntake(
            images, image_topic=self._topic, info_topic=node.resolve_topic_name(info_topic)
        )
        self.silence = SilenceWatch(node, self._topic, report)
        self._take = self.intake.take_compressed if transport == "compressed" else self.intake.take_image
        self._subscriptions = [
            node.create_subscription(
                message,
                name,
                report.guarded(name, callback),
                qos.SENSOR_INPUT,
                qos_overriding_options=qos.overridable(),
            )
            for message, name, callback in (
                (kind, topic, self._on_image),
                (CameraInfo, info_topic, self._on_info),
            )
        ]

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _on_image(self, message: Image | CompressedImage) -> None:
        try:
            frame = self._take(message, received_s=time.monotonic())
        except IntakeError as error:
            # At the start an image often comes before its camera_info: no error yet, but worth a line.
            complain = self._report.warn if error.kind == "no_camera_info" else self._report.error
            complain(f"{self._topic}:{error.kind}", str(error))
            return
        if self._transforms is not None:
            capture = self._transforms.capture(frame.frame_id, frame.stamp_ns)
            frame = replace(frame, target_from_optical=capture.target_from_optical)
        self._on_frame(frame)

    def _on_info(self, message: CameraInfo) -> None:
        try:
            self.intake.take_info(message)
        except IntakeError as error:
            self._report.error(f"{self._topic}:camera_info", str(error))
