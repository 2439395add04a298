# SPDX-License-Identifier: Apache-2.0
"""Boxes in a target frame: TF at the image's stamp when it is there or late, no boxes when it is missing."""

from __future__ import annotations

import time

import numpy as np
import pytest
from camera_stand_in import CAMERA, FRAME_ID, RED_CHAIR, CameraStandIn
from diagnostic_msgs.msg import DiagnosticArray
from ros_graph import Graph, NodeProcess, until
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from ide3d_msgs.msg import Status
from ide3d_msgs.srv import Ask, Locate
from ide3d_ros.bundle import Bundle
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.conversions.transforms import transform_from_matrix
from ide3d_ros.geometry.rotation import yaw_rotation
from ide3d_ros.geometry.transform import apply, from_rotation_translation, turn_covariance
from ide3d_ros.nodes import qos
from ide3d_ros.scene import Scene
from ide3d_ros.scene.results import Detection

BASE_FROM_OPTICAL = np.array([[0, 0, 1, 0.1], [-1, 0, 0, 0], [0, -1, 0, 1.2], [0, 0, 0, 1.0]])


class Robot:
    """Publish where the base is, and how the camera sits on it."""

    def __init__(self, graph: Graph) -> None:
        self._tf = graph.speak(TFMessage, "/tf", qos.TRANSFORMS)
        self._static = graph.speak(TFMessage, "/tf_static", qos.STATIC_TRANSFORMS)

    def mount(self) -> None:
        """Say how the camera sits on the base."""
        mounting = transform_from_matrix(
            BASE_FROM_OPTICAL, target_frame_id="base_link", source_frame_id=FRAME_ID, stamp_ns=0
        )
        self._static.publish(TFMessage(transforms=[mounting]))

    def at(self, x: float, yaw: float, stamp_ns: int) -> np.ndarray:
        """Say where the base is; return map_from_optical there."""
        pose = from_rotation_translation(yaw_rotation(yaw), np.array([x, 2.0, 0.0]))
        moved = transform_from_matrix(
            pose, target_frame_id="map", source_frame_id="base_link", stamp_ns=stamp_ns
        )
        self._tf.publish(TFMessage(transforms=[moved]))
        return pose @ BASE_FROM_OPTICAL


class World:
    """A robot with a camera, and what perception says of it in the map."""

    def __init__(self, graph: Graph) -> None:
        self.camera, self.robot = CameraStandIn(graph), Robot(graph)
        self.heard = graph.listen(Detection3DArray, "detections")
        self.drawn = graph.listen(MarkerArray, "markers")
        self.diagnostics = graph.listen(DiagnosticArray, "/diagnostics")

    def value(self, key: str) -> int:
        """Return a count of the newest diagnostics."""
        pairs = self.diagnostics[-1].status[0].values if self.diagnostics else []
        return int(next((pair.value for pair in pairs if pair.key == key), 0))

    def detection(self, stamp_ns: int) -> Detection3DArray | None:
        """Return what was said of one frame."""
        for message in self.heard:
            if nanoseconds_from_time(message.header.stamp) == stamp_ns:
                return message
        return None


@pytest.fixture
def mapper(start, graph: Graph, fake_bundle) -> NodeProcess:
    """Run perception with boxes wanted in the map."""
    return start(
        "ide3d_ros.nodes.perception",
        f"model.bundle:={fake_bundle.folder}",
        "target_frame:=map",
        "target_frame_wait_s:=5.0",
        "detection.rate_hz:=50.0",
        "query.max_frame_age_s:=600.0",
        "query.freshness_s:=60.0",
        "diagnostics.period_s:=0.1",
    )


@pytest.fixture
def optical(fake_bundle: Bundle) -> Detection:
    """Say what the bundle sees in the optical frame."""
    scene = Scene.open(fake_bundle.folder)
    scene.add_frame(RED_CHAIR, CAMERA, stamp_ns=1, frame_id=FRAME_ID)
    (chair,) = scene.detect()
    return chair


