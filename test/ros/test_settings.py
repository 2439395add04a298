# SPDX-License-Identifier: Apache-2.0
"""What an integrator sets: compressed images, quality of service, parameters of a running node."""

from __future__ import annotations

import time

from camera_stand_in import CAMERA, FRAME_ID, RED_CHAIR
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.qos import ReliabilityPolicy
from ros_graph import Graph, until
from sensor_msgs.msg import CameraInfo, CompressedImage
from vision_msgs.msg import Detection3DArray

from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.conversions.images import compressed_from_rgb


def _double(name: str, value: float) -> Parameter:
    return Parameter(name=name, value=ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value))


def test_compressed_camera_and_live_parameters(start, graph: Graph, fake_bundle) -> None:
    node = start(
        "ide3d_ros.nodes.perception",
        f"model.bundle:={fake_bundle.folder}",
        "camera.transport:=compressed",
        "detection.rate_hz:=2.0",
        "diagnostics.period_s:=0.2",
        f"qos_overrides.{graph.namespace}/image/compressed.subscription.reliability:=reliable",
    )
    images = graph.speak(CompressedImage, "image/compressed")
    infos = graph.speak(CameraInfo, "camera_info")
    heard = graph.listen(Detection3DArray, "detections")
    diagnostics = graph.listen(DiagnosticArray, "/diagnostics")
    stamp_ns = 10**9

    def show_for(seconds: float, picture=RED_CHAIR) -> int:
        nonlocal stamp_ns
        heard.clear()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            stamp_ns += 20_000_000
            infos.publish(info_from_camera(CAMERA, stamp_ns=stamp_ns, frame_id=FRAME_ID))
            images.publish(compressed_from_rgb(picture, stamp_ns=stamp_ns, frame_id=FRAME_ID))
            time.sleep(0.02)
        return len(heard)

    until(lambda: show_for(0.3), node.output)
    assert {one.results[0].hypothesis.class_id for one in heard[-1].detections} == {"chair"}

    slow = show_for(2.0)
    reply = graph.call(
        SetParameters, "perception/set_parameters", parameters=[_double("detection.rate_hz", 20.0)]
    )
    assert reply.results[0].successful, reply.results[0].reason
    fast = show_for(2.0)
    assert 2 <= slow <= 7
    assert fast > 2 * slow

    for refused, cause in (
        (_double("detection.rate_hz", 1e6), "detection.rate_hz"),
        (Parameter(name="model.bundle", value=ParameterValue(type=4, string_value="other")), "read-only"),
    ):
        result = graph.call(SetParameters, "perception/set_parameters", parameters=[refused]).results[0]
        assert not result.successful
        assert cause in result.reason
    (described,) = graph.call(
        DescribeParameters, "perception/describe_parameters", names=["detection.rate_hz"]
    ).descriptors
    assert described.floating_point_range[0].to_value == 120.0

    subscriptions = graph.node.get_subscriptions_info_by_topic(f"{graph.namespace}/image/compressed")
    assert [one.qos_profile.reliability for one in subscriptions] == [ReliabilityPolicy.RELIABLE]

    broken = compressed_from_rgb(RED_CHAIR, stamp_ns=stamp_ns + 1, frame_id=FRAME_ID)
    broken.data = broken.data[:40]

    def named() -> bool:
        images.publish(broken)
        time.sleep(0.05)
        values = {pair.key: pair.value for pair in diagnostics[-1].status[0].values}
        return int(values["frames_unreadable"]) > 0 and "compressed image" in values["last_error"]

    until(named, node.output)
    assert show_for(0.5) > 0
    assert node.alive
