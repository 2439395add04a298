# SPDX-License-Identifier: Apache-2.0
"""`ide3d doctor` as a person types it, without nodes and beside running ones."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import rclpy
from camera_stand_in import CAMERA, FRAME_ID, CameraStandIn
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode
from ros_graph import Graph, NodeProcess, until
from sensor_msgs.msg import Image

from ide3d_msgs.msg import Status
from ide3d_msgs.srv import Locate
from ide3d_ros.bundle import Bundle
from ide3d_ros.conversions.images import image_from_depth

Command = tuple[list[str], dict[str, str]]


def examined(
    command: Command, bundle: Bundle, report: Path, *words: str
) -> tuple[int, dict[str, dict[str, str]], str]:
    """Run the doctor; return its status, its findings by check, and what it printed."""
    start, environment = command
    done = subprocess.run(
        [*start, "doctor", "--bundle", str(bundle.folder), "--json", str(report), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    findings = json.loads(report.read_text())["findings"] if report.exists() else []
    return done.returncode, {one["check"]: one for one in findings}, done.stdout + done.stderr


def test_machine_alone_is_examined_without_the_graph(
    ide3d_command: Command, fake_bundle: Bundle, tmp_path: Path
) -> None:
    status, found, printed = examined(ide3d_command, fake_bundle, tmp_path / "r.json", "--seconds", "0")
    assert {"python", "ros packages", "middleware", "domain", "bundle", "engine", "gpu"} <= set(found)
    assert found["bundle"]["level"] == found["engine"]["level"] == "OK", printed
    assert found["running nodes"]["level"] == "SKIP"
    failed = [one for one in found.values() if one["level"] == "FAIL"]
    assert status == (1 if failed else 0)
    assert json.loads((tmp_path / "r.json").read_text())["healthy"] == (not failed)
    assert "engine" in printed


def test_damaged_bundle_fails_the_examination(
    ide3d_command: Command, bundle_copy: Path, fake_bundle: Bundle, tmp_path: Path
) -> None:
    (bundle_copy / "weights.bin").unlink()
    words = ("--seconds", "0", "--bundle", str(bundle_copy))
    status, found, printed = examined(ide3d_command, fake_bundle, tmp_path / "r.json", *words)
    assert status == 1 and found["bundle"]["level"] == "FAIL"
    assert found["engine"]["level"] == "SKIP"
    assert "1 FAIL" in printed


def test_middleware_that_is_not_there_is_told_instead_of_ending_the_process(
    ide3d_command: Command, fake_bundle: Bundle, tmp_path: Path
) -> None:
    start, environment = ide3d_command
    broken = (start, {**environment, "RMW_IMPLEMENTATION": "rmw_nobody_cpp"})
    status, found, _ = examined(broken, fake_bundle, tmp_path / "r.json")
    assert status == 1 and found["middleware"]["level"] == "FAIL"
    assert found["ros packages"]["text"] == "mend first: middleware"
    assert found["running nodes"]["level"] == "SKIP"


def test_empty_graph_is_no_fault(live_command: Command, fake_bundle: Bundle, tmp_path: Path) -> None:
    words = ("--seconds", "1", "--namespace", "/nowhere")
    _, found, printed = examined(live_command, fake_bundle, tmp_path / "r.json", *words)
    assert found["perception"]["level"] == found["cameras"]["level"] == "SKIP", printed


def test_report_that_cannot_be_written_is_named(ide3d_command: Command, fake_bundle: Bundle) -> None:
    _, _, printed = examined(ide3d_command, fake_bundle, Path("/dev/null/r.json"), "--seconds", "0")
    assert "ide3d: --json /dev/null/r.json cannot be written" in printed


def test_seconds_have_a_limit(ide3d_command: Command, fake_bundle: Bundle, tmp_path: Path) -> None:
    status, _, printed = examined(ide3d_command, fake_bundle, tmp_path / "r.json", "--seconds", "1e9")
    assert status == 2 and "--seconds must be at most 600" in printed


@pytest.mark.usefixtures("live_camera")
def test_running_nodes_and_their_camera_are_found_and_judged(
    live_command: Command, live_graph: Graph, fake_bundle: Bundle, tmp_path: Path
) -> None:
    until(
        lambda: (
            live_graph.call(Locate, "perception/locate", expression="the red chair").status.code == Status.OK
        ),
        "perception does not see the camera",
        60.0,
    )
    words = ("--seconds", "5", "--target-frame", "map")
    status, found, printed = examined(live_command, fake_bundle, tmp_path / "r.json", *words)
    space = live_graph.namespace
    image, node = f"{space}/image", f"{space}/perception"
    for check in ("publishers", "qos", "rate", "encoding", "pairing"):
        assert found[f"{image} {check}"]["level"] in ("OK", "WARN"), printed
    assert found[f"{image} qos"]["level"] == "OK", printed
    assert found[f"{space}/camera_info calibration"]["level"] == "OK", printed
    assert found[f"{node} diagnostics"]["level"] in ("OK", "WARN"), printed
    no_way = found[f"tf {FRAME_ID} to map"]
    assert no_way["level"] == "FAIL" and "TF knows no frame" in no_way["text"]
    assert status == 1


def test_camera_named_by_hand_that_nobody_publishes_fails(
    live_command: Command, fake_bundle: Bundle, tmp_path: Path
) -> None:
    words = ("--seconds", "1", "--image-topic", "/rear/image")
    status, found, _ = examined(live_command, fake_bundle, tmp_path / "r.json", *words)
    assert status == 1
    assert found["/rear/image publishers"]["level"] == "FAIL"
    assert found["/rear/camera_info calibration"]["level"] == "FAIL"


def test_node_that_waits_for_its_activation_is_found(
    ide3d_command: Command, fake_bundle: Bundle, tmp_path: Path
) -> None:
    domain = 1 + os.getpid() * 19 % 100
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = LifecycleNode("eyes", context=context)
    node.create_service(Locate, "~/locate", lambda _, response: response)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=spin, args=(executor,), daemon=True)
    thread.start()
    try:
        start, environment = ide3d_command
        command = (start, {**environment, "ROS_DOMAIN_ID": str(domain)})
        status, found, printed = examined(command, fake_bundle, tmp_path / "r.json", "--seconds", "5")
    finally:
        executor.shutdown()
        context.try_shutdown()
        thread.join(10.0)
        node.destroy_node()
    assert status == 1, printed
    assert found["/eyes lifecycle"]["text"] == "the node is unconfigured"
    assert found["/eyes lifecycle"]["fix"] == "ros2 lifecycle set /eyes configure, then activate"


def test_depth_that_a_node_takes_is_judged_as_depth_and_not_as_a_camera(
    ide3d_command: Command, depth_bundle: Bundle, tmp_path: Path
) -> None:
    graph = Graph(1 + os.getpid() * 23 % 100, f"/depth_{os.getpid()}")
    node = NodeProcess(
        "ide3d_ros.nodes.perception",
        graph,
        tmp_path / "perception.log",
        *(f"model.bundle:={depth_bundle.folder}", "depth.topic:=depth", "fixed_frame:=odom"),
    )
    stop = threading.Event()
    thread = None
    try:
        camera, depths = CameraStandIn(graph), graph.speak(Image, "depth", 5)
        wall = np.full((CAMERA.height, CAMERA.width), 2.0)

        def show() -> None:
            while not stop.wait(0.1):
                camera.stamp_ns = time.time_ns()
                depths.publish(image_from_depth(wall, stamp_ns=camera.show(), frame_id=FRAME_ID))

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        start, environment = ide3d_command
        command = (start, {**environment, "ROS_DOMAIN_ID": str(graph.domain_id)})
        _, found, printed = examined(command, depth_bundle, tmp_path / "r.json", "--seconds", "5")
    finally:
        stop.set()
        if thread is not None:
            thread.join(5.0)
        node.stop()
        graph.close()
    topic = f"{graph.namespace}/depth"
    assert found[f"{topic} encoding"]["text"] == "64x48 32FC1", printed
    assert f"{topic} pairing" not in found
    assert found[f"{graph.namespace}/image encoding"]["level"] == "OK", printed
    assert (
        "no pose of the camera in fixed_frame" in found[f"{graph.namespace}/perception diagnostics"]["text"]
    )


def spin(executor: SingleThreadedExecutor) -> None:
    """Spin until the context ends."""
    try:
        executor.spin()
    except ExternalShutdownException:
        pass
