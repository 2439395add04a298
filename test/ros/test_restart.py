# SPDX-License-Identifier: Apache-2.0
"""Either side goes away without a word and comes back: the other one finds it again."""

from __future__ import annotations

import signal

from camera_stand_in import RELIABLE, CameraStandIn
from ros_graph import Graph, NodeProcess, until
from vision_msgs.msg import Detection3DArray

from ide3d_msgs.msg import Status
from ide3d_msgs.srv import Ask
from ide3d_ros.conversions.stamps import nanoseconds_from_time


def _start(start, fake_bundle) -> NodeProcess:
    return start(
        "ide3d_ros.nodes.perception",
        f"model.bundle:={fake_bundle.folder}",
        "query.max_frame_age_s:=600.0",
        "detection.rate_hz:=50.0",
    )


def test_perception_that_was_killed_comes_back_to_the_same_camera_and_client(
    start, graph: Graph, fake_bundle
) -> None:
    first = _start(start, fake_bundle)
    camera, heard = CameraStandIn(graph), graph.listen(Detection3DArray, "detections")
    until(lambda: camera.show() and heard, "no detections", 20)
    assert graph.call(Ask, "perception/ask", question="is there a chair").answer.status.code == Status.OK
    first.send_signal(signal.SIGKILL)
    first.wait()
    _start(start, fake_bundle)
    begin_ns = camera.stamp_ns

    def used() -> bool:
        camera.show()
        return bool(heard) and nanoseconds_from_time(heard[-1].header.stamp) > begin_ns

    until(used, "the new node does not use the camera", 40)
    answer = graph.call(Ask, "perception/ask", wait_s=40.0, question="is there a chair").answer
    assert (answer.status.code, answer.text.strip()) == (Status.OK, "yes")


def test_camera_that_comes_back_with_another_quality_of_service_is_used(
    start, graph: Graph, fake_bundle
) -> None:
    node = _start(start, fake_bundle)
    camera, heard = CameraStandIn(graph), graph.listen(Detection3DArray, "detections")
    until(lambda: camera.show() and heard, "no detections", 20)
    for publisher in (camera.images, camera.infos):
        graph.node.destroy_publisher(publisher)
    heard.clear()
    again = CameraStandIn(graph, RELIABLE)
    again.stamp_ns = 0  # its clock begins anew, as that of a camera that was unplugged

    def used() -> bool:
        again.show()
        return bool(heard) and nanoseconds_from_time(heard[-1].header.stamp) <= again.stamp_ns

    until(used, node.output, 20)


def test_listener_that_comes_later_and_goes_is_no_matter(start, graph: Graph, fake_bundle) -> None:
    node = _start(start, fake_bundle)
    camera = CameraStandIn(graph)
    for _ in range(3):
        heard: list = []
        subscription = graph.node.create_subscription(Detection3DArray, "detections", heard.append, 10)
        until(lambda heard=heard: camera.show() and heard, node.output, 20)
        graph.node.destroy_subscription(subscription)
    assert node.alive
