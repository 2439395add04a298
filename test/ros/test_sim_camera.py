# SPDX-License-Identifier: Apache-2.0
"""The simulated camera on a live graph: its topics agree with one another and with the room."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from ros_graph import Graph, NodeProcess, until
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

from ide3d_ros.conversions.boxes import detection_from_message
from ide3d_ros.conversions.cameras import camera_from_info
from ide3d_ros.conversions.images import depth_from_image, rgb_from_compressed, rgb_from_image
from ide3d_ros.conversions.stamps import nanoseconds_from_time
from ide3d_ros.conversions.transforms import matrix_from_transform
from ide3d_training.worlds.scene_graph import FrameGraph

LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)


@pytest.fixture(scope="module")
def heard(shared_graph: Graph, tmp_path_factory) -> dict[str, dict[int, object]]:
    """Run the camera and keep what it says, by topic and stamp."""
    by_stamp: dict[str, dict[int, object]] = {}
    for topic, kind in {
        "image": Image,
        "image/compressed": CompressedImage,
        "camera_info": CameraInfo,
        "depth": Image,
        "ground_truth": Detection3DArray,
    }.items():
        kept = by_stamp[topic] = {}
        shared_graph.node.create_subscription(
            kind,
            topic,
            lambda message, kept=kept: kept.update({nanoseconds_from_time(message.header.stamp): message}),
            10,
        )
    transforms = by_stamp["/tf"] = {}
    shared_graph.node.create_subscription(
        TFMessage,
        "/tf",
        lambda message: transforms.update(
            {
                nanoseconds_from_time(one.header.stamp): one
                for one in message.transforms
                if one.child_frame_id == "eye_link"
            }
        ),
        100,
    )
    graphs = by_stamp["ground_truth_graph"] = {}
    shared_graph.node.create_subscription(
        String,
        "ground_truth_graph",
        lambda message: graphs.update(
            {json.loads(message.data)["stamp_ns"]: json.loads(message.data)["graph"]}
        ),
        10,
    )
    process = NodeProcess(
        "ide3d_ros.nodes.sim_camera",
        shared_graph,
        tmp_path_factory.mktemp("log") / "sim_camera.log",
        "camera.width:=160",
        "camera.height:=120",
        "camera.rate_hz:=20.0",
        "camera.name:=eye",
        "room.seed:=5",
    )
    until(
        lambda: len(set.intersection(*[set(kept) for kept in by_stamp.values()])) >= 3 or not process.alive,
        f"topics do not come together: { {topic: len(kept) for topic, kept in by_stamp.items()} }",
        30,
    )
    print(process.output())
    assert process.alive
    yield by_stamp
    assert process.stop() == 0


def whole_frames(heard: dict) -> list[int]:
    """Return the stamps that every topic has."""
    return sorted(set.intersection(*[set(kept) for kept in heard.values()]))


def test_image_camera_and_labels_share_stamp_frame_and_size(heard) -> None:
    for stamp in whole_frames(heard):
        image, info = heard["image"][stamp], heard["camera_info"][stamp]
        assert {one.header.frame_id for one in (image, info, heard["ground_truth"][stamp])} == {
            "eye_optical_frame"
        }
        graph = FrameGraph.from_json(json.dumps(heard["ground_truth_graph"][stamp]))
        assert graph.seed == 5
        camera = camera_from_info(info)
        assert (camera.fx, camera.width, camera.height) == (graph.camera.fx, 160, 120)
        rgb = rgb_from_image(image)
        assert rgb.std() > 5, "the picture is empty"
        jpeg = rgb_from_compressed(heard["image/compressed"][stamp])
        assert np.abs(jpeg.astype(int) - rgb).mean() < 8


def test_ground_truth_boxes_are_the_room_s_and_lie_in_view(heard) -> None:
    stamp = whole_frames(heard)[0]
    info, truth = heard["camera_info"][stamp], heard["ground_truth"][stamp]
    graph = FrameGraph.from_json(json.dumps(heard["ground_truth_graph"][stamp]))
    camera = camera_from_info(info)
    found = {one.label: one for one in (detection_from_message(one, camera) for one in truth.detections)}
    for thing in graph.referable:
        one = found[f"{thing.color} {thing.category}"]
        if sum(f"{other.color} {other.category}" == one.label for other in graph.objects) > 1:
            continue
        np.testing.assert_allclose(one.box.corners(), thing.box.corners(), atol=1e-6)
    assert any(camera.contains(camera.project(one.box.center[None]))[0] for one in found.values())


def test_depth_is_that_of_what_the_image_shows(heard) -> None:
    for stamp in whole_frames(heard):
        message, camera = heard["depth"][stamp], camera_from_info(heard["camera_info"][stamp])
        assert message.encoding == "32FC1" and message.header.frame_id == "eye_optical_frame"
        depth = depth_from_image(message)
        assert depth.shape == (120, 160) and np.isfinite(depth).mean() > 0.5
        truth = [detection_from_message(one, camera) for one in heard["ground_truth"][stamp].detections]
        plain = max(truth, key=lambda one: one.score)
        u, v = np.round(camera.project(plain.box.center[None])[0]).astype(int)
        assert abs(depth[v, u] - plain.box.center[2]) < plain.box.extents.max()


def test_transforms_put_the_camera_upright_into_the_room(shared_graph: Graph, heard) -> None:
    mountings = shared_graph.listen(TFMessage, "/tf_static", LATCHED)
    until(lambda: mountings, "no mounting for a late listener")
    (mounting,) = mountings[0].transforms
    assert (mounting.header.frame_id, mounting.child_frame_id) == ("eye_link", "eye_optical_frame")
    link_from_optical = matrix_from_transform(mounting.transform)
    np.testing.assert_allclose(link_from_optical[:3, :3] @ [0, 0, 1], [1, 0, 0], atol=1e-12)  # forward
    np.testing.assert_allclose(link_from_optical[:3, :3] @ [0, 1, 0], [0, 0, -1], atol=1e-12)  # down
    for stamp in whole_frames(heard):
        transform = heard["/tf"][stamp]
        assert transform.header.frame_id == "map"
        world_from_optical = matrix_from_transform(transform.transform) @ link_from_optical
        expected = np.array(heard["ground_truth_graph"][stamp]["world_from_camera"])
        np.testing.assert_allclose(world_from_optical, expected, atol=1e-6)
        assert 0.5 < world_from_optical[2, 3] < 1.8


def test_camera_moves(heard) -> None:
    stamps = whole_frames(heard)
    first, last = (
        np.array(heard["ground_truth_graph"][stamp]["world_from_camera"]) for stamp in (stamps[0], stamps[-1])
    )
    assert not np.allclose(first, last)


def test_another_room_can_be_chosen_while_it_runs(shared_graph: Graph, heard) -> None:
    value = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=9)
    wanted = [Parameter(name="room.seed", value=value)]
    reply = shared_graph.call(SetParameters, "sim_camera/set_parameters", parameters=wanted)
    assert reply.results[0].successful
    seen = heard["ground_truth_graph"]
    until(lambda: any(graph["seed"] == 9 for graph in list(seen.values())), "the room did not change", 20)
    too_low = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=-1)
    wanted = [Parameter(name="room.seed", value=too_low)]
    reply = shared_graph.call(SetParameters, "sim_camera/set_parameters", parameters=wanted)
    assert not reply.results[0].successful