def test_boxes_wait_for_tf_that_is_late_and_are_taken_at_the_image_s_stamp(
    optical: Detection, graph: Graph, mapper: NodeProcess
) -> None:
    world = World(graph)
    world.robot.mount()
    # The base moves on between two samples of TF, and the image was taken a quarter of the way.
    world.robot.at(1.0, 0.0, world.camera.stamp_ns)

    def shown() -> bool:
        if world.value("frames_encoded") == 0:
            world.camera.show()
        return world.value("frames_encoded") > 0

    until(shown, "the frame was not taken", 20)
    assert world.detection(world.camera.stamp_ns) is None, "it cannot know yet where the camera was"

    def placed() -> Detection3DArray | None:
        # A new frame, and TF on both sides of it; again if the camera's mounting was not heard of in time.
        world.camera.stamp_ns += 1_000_000_000
        stamp_ns = world.camera.show()
        world.robot.at(1.0, 0.2, stamp_ns - 10_000_000)
        world.robot.at(3.0, 0.6, stamp_ns + 30_000_000)
        end = time.monotonic() + 2.0
        while (said := world.detection(stamp_ns)) is None and time.monotonic() < end:
            time.sleep(0.01)
        return said

    half = from_rotation_translation(yaw_rotation(0.3), np.array([1.5, 2.0, 0.0])) @ BASE_FROM_OPTICAL
    message = until(placed, lambda: f"no boxes in the map: {mapper.output()}", 20)
    assert message.header.frame_id == "map"
    (one,) = message.detections
    assert one.header == message.header
    found = one.bbox.center.position
    np.testing.assert_allclose([found.x, found.y, found.z], apply(half, optical.box.center), atol=1e-6)
    np.testing.assert_allclose(
        np.array(one.results[0].pose.covariance).reshape(6, 6),
        turn_covariance(half, optical.covariance),
        atol=1e-6,
    )
    until(lambda: world.drawn, "no markers")
    assert {marker.header.frame_id for marker in world.drawn[-1].markers} == {"map"}

    located = graph.call(Locate, "perception/locate", expression="the red chair")
    assert located.status.code == Status.OK, located.status.message
    assert located.detections.header.frame_id == "map"
    assert located.frames[-1].frame_id == FRAME_ID
    answer = graph.call(Ask, "perception/ask", question="is there a chair").answer
    assert answer.status.code == Status.OK, answer.status.message
    assert {one.header.frame_id for one in answer.evidence} <= {"map"}


def test_no_box_is_published_without_tf_and_what_is_missing_is_named(
    graph: Graph, mapper: NodeProcess
) -> None:
    begin = time.monotonic()
    world = World(graph)
    until(lambda: world.camera.show() and world.value("tf_failures") > 2, "not counted", 20)
    status = world.diagnostics[-1].status[0]
    assert world.heard == [] and world.drawn == []
    located = graph.call(Locate, "perception/locate", expression="the red chair")
    assert located.status.code == Status.NO_TRANSFORM
    assert FRAME_ID in located.status.message or "'map'" in located.status.message
    assert located.detections.detections == []
    answer = graph.call(Ask, "perception/ask", question="is there a chair").answer
    assert answer.text.strip() == "yes"
    assert list(answer.evidence) == []
    absent = graph.call(Locate, "perception/locate", expression="the zebra")
    assert absent.status.code == Status.NO_TARGET, "nothing is there, in whichever frame"
    until(
        lambda: (
            world.camera.show() and "no transform to target_frame" in world.diagnostics[-1].status[0].message
        ),
        status.message,
    )
    lines = mapper.output().count("no boxes in target_frame 'map'")
    assert 1 <= lines <= 1 + (time.monotonic() - begin) / 5, "not one throttled line"

    # A gap in the tree is named; once TF is whole, boxes come without a restart.
    world.robot.mount()

    def whole() -> bool:
        stamp_ns = world.camera.show()
        world.robot.at(0.0, 0.0, stamp_ns - 1)
        world.robot.at(0.0, 0.0, stamp_ns + 1)
        return bool(world.heard)

    until(whole, "boxes do not come", 20)
    assert world.heard[-1].header.frame_id == "map"


def test_image_from_before_tf_began_is_refused_at_once(graph: Graph, mapper: NodeProcess) -> None:
    world = World(graph)
    world.robot.mount()
    beginning_ns = world.camera.stamp_ns + 10**12

    def refused() -> bool:
        world.robot.at(0.0, 0.0, beginning_ns)
        world.camera.show()
        return "newer than the frame" in mapper.output()

    until(refused, mapper.output, 20)
    assert world.heard == []
