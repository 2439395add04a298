# SPDX-License-Identifier: Apache-2.0
"""The simulated room as a robot's camera: images, camera_info, TF, and what is really there.

The camera swings slowly around the furniture. Frame k shows the room at the time k / rate, so that a seed and
a frame number always give the same picture, however fast the machine draws.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from rclpy.node import Node
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

from ide3d_ros.conversions.boxes import detection_array
from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.conversions.images import compressed_from_rgb, image_from_depth, image_from_rgb
from ide3d_ros.conversions.stamps import header, nanoseconds_from_time
from ide3d_ros.conversions.transforms import transform_from_matrix
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes import qos
from ide3d_ros.nodes.camera_topics import CameraTopics
from ide3d_ros.nodes.parameters import Parameter, ParameterError, ParameterSet, Value
from ide3d_ros.nodes.reporting import Reporter
from ide3d_ros.nodes.running import run_node
from ide3d_ros.scene.results import Detection, Frame

if TYPE_CHECKING:
    from ide3d_training.worlds.renderer import Rendered

SIM_CAMERA_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "room.seed",
        800009,
        "Which room; set it while running to move to another.",
        bounds=(0, 2**31 - 1),
        dynamic=True,
    ),
    Parameter("camera.width", 320, "Width of the image, pixels.", bounds=(16, 1920)),
    Parameter("camera.height", 240, "Height of the image, pixels.", bounds=(16, 1080)),
    Parameter("camera.rate_hz", 10.0, "Frames a second at most.", bounds=(0.1, 120.0)),
    Parameter(
        "camera.trajectory",
        "swing",
        "How the camera moves: swing around the furniture, or stand still.",
        choices=("swing", "still"),
        dynamic=True,
    ),
    Parameter("camera.name", "camera", "Stem of the frame_ids NAME_link and NAME_optical_frame."),
    Parameter(
        "camera.reliability",
        "reliable",
        "Reliability of the camera topics.",
        choices=("reliable", "best_effort"),
    ),
    Parameter("world.frame_id", "map", "The room's frame: z up, floor at z = 0."),
)

LINK_FROM_OPTICAL = np.array(
    [[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""REP 103: a camera's link has x forward, y left, z up; its optical frame x right, y down, z forward."""


class RoomCamera:
    """Draw a room's frames one after the other. Knows nothing of ROS."""

    def __init__(self, width: int, height: int) -> None:
        """Start the renderer.

        Args:
            width: of the image, pixels.
            height: of the image, pixels.

        Raises:
            ParameterError: if the simulator is not installed or OpenGL does not start.
        """
        try:
            from ide3d_training.worlds.motion import trajectory
            from ide3d_training.worlds.renderer import RoomRenderer
            from ide3d_training.worlds.room import Room

            self._renderer = RoomRenderer(width, height)
        except ImportError as error:
            raise ParameterError(
                f"the simulated room cannot be drawn ({error}); install the simulation requirements: "
                "pip install -r requirements/simulation.txt"
            ) from error
        except RuntimeError as error:  # OpenGL; its sentence says what to set
            raise ParameterError(f"the simulated room cannot be drawn: {error}") from error
        self._make_room, self._trajectory = Room.from_seed, trajectory
        self._room = None

    def shoot(self, seed: int, time_s: float, index: int) -> Rendered:
        """Draw one frame.

        Args:
            seed: of the room.
            time_s: along the camera's path, seconds.
            index: number of the frame, kept in its labels.
        """
        if self._room is None or self._room.seed != seed:
            self._room = self._make_room(seed)
        pose = self._trajectory(self._room, time_s)
        camera = Camera.from_fov(self._renderer.width, self._renderer.height, pose.horizontal_fov)
        return self._renderer.render(self._room, pose, camera, index)

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()


