# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on robots: each fault gives a reason, and the node works again once it is gone."""

from __future__ import annotations

import array
import time

import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from camera_stand_in import FRAME_ID, CameraStandIn
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.parameter import Parameter
from ros_graph import Graph, NodeProcess, until
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray

from ide3d_msgs.msg import Status
from ide3d_msgs.srv import Ask, Locate
from ide3d_ros.nodes.parameters import ParameterError
from ide3d_ros.nodes.perception import PerceptionNode

BROKEN_IMAGES = {
    "unknown encoding": ({"encoding": "rgb24"}, "'rgb24' is not supported"),
    "depth instead of colour": ({"encoding": "16UC1"}, "is a depth picture"),
    "encoding that is no text": ({"encoding": "\x00\x1b[31m\n" * 50}, "is not supported"),
    "wrong width": ({"width": 63}, "63x48"),
    "huge size": ({"width": 2**31, "height": 2**31, "step": 2**32 - 1}, "is outside"),
    "no size": ({"width": 0, "height": 0, "step": 0, "data": array.array("B")}, "size 0x0"),
    "short step": ({"step": 10}, "step 10 is shorter"),
    "long step": ({"step": 500}, "step 500 x height 48"),
    "truncated data": ({"data": array.array("B", bytes(100))}, "image has 100 bytes"),
    "no data": ({"data": array.array("B")}, "image has 0 bytes"),
    "zero stamp": ({"header": Header(frame_id=FRAME_ID)}, "stamp is zero"),
    "no frame_id": ({"header": Header(stamp=Time(sec=9))}, "no frame_id"),
}


def _last_error(heard: list) -> str:
    return {pair.key: pair.value for pair in heard[-1].status[0].values}["last_error"] if heard else ""


@pytest.mark.parametrize("fault", BROKEN_IMAGES)
def test_broken_image_is_named_and_the_next_good_one_is_used(
    shared_graph: Graph, camera: CameraStandIn, perception: NodeProcess, fault: str
) -> None:
    changes, cause = BROKEN_IMAGES[fault]
    diagnostics = shared_graph.listen(DiagnosticArray, "/diagnostics")
    camera.show()

    def show_broken() -> bool:
        camera.infos.publish(camera.info())
        camera.images.publish(camera.image(**changes))
        time.sleep(0.05)
        return cause in _last_error(diagnostics)

    until(show_broken, f"not named, but {_last_error(diagnostics)!r}")
    heard = shared_graph.listen(Detection3DArray, "detections")
    until(lambda: camera.show() and heard, "good frames are not used any more")
    assert perception.alive


def test_frame_ids_of_image_and_camera_info_must_agree(shared_graph: Graph, camera: CameraStandIn) -> None:
    diagnostics = shared_graph.listen(DiagnosticArray, "/diagnostics")

    def show_other() -> bool:
        camera.infos.publish(camera.info())
        image = camera.image()
        image.header.frame_id = "rear_camera"
        camera.images.publish(image)
        time.sleep(0.05)
        return "'rear_camera'" in _last_error(diagnostics)

    until(show_other, "not named")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"k": np.zeros(9)}, "K[0] = 0"),
        ({"k": np.full(9, np.nan)}, "K[0] = nan"),
        ({"distortion_model": "equidistant", "d": [0.1] * 4}, "'equidistant'"),
        ({"width": 32}, "describes 32x48"),
        ({"height": 0}, "64x0"),
    ],
)
def test_broken_camera_info_stops_detection_until_it_is_mended(
    shared_graph: Graph, camera: CameraStandIn, changes: dict[str, object], cause: str
) -> None:
    diagnostics = shared_graph.listen(DiagnosticArray, "/diagnostics")
    heard = shared_graph.listen(Detection3DArray, "detections")

    def show_broken() -> bool:
        camera.infos.publish(camera.info(**changes))
        camera.images.publish(camera.image())
        time.sleep(0.05)
        return cause in _last_error(diagnostics)

    until(show_broken, f"not named, but {_last_error(diagnostics)!r}")
    heard.clear()
    for _ in range(5):
        show_broken()
    assert heard == [], "boxes were made with a broken camera"
    until(lambda: camera.show() and heard, "good frames are not used any more")


BAD_TEXTS = {
    "empty": ("", "empty"),
    "blank": ("   ", "empty"),
    "10,000 characters": ("where is it " * 834, "10008 characters"),
    "control characters": ("where is\x07 the chair", "U+0007"),
    "a line break": ("where is\nthe chair", "U+000A"),
    "not UTF-8": ("where is the ch\ufffd\ufffdr", "not UTF-8"),
}


