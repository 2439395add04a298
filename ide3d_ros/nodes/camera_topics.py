# SPDX-License-Identifier: Apache-2.0
"""The topics that every camera of this package publishes, simulated or recorded."""

from __future__ import annotations

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tf2_msgs.msg import TFMessage

from ide3d_ros.nodes import qos


class CameraTopics:
    """Hold a camera's publishers.

    Attributes:
        images, compressed, depths, infos: image, image/compressed, depth (32FC1, in the pixels of the image)
            and camera_info; their QoS may be overridden.
        tf, tf_static: absolute, as TF is one tree; a namespaced robot remaps /tf to tf.
    """

    def __init__(self, node: Node, reliability: str) -> None:
        """Create the publishers.

        Args:
            node: the node that publishes.
            reliability: of the camera topics, "reliable" or "best_effort".
        """
        camera_qos, overridable = qos.sensor_output(reliability), qos.overridable()

        def camera_topic(kind: type, name: str):
            return node.create_publisher(kind, name, camera_qos, qos_overriding_options=overridable)

        self.images = camera_topic(Image, "image")
        self.compressed = camera_topic(CompressedImage, "image/compressed")
        self.depths = camera_topic(Image, "depth")
        self.infos = camera_topic(CameraInfo, "camera_info")
        self.tf = node.create_publisher(TFMessage, "/tf", qos.TRANSFORMS)
        self.tf_static = node.create_publisher(TFMessage, "/tf_static", qos.STATIC_TRANSFORMS)

    def are_watched(self) -> bool:
        """Say whether somebody subscribes to the images, raw or compressed."""
        return self.images.get_subscription_count() + self.compressed.get_subscription_count() > 0