class SimCameraNode(Node):
    """Publish a simulated room as camera topics."""

    def __init__(self, **node_arguments: object) -> None:
        """Create the node and draw a first frame.

        Args:
            node_arguments: for rclpy's Node: context, namespace, parameter_overrides, cli_args.

        Raises:
            ParameterError: if a parameter is unknown or not allowed, or nothing can be drawn.
        """
        super().__init__("sim_camera", **node_arguments)
        self.parameters = ParameterSet(self, SIM_CAMERA_PARAMETERS, self._apply_parameters)
        self._report = Reporter(self.get_logger(), self.context.ok)
        self._camera = RoomCamera(self.parameters["camera.width"], self.parameters["camera.height"])
        self._index = 0
        self._link = f"{self.parameters['camera.name']}_link"
        self._optical = f"{self.parameters['camera.name']}_optical_frame"
        self._topics = CameraTopics(self, self.parameters["camera.reliability"])
        self._truth = self.create_publisher(Detection3DArray, "ground_truth", qos.RESULT)
        self._graphs = self.create_publisher(String, "ground_truth_graph", qos.RESULT)
        self._publish_mounting()
        self.create_timer(
            1.0 / self.parameters["camera.rate_hz"], self._report.guarded("frame", self._publish_frame)
        )

    def destroy_node(self) -> None:
        """Free the renderer, then the node."""
        self._camera.close()
        super().destroy_node()

    def _publish_mounting(self) -> None:
        mounting = transform_from_matrix(
            LINK_FROM_OPTICAL, target_frame_id=self._link, source_frame_id=self._optical, stamp_ns=0
        )
        self._topics.tf_static.publish(TFMessage(transforms=[mounting]))

    def _publish_frame(self) -> None:
        moves = self.parameters["camera.trajectory"] == "swing"
        time_s = self._index / self.parameters["camera.rate_hz"] if moves else 0.0
        stamp_ns = nanoseconds_from_time(self.get_clock().now().to_msg())
        rendered = self._camera.shoot(self.parameters["room.seed"], time_s, self._index)
        self._index += 1
        graph, stamped = rendered.graph, {"stamp_ns": stamp_ns, "frame_id": self._optical}
        world_from_link = graph.world_from_camera @ np.linalg.inv(LINK_FROM_OPTICAL)
        self._topics.tf.publish(
            TFMessage(
                transforms=[
                    transform_from_matrix(
                        world_from_link,
                        target_frame_id=self.parameters["world.frame_id"],
                        source_frame_id=self._link,
                        stamp_ns=stamp_ns,
                    )
                ]
            )
        )
        self._topics.infos.publish(info_from_camera(graph.camera, **stamped))
        self._topics.images.publish(image_from_rgb(rendered.rgb, **stamped))
        if self._topics.compressed.get_subscription_count() > 0:
            self._topics.compressed.publish(compressed_from_rgb(rendered.rgb, **stamped))
        if self._topics.depths.get_subscription_count() > 0:
            depth = np.where(rendered.depth > 0, rendered.depth, np.nan)
            self._topics.depths.publish(image_from_depth(depth, **stamped))
        truth = ground_truth(rendered, **stamped)
        self._truth.publish(detection_array(truth, header(self._optical, stamp_ns)))
        if self._graphs.get_subscription_count() > 0:
            labels = {"stamp_ns": stamp_ns, "frame_id": self._optical, "graph": json.loads(graph.to_json())}
            self._graphs.publish(String(data=json.dumps(labels, separators=(",", ":"))))

    def _apply_parameters(self, _values: Mapping[str, Value]) -> None:
        self._index = 0  # another room, or another way through it, starts at its beginning


def ground_truth(rendered: Rendered, *, stamp_ns: int, frame_id: str) -> list[Detection]:
    """State what a rendered frame shows as detections.

    Args:
        rendered: the frame with its labels.
        stamp_ns: its stamp, nanoseconds.
        frame_id: its optical frame.

    Returns:
        One detection for each object that shows enough to be noticed. Its label is the colour and the
        category, its score the visible fraction, its covariance zero, as the numbers are exact.
    """
    graph = rendered.graph
    frame = Frame(frame_id, stamp_ns, graph.camera)
    return [
        Detection(
            label=f"{thing.color} {thing.category}",
            score=min(1.0, max(0.0, float(thing.visible_fraction))),
            box=thing.box,
            frame=frame,
            covariance=np.zeros((6, 6)),
            category=thing.category,
            color=thing.color,
        )
        for thing in graph.objects
        if not graph.is_unseen(thing) and math.isfinite(thing.visible_fraction)
    ]


def main(args: list[str] | None = None) -> None:
    """Run the simulated camera until it is told to stop."""
    run_node(SimCameraNode, args)
