# SPDX-License-Identifier: Apache-2.0
"""Two cameras on one perception node: apart on the graph, asked by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from camera_stand_in import RED_CHAIR, RELIABLE, CameraStandIn, picture
from diagnostic_msgs.msg import DiagnosticArray
from ros_graph import Graph, NodeProcess, until
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from ide3d_msgs.msg import Answer, Status
from ide3d_msgs.srv import Ask, Describe, Locate, Reset

FRONT, REAR = "front_optical_frame", "rear_optical_frame"


@pytest.fixture(scope="module")
def pair(shared_graph: Graph, fake_bundle, tmp_path_factory) -> Iterator[NodeProcess]:
    """Run perception on two cameras."""
    parameters = tmp_path_factory.mktemp("pair") / "pair.yaml"
    parameters.write_text(
        "/**:\n  ros__parameters:\n    cameras: [front, rear]\n    model: {bundle: "
        f"{fake_bundle.folder}}}\n    detection: {{rate_hz: 20.0}}\n    diagnostics: {{period_s: 0.2}}\n"
    )
    process = NodeProcess(
        "ide3d_ros.nodes.perception",
        shared_graph,
        parameters.with_name("pair.log"),
        "--params-file",
        str(parameters),
    )
    yield process
    status = process.stop()
    print(process.output())
    assert status == 0


@pytest.fixture
def front(shared_graph: Graph, pair: NodeProcess) -> Iterator[CameraStandIn]:
    """Be the front camera, best effort, which sees a chair."""
    camera = CameraStandIn(shared_graph, name="front")
    yield camera
    camera.stop()


@pytest.fixture
def rear(shared_graph: Graph, pair: NodeProcess) -> Iterator[CameraStandIn]:
    """Be the rear camera, reliable, which sees nothing."""
    camera = CameraStandIn(shared_graph, RELIABLE, name="rear")
    yield camera
    camera.stop()


def test_each_camera_has_topics_and_frames_of_its_own(
    shared_graph: Graph, front: CameraStandIn, rear: CameraStandIn
) -> None:
    heard = {name: shared_graph.listen(Detection3DArray, f"{name}/detections") for name in ("front", "rear")}
    drawn = {name: shared_graph.listen(MarkerArray, f"{name}/markers") for name in ("front", "rear")}
    overlay = shared_graph.listen(Image, "rear/overlay")
    front.stream(RED_CHAIR)
    rear.stream(picture())
    until(lambda: len(heard["front"]) > 3 and len(heard["rear"]) > 3 and overlay, "a camera is silent", 20)
    assert {message.header.frame_id for message in heard["front"]} == {FRONT}
    assert {message.header.frame_id for message in heard["rear"]} == {REAR}
    assert {len(message.detections) for message in heard["front"]} == {1}
    assert {len(message.detections) for message in heard["rear"]} == {0}
    assert {one.header.frame_id for one in heard["front"][-1].detections} == {FRONT}
    assert {len(message.markers) for message in drawn["front"]} == {3}
    assert {len(message.markers) for message in drawn["rear"]} == {1}
    assert overlay[-1].header.frame_id == REAR
    assert shared_graph.node.count_subscribers(f"{shared_graph.namespace}/image") == 0


def test_requests_name_their_camera_and_ask_the_first_without(
    shared_graph: Graph, front: CameraStandIn, rear: CameraStandIn
) -> None:
    answers = shared_graph.listen(Answer, "answers")
    front.stream(RED_CHAIR)
    rear.stream(picture())
    until(
        lambda: (
            shared_graph.call(Describe, "perception/describe", camera="rear").answer.status.code == Status.OK
        ),
        "the rear camera sees nothing",
        20,
    )
    for camera, frame_id, status in (
        ("", FRONT, Status.OK),
        ("front", FRONT, Status.OK),
        ("rear", REAR, Status.NO_TARGET),
    ):
        located = shared_graph.call(Locate, "perception/locate", expression="the red chair", camera=camera)
        assert located.status.code == status, located.status.message
        assert [header.frame_id for header in located.frames] == [frame_id]
        answer = shared_graph.call(Ask, "perception/ask", question="is there a chair", camera=camera).answer
        assert answer.header.frame_id == frame_id
        assert answer.camera == (camera or "front")
    until(lambda: answers and answers[-1].camera == "rear", "the answer's camera is not published")
    unknown = shared_graph.call(Ask, "perception/ask", question="is there a chair", camera="top").answer
    assert unknown.status.code == Status.INVALID_REQUEST
    assert unknown.status.message == "there is no camera 'top'; this node has front, rear"


def test_reset_forgets_the_frames_of_all_cameras(
    shared_graph: Graph, front: CameraStandIn, rear: CameraStandIn
) -> None:
    heard = shared_graph.listen(Detection3DArray, "rear/detections")
    until(lambda: rear.show() and front.show() and heard, "no detections", 20)
    assert shared_graph.call(Reset, "perception/reset").status.code == Status.OK
    for camera in ("front", "rear"):
        answer = shared_graph.call(Ask, "perception/ask", question="is there a chair", camera=camera).answer
        assert answer.status.code == Status.NO_FRAMES
        assert repr(camera) in answer.status.message


def test_diagnostics_name_the_camera_that_is_silent(shared_graph: Graph, front: CameraStandIn) -> None:
    heard = shared_graph.listen(DiagnosticArray, "/diagnostics")
    front.stream(RED_CHAIR)

    def named() -> bool:
        if not heard:
            return False
        node, *cameras = heard[-1].status
        return (
            [status.name.split("/")[-1] for status in cameras] == ["front", "rear"]
            and cameras[0].message == "detecting"
            and node.message in ("rear: no images arrive", "rear: no usable camera_info")
        )

    until(named, "not named", 20)
