# SPDX-License-Identifier: Apache-2.0
"""A bundle that reads depth and pose runs on a node that is told where they are, or it does not start."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from camera_stand_in import CAMERA, CameraStandIn
from diagnostic_msgs.msg import DiagnosticArray
from fake_bundle import FOCAL_VIRTUAL
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from ros_graph import Graph, NodeProcess, until
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

from ide3d_msgs.msg import Status
from ide3d_msgs.srv import Locate
from ide3d_ros.bundle import Bundle
from ide3d_ros.conversions.images import image_from_depth
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.conversions.transforms import transform_from_matrix
from ide3d_ros.geometry.transform import from_rotation_translation
from ide3d_ros.nodes import qos

PERCEPTION = "ide3d_ros.nodes.perception"
ERROR = b"\x02"
SETTINGS = (
    "detection.rate_hz:=50.0",
    "diagnostics.period_s:=0.1",
    "query.max_frame_age_s:=600.0",
    "depth.topic:=depth",
    "fixed_frame:=odom",
    "depth.wait_s:=0.3",
)


class World:
    """A camera with depth on a robot that knows where it is, and what perception says."""

    def __init__(self, graph: Graph, name: str = "") -> None:
        self.camera = CameraStandIn(graph, name=name)
        prefix = f"{name}/" if name else ""
        self.depths = graph.speak(Image, f"{prefix}depth", 5)
        self.tf = graph.speak(TFMessage, "/tf", qos.TRANSFORMS)
        self.heard = graph.listen(Detection3DArray, f"{prefix}detections")
        self.diagnostics = graph.listen(DiagnosticArray, "/diagnostics")

    def pose(self, stamp_ns: int, x: float) -> None:
        """Say where the camera is: east (x > 0) or west of the world's origin."""
        pose = from_rotation_translation(np.eye(3), np.array([x, 0.0, 1.0]))
        moved = transform_from_matrix(
            pose, target_frame_id="odom", source_frame_id=self.camera.frame_id, stamp_ns=stamp_ns
        )
        self.tf.publish(TFMessage(transforms=[moved]))

    def depth(self, stamp_ns: int, metres: float = 3.0, **changes: object) -> None:
        """Publish a wall, with some fields of the message changed."""
        message = image_from_depth(
            np.full((CAMERA.height, CAMERA.width), metres), stamp_ns=stamp_ns, frame_id=self.camera.frame_id
        )
        for name, value in changes.items():
            setattr(message, name, value)
        self.depths.publish(message)

    def show(self, metres: float = 3.0, x: float = 1.0, late_ns: int = 0) -> int:
        """Publish a frame with its depth and pose; return its stamp, nanoseconds."""
        self.pose(self.camera.stamp_ns, x)
        stamp_ns = self.camera.show()
        self.depth(stamp_ns + late_ns, metres)
        self.pose(stamp_ns + 1, x)
        return stamp_ns

    def status(self) -> tuple[bytes, str, dict[str, str]]:
        """Return level, sentence and values of the newest diagnostics."""
        if not self.diagnostics:
            return b"", "", {}
        status = self.diagnostics[-1].status[-1]
        return status.level, status.message, {pair.key: pair.value for pair in status.values}

    def count(self, key: str) -> int:
        """Return a count of the newest diagnostics."""
        return int(self.status()[2].get(key, 0))

    def distances(self) -> set[float]:
        """Return how far away boxes are, to a millimetre."""
        found = [one.bbox.center.position.z for message in self.heard for one in message.detections]
        return {round(z, 3) for z in found}


@pytest.fixture
def perception(start: Callable[..., NodeProcess], depth_bundle: Bundle) -> NodeProcess:
    """Run perception with a bundle that reads depth and pose."""
    return start(PERCEPTION, f"model.bundle:={depth_bundle.folder}", *SETTINGS)


def expected_distance(metres: float) -> float:
    """Say where the hand-built bundle puts what it sees at a depth."""
    return round(metres * CAMERA.fx / FOCAL_VIRTUAL, 3)


