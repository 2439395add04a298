# SPDX-License-Identifier: Apache-2.0
"""The SROS2 policies allow what the nodes really use, in every setting that changes it, and nothing else."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import rclpy
import ros_graph
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future

from ide3d_ros.bundle import Bundle
from ide3d_ros.cli.ask import AskError, PerceptionClient
from ide3d_ros.cli.wording import Request
from ide3d_ros.nodes.perception import PerceptionNode
from ide3d_ros.nodes.replay import ReplayNode
from ide3d_ros.nodes.sim_camera import SimCameraNode

FOLDER = Path(__file__).parents[2] / "config" / "security"
FILES = sorted(FOLDER.glob("*.policy.xml"))
_DOMAINS = count(1 + os.getpid() * 17 % 80)

# The schema of `ros2 security` (policy 0.2.0): which rules a list may carry, and what it holds.
RULES = {
    "topics": ("topic", {"publish", "subscribe"}),
    "services": ("service", {"reply", "request"}),
    "actions": ("action", {"execute", "call"}),
}
# What an action is made of: its services and its topics.
ACTION_SERVICES = ("send_goal", "cancel_goal", "get_result")
ACTION_TOPICS = ("feedback", "status")

Use = tuple[str, str]


def profile(path: Path) -> ElementTree.Element:
    (found,) = ElementTree.parse(path).iter("profile")
    return found


def allowed(path: Path) -> set[Use]:
    """Expand a policy as `ros2 security` does: (rule, full name)."""
    node = profile(path)
    space, name = node.get("ns").rstrip("/"), node.get("node")
    found: set[Use] = set()
    for group in node:
        for rule, qualifier in group.attrib.items():
            assert qualifier == "ALLOW"
            for entry in group:
                text = entry.text
                if text.startswith("~"):
                    text = f"{space}/{name}{text[1:]}"
                elif not text.startswith("/"):
                    text = f"{space}/{text}"
                if group.tag != "actions":
                    found.add((rule, text))
                    continue
                services, topics = ("reply", "publish") if rule == "execute" else ("request", "subscribe")
                found |= {(services, f"{text}/_action/{part}") for part in ACTION_SERVICES}
                found |= {(topics, f"{text}/_action/{part}") for part in ACTION_TOPICS}
    return found


def used(observer: Node, name: str) -> set[Use]:
    """Ask the graph what a node has."""
    found: set[Use] = set()
    for rule, look in (
        ("publish", observer.get_publisher_names_and_types_by_node),
        ("subscribe", observer.get_subscriber_names_and_types_by_node),
        ("reply", observer.get_service_names_and_types_by_node),
        ("request", observer.get_client_names_and_types_by_node),
    ):
        try:
            found |= {(rule, one) for one, _ in look(name, "/")}
        except RuntimeError:  # not discovered yet
            return set()
    return found


@contextmanager
def spinning(node: Node) -> Iterator[None]:
    """Spin a node meanwhile: some of what it uses it makes only then."""
    executor, end = SingleThreadedExecutor(context=node.context), Future()
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin_until_future_complete, args=(end,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set_result(None)
        thread.join(20.0)
        executor.shutdown()


@pytest.fixture
def graph() -> Iterator[tuple[Context, Node]]:
    """Open a context for nodes under test, and a node of another participant that looks at them."""
    assert ros_graph.PROFILE.is_file()
    domain = next(_DOMAINS)
    contexts = [Context(), Context()]
    for context in contexts:
        rclpy.init(context=context, domain_id=domain)
    observer = Node("observer", context=contexts[1])
    yield contexts[0], observer
    observer.destroy_node()
    for context in contexts:
        context.try_shutdown()


@pytest.fixture
def make(depth_bundle: Bundle, tmp_path: Path) -> dict[str, Callable[..., Node]]:
    """Make nodes by name, with ROS arguments."""
    cv2.imwrite(str(tmp_path / "frame-0.png"), np.zeros((12, 16, 3), np.uint8))
    color = {"fx": 14.0, "fy": 14.0, "cx": 7.5, "cy": 5.5}
    (tmp_path / "calibration.json").write_text(json.dumps({"image_size": [16, 12], "color": color}))

    def maker(kind: type, *own: str) -> Callable[..., Node]:
        def node(context: Context, *words: str) -> Node:
            return kind(context=context, cli_args=["--ros-args", *own, *words])

        return node

    return {
        "perception": maker(PerceptionNode, "-p", f"model.bundle:={depth_bundle.folder}"),
        "sim_camera": maker(SimCameraNode, "-p", "camera.width:=32", "-p", "camera.height:=24"),
        "replay": maker(ReplayNode, "-p", f"replay.path:={tmp_path}"),
    }


SETTINGS = {
    "perception": (
        ("-p", "camera.transport:=raw", "-p", "fixed_frame:=odom", "-p", "depth.topic:=depth"),
        (
            *("-p", "camera.transport:=compressed", "-p", "use_sim_time:=true", "-p", "target_frame:=map"),
            *(
                "-p",
                "fixed_frame:=odom",
                "-p",
                "depth.topic:=depth",
                "-p",
                "depth.transport:=compressedDepth",
            ),
        ),
    ),
    "sim_camera": (("-p", "use_sim_time:=true"),),
    "replay": (("-p", "use_sim_time:=true"),),
}
"""What changes the topics of a node; together they use all that its policy allows."""


def wait_until_steady(observer: Node, name: str, expected: set[Use]) -> set[Use]:
    """Wait until a node uses all that is expected, or a while; return what it uses."""
    try:
        ros_graph.until(lambda: expected <= used(observer, name), "", 8.0)
    except AssertionError:
        pass
    return used(observer, name)


@pytest.mark.parametrize("name", SETTINGS)
def test_policy_allows_what_the_node_uses_and_nothing_else(
    graph: tuple[Context, Node], make: dict[str, Callable[..., Node]], name: str
) -> None:
    context, observer = graph
    policy = allowed(FOLDER / f"{name}.policy.xml")
    found: set[Use] = set()
    for words in SETTINGS[name]:
        compressed = "camera.transport:=compressed" in words
        elsewhere = {("subscribe", "/image" if compressed else "/image/compressed")}
        elsewhere.add(("subscribe", "/depth" if compressed else "/depth/compressedDepth"))
        if "use_sim_time:=true" not in words:
            elsewhere.add(("subscribe", "/clock"))
        node = make[name](context, *words)
        with spinning(node):
            found |= wait_until_steady(observer, name, policy - elsewhere)
        node.destroy_node()
        ros_graph.until(lambda: not used(observer, name), f"{name} did not leave", 20.0)
    assert found - policy == set(), "the node uses what its policy does not allow"
    assert policy - found == set(), "the policy allows what the node never uses"


def test_policy_of_ask_allows_what_it_uses_and_nothing_else(graph: tuple[Context, Node]) -> None:
    _, observer = graph
    policy = allowed(FOLDER / "ask.policy.xml")
    client = PerceptionClient(domain_id=observer.context.get_domain_id())
    calls: list[Callable[[], object]] = [
        lambda kind=kind: client.call("/perception", Request(kind, "mug"), 12.0, None)
        for kind in ("locate", "ask", "describe")
    ]
    calls.append(lambda: client.stream("/perception", "is it?", 12.0, None))

    def try_call(call: Callable[[], object]) -> None:
        with pytest.raises(AskError):  # there is no node; while it waits for one, it can be looked at
            call()

    threads = [threading.Thread(target=try_call, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    found = wait_until_steady(observer, "ide3d_ask", policy)
    for thread in threads:
        thread.join(30.0)
    client.close()
    assert found - policy == set(), "ide3d ask uses what its policy does not allow"
    assert policy - found == set(), "the policy allows what ide3d ask never uses"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_policy_follows_the_schema_of_ros2_security(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    assert (root.tag, root.attrib) == ("policy", {"version": "0.2.0"})
    (enclaves,) = root
    (enclave,) = enclaves
    (profiles,) = enclave
    (node,) = profiles
    assert [one.tag for one in (enclaves, enclave, profiles, node)] == [
        "enclaves",
        "enclave",
        "profiles",
        "profile",
    ]
    assert enclave.get("path") == f"/ide3d/{path.name.removesuffix('.policy.xml')}"
    assert set(node.attrib) == {"ns", "node"}
    for group in node:
        entry_tag, rules = RULES[group.tag]
        assert set(group.attrib) <= rules and group.attrib and len(group)
        names = [entry.text for entry in group]
        assert {entry.tag for entry in group} == {entry_tag}
        assert len(names) == len(set(names))
        assert not any("*" in name or " " in name for name in names), "name each thing"


def test_there_is_a_policy_for_each_node() -> None:
    names = {path.name.removesuffix(".policy.xml") for path in FILES}
    assert names == {*SETTINGS, "ask"}