@pytest.mark.parametrize("fault", BAD_TEXTS)
def test_unusable_text_is_answered_with_the_reason(
    shared_graph: Graph, camera: CameraStandIn, fault: str
) -> None:
    text, cause = BAD_TEXTS[fault]
    camera.stream_used()
    for status in (
        shared_graph.call(Ask, "perception/ask", question=text).answer.status,
        shared_graph.call(Locate, "perception/locate", expression=text).status,
    ):
        assert status.code == Status.INVALID_REQUEST
        assert cause in status.message


def test_text_in_any_language_is_no_fault(shared_graph: Graph, camera: CameraStandIn) -> None:
    camera.stream_used()
    for text in ("où est la chaise ?", "椅子はどこ", "chair \U0001fa91"):
        answer = shared_graph.call(Ask, "perception/ask", question=text).answer
        assert answer.status.code == Status.OK, answer.status.message
        assert answer.prompt == text


def test_node_without_a_camera_says_no_frames_and_names_the_topic(start, graph: Graph, fake_bundle) -> None:
    node = start(
        "ide3d_ros.nodes.perception",
        f"model.bundle:={fake_bundle.folder}",
        "diagnostics.period_s:=0.2",
        "diagnostics.silence_s:=0.5",
    )
    answer = graph.call(Ask, "perception/ask", question="is there a chair").answer
    assert answer.status.code == Status.NO_FRAMES
    until(lambda: f"{graph.namespace}/image: no messages" in node.output(), node.output)
    assert "nobody publishes it" in node.output()


def test_image_without_camera_info_names_the_missing_topic(start, graph: Graph, fake_bundle) -> None:
    node = start(
        "ide3d_ros.nodes.perception", f"model.bundle:={fake_bundle.folder}", "diagnostics.period_s:=0.2"
    )
    camera = CameraStandIn(graph)

    def shown() -> bool:
        camera.images.publish(camera.image())
        time.sleep(0.05)
        return f"no camera_info on {graph.namespace}/camera_info" in node.output()

    until(shown, node.output)
    answer = graph.call(Ask, "perception/ask", question="is there a chair").answer
    assert answer.status.code == Status.NO_FRAMES
    heard = graph.listen(Detection3DArray, "detections")
    until(lambda: camera.show() and heard, "frames with camera_info are not used")


def test_damaged_bundle_is_the_answer_and_not_the_end(start, graph: Graph, bundle_copy) -> None:
    (bundle_copy / "weights.bin").write_bytes(b"short")
    node = start("ide3d_ros.nodes.perception", f"model.bundle:={bundle_copy}", "diagnostics.period_s:=0.2")
    diagnostics = graph.listen(DiagnosticArray, "/diagnostics")
    answer = graph.call(Ask, "perception/ask", question="is there a chair").answer
    assert answer.status.code == Status.ENGINE_ERROR
    assert "weights.bin" in answer.status.message
    until(lambda: diagnostics and diagnostics[-1].status[0].level == b"\x02", "diagnostics do not say so")
    assert node.alive


def test_unknown_bundle_is_named(start, graph: Graph) -> None:
    node = start("ide3d_ros.nodes.perception", "model.bundle:=gigantic")
    status = graph.call(Locate, "perception/locate", expression="the chair").status
    assert status.code == Status.ENGINE_ERROR
    assert "gigantic" in status.message
    assert node.alive


def test_parameter_that_cannot_be_ends_the_start_with_one_line(start) -> None:
    node = start("ide3d_ros.nodes.perception", "detection.rate:=5.0")
    assert node.wait() == 1
    assert "perception has no parameter detection.rate" in node.output()
    assert "Traceback" not in node.output()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("detection.rate_hz", -5.0),
        ("detection.rate_hz", "fast"),
        ("camera.transport", "pigeon"),
        ("model.window", 0),
        ("detection.vocabulary", ["chair", "chair"]),
    ],
)
def test_parameter_value_that_cannot_be_is_named(name: str, value: object) -> None:
    context = Context()
    rclpy.init(context=context, args=[])
    try:
        with pytest.raises(ParameterError, match=name):
            PerceptionNode(context=context, parameter_overrides=[Parameter(name, value=value)])
    finally:
        context.try_shutdown()