def test_boxes_follow_the_depth_and_the_pose_of_their_frame(graph: Graph, perception: NodeProcess) -> None:
    world = World(graph)
    until(lambda: world.show(3.0) and world.distances(), perception.output, 20)
    assert world.distances() == {expected_distance(3.0)}
    world.heard.clear()
    until(lambda: world.show(5.0) and expected_distance(5.0) in world.distances(), "the depth is old", 20)
    # Millimetres in 16 bits are the same depth.
    wall = np.full((CAMERA.height, CAMERA.width), 4000, np.uint16)
    world.heard.clear()

    def shown_in_millimetres() -> bool:
        world.pose(world.camera.stamp_ns, 1.0)
        stamp_ns = world.camera.show()
        world.pose(stamp_ns + 1, 1.0)
        world.depth(stamp_ns, encoding="16UC1", step=2 * CAMERA.width, data=wall.tobytes())
        return expected_distance(4.0) in world.distances()

    until(shown_in_millimetres, perception.output, 20)
    located = graph.call(Locate, "perception/locate", expression="the red chair")
    assert located.status.code == Status.OK, located.status.message

    # West of the world's origin that bundle is blind.
    west_ns = world.camera.stamp_ns
    world.heard.clear()

    def blind() -> bool:
        world.show(3.0, x=-1.5)
        in_the_west = [one for one in world.heard if nanoseconds_from_time(one.header.stamp) > west_ns]
        return any(not one.detections for one in in_the_west)

    until(blind, "the pose is not read", 20)
    until(lambda: world.show() and world.count("frames_completed") > 3, "not counted")
    assert "depth_rate_hz" in world.status()[2]


def test_nothing_is_published_without_depth_and_the_frames_are_counted(
    graph: Graph, perception: NodeProcess
) -> None:
    world = World(graph)

    def dropped() -> bool:
        world.pose(world.camera.stamp_ns, 1.0)
        world.pose(world.camera.show() + 1, 1.0)
        return world.count("frames_without_depth") > 3 and world.status()[0] == ERROR

    until(dropped, perception.output, 20)
    assert world.heard == [] and world.count("frames_offered") == 0
    assert f"{graph.namespace}/depth: no depth has come within 0.3 s" in world.status()[1]
    located = graph.call(Locate, "perception/locate", expression="the red chair")
    assert located.status.code == Status.NO_FRAMES
    assert "for depth and world_from_camera the diagnostics" in located.status.message
    until(lambda: world.show() and world.heard, "it does not go on when depth comes", 20)


def test_nothing_is_published_without_a_pose_and_the_cause_is_named(
    graph: Graph, perception: NodeProcess
) -> None:
    world = World(graph)

    def dropped() -> bool:
        world.depth(world.camera.show())
        return world.count("frames_without_pose") > 3 and world.status()[0] == ERROR

    until(dropped, perception.output, 20)
    assert world.heard == []
    assert "no pose of the camera in fixed_frame 'odom'" in world.status()[1]
    until(lambda: world.show() and world.heard, "it does not go on when TF comes", 20)


def test_depth_of_another_moment_is_not_taken(graph: Graph, perception: NodeProcess) -> None:
    world = World(graph)
    with_depth: set[int] = set()

    def shown() -> bool:
        with_depth.add(world.show(late_ns=5_000_000))
        time.sleep(0.03)
        world.pose(world.camera.show() + 1, 1.0)  # 33 ms after it, and the nearest depth is 28 ms away
        time.sleep(0.03)
        return world.count("frames_without_depth") > 3 and len(world.heard) > 3

    until(shown, perception.output, 20)
    assert {nanoseconds_from_time(one.header.stamp) for one in world.heard} <= with_depth
    told = {one.message for message in world.diagnostics for one in message.status}
    assert any("no depth of an image's moment: the nearest is 28 ms away" in text for text in told), told


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"encoding": "rgb8"}, "encoding 'rgb8' is not a depth picture; publish one of 16UC1"),
        ({"width": 64, "height": 24, "data": bytes(4 * 64 * 24)}, "the depth is 64x24 but its image 64x48"),
    ],
)
def test_depth_that_cannot_be_used_is_an_error_that_names_the_cause(
    graph: Graph, perception: NodeProcess, changes: dict[str, object], cause: str
) -> None:
    world = World(graph)

    def refused() -> bool:
        world.pose(world.camera.stamp_ns, 1.0)
        stamp_ns = world.camera.show()
        world.pose(stamp_ns + 1, 1.0)
        world.depth(stamp_ns, **changes)
        return world.status()[0] == ERROR and cause in world.status()[1]

    until(refused, perception.output, 20)
    assert world.heard == [] and world.count("depth_refused") > 0


