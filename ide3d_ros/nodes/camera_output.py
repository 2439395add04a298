# SPDX-License-Identifier: Apache-2.0
"""What is published about each frame of one camera: detections, markers and the overlay."""

from __future__ import annotations

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from ide3d_ros.conversions.boxes import detection_array, is_publishable
from ide3d_ros.conversions.images import image_from_rgb
from ide3d_ros.conversions.markers import marker_array
from ide3d_ros.conversions.overlay import draw_detections
from ide3d_ros.conversions.stamps import header
from ide3d_ros.nodes import qos
from ide3d_ros.nodes.frames import FrameResult, camera_topic
from ide3d_ros.nodes.parameters import ParameterSet
from ide3d_ros.scene.results import Detection, Location
from ide3d_ros.scene.status import Status


class CameraOutput:
    """Publish the results of one camera; nothing goes out while the node is not active."""

    def __init__(self, node: LifecycleNode, parameters: ParameterSet, camera: str) -> None:
        """Create the publishers.

        Args:
            node: the node that publishes.
            parameters: of the node; min_score and the markers' lifetime may change while it runs.
            camera: its name.
        """
        self._node = node
        self._parameters = parameters

        def publisher(kind: type, name: str, profile: object):
            return node.create_lifecycle_publisher(
                kind, camera_topic(camera, name), profile, qos_overriding_options=qos.overridable()
            )

        self._detections = publisher(Detection3DArray, "detections", qos.RESULT)
        self._markers = publisher(MarkerArray, "markers", qos.NEWEST_RESULT)
        self._overlay = publisher(Image, "overlay", qos.NEWEST_RESULT)

    def close(self) -> None:
        """Take the topics off the graph."""
        for publisher in (self._detections, self._markers, self._overlay):
            self._node.destroy_lifecycle_publisher(publisher)

    def publish(self, result: FrameResult) -> None:
        """Publish one frame's detections, also when there are none; but nothing for want of a transform."""
        if result.placed.status is not Status.NO_TRANSFORM:
            self._publish_boxes(result)
        if self._overlay.get_subscription_count() > 0:
            frame = result.frame
            seen_here = [one for one in self._chosen(result.location) if one.frame == frame]
            drawn = draw_detections(result.image, seen_here, frame.camera)
            self._overlay.publish(image_from_rgb(drawn, stamp_ns=frame.stamp_ns, frame_id=frame.frame_id))

    def _publish_boxes(self, result: FrameResult) -> None:
        detections = self._chosen(result.placed)
        stamped = header(self._parameters["target_frame"] or result.frame.frame_id, result.frame.stamp_ns)
        self._detections.publish(detection_array(detections, stamped))
        if self._markers.get_subscription_count() > 0:  # they cost more to make than the detections
            lifetime_s = self._parameters["markers.lifetime_s"]
            self._markers.publish(marker_array(detections, stamped, lifetime_s=lifetime_s))

    def _chosen(self, location: Location) -> list[Detection]:
        minimum = self._parameters["detection.min_score"]
        return [one for one in location.detections if one.score >= minimum and is_publishable(one)]