def test_smaller_depth_of_the_same_shape_is_enlarged(graph: Graph, perception: NodeProcess) -> None:
    world = World(graph)
    small = np.full((24, 32), 2.5, np.float32)

    def seen() -> bool:
        world.pose(world.camera.stamp_ns, 1.0)
        stamp_ns = world.camera.show()
        world.pose(stamp_ns + 1, 1.0)
        world.depth(stamp_ns, width=32, height=24, step=128, data=small.tobytes())
        return world.distances() == {expected_distance(2.5)}

    until(seen, perception.output, 20)


def test_node_that_is_not_told_where_depth_is_refuses_to_start(
    start: Callable[..., NodeProcess], graph: Graph, depth_bundle: Bundle
) -> None:
    node = start(
        PERCEPTION,
        "autostart:=false",
        f"model.bundle:={depth_bundle.folder}",
        "fixed_frame:=odom",
        "diagnostics.period_s:=0.1",
    )
    configure = Transition(id=Transition.TRANSITION_CONFIGURE)
    assert not graph.call(ChangeState, "perception/change_state", transition=configure).success
    status = graph.call(Locate, "perception/locate", expression="the chair").status
    assert status.code == Status.ENGINE_ERROR
    assert "reads depth of every frame besides image and camera_info; set depth.topic to" in status.message
    assert "fixed_frame" not in status.message
    assert node.alive and "Traceback" not in node.output()


def test_depth_that_no_bundle_reads_is_warned_of_once_and_never_subscribed_to(
    start: Callable[..., NodeProcess], graph: Graph, fake_bundle: Bundle
) -> None:
    node = start(PERCEPTION, f"model.bundle:={fake_bundle.folder}", *SETTINGS)
    camera = CameraStandIn(graph)
    heard = graph.listen(Detection3DArray, "detections")
    until(lambda: camera.show() and len(heard) > 3, node.output, 20)
    assert graph.node.count_subscribers(f"{graph.namespace}/depth") == 0
    assert graph.node.count_subscribers("/tf") == 0
    assert node.output().count("depth.topic and fixed_frame will not be listened to") == 1


def test_each_camera_has_depth_of_its_own_and_only_while_it_is_active(
    start: Callable[..., NodeProcess], graph: Graph, depth_bundle: Bundle, tmp_path
) -> None:
    parameters = tmp_path / "pair.yaml"
    parameters.write_text(
        "/**:\n  ros__parameters:\n    cameras: [front, rear]\n    fixed_frame: odom\n"
        f"    model: {{bundle: {depth_bundle.folder}}}\n    depth: {{topic: depth}}\n"
        "    detection: {rate_hz: 50.0}\n    diagnostics: {period_s: 0.1}\n"
    )
    node = start(PERCEPTION, "--params-file", str(parameters))
    front, rear = World(graph, "front"), World(graph, "rear")

    def both() -> bool:
        front.show(3.0)
        rear.show(6.0)
        return bool(front.distances() and rear.distances())

    until(both, node.output, 20)
    assert front.distances() == {expected_distance(3.0)} and rear.distances() == {expected_distance(6.0)}
    future = graph.client(ChangeState, "perception/change_state").call_async(
        ChangeState.Request(transition=Transition(id=Transition.TRANSITION_DEACTIVATE))
    )
    until(future.done, "not answered", 30)
    for name in ("front", "rear"):
        topic = f"{graph.namespace}/{name}/depth"
        until(lambda topic=topic: graph.node.count_subscribers(topic) == 0, f"{topic} is still listened to")


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("depth.topic:=dep th",), "is no topic name"),
        (("depth.topic:=/depth", "cameras:=[front,rear]"), "is one topic for several cameras"),
    ],
)
def test_depth_topic_that_cannot_be_ends_the_start_with_one_line(
    start: Callable[..., NodeProcess], arguments: tuple[str, ...], cause: str
) -> None:
    node = start(PERCEPTION, *arguments)
    assert node.wait() == 1
    assert "parameter depth.topic" in node.output() and cause in node.output()
    assert "Traceback" not in node.output()
