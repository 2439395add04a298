# SPDX-License-Identifier: Apache-2.0
"""Everything that README names exists: commands and their options, files, topics, services, parameters."""

from __future__ import annotations

import ast
import importlib
import json
import re
import shlex
import signal
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
import ros_graph
import yaml
from fake_bundle import EXTENTS, picture
from rclpy.action import get_action_server_names_and_types_by_node
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node

from ide3d_ros.bundle import Bundle
from ide3d_ros.nodes.parameters import Parameter
from ide3d_ros.nodes.perception import PerceptionNode
from ide3d_ros.nodes.perception_parameters import PERCEPTION_PARAMETERS
from ide3d_ros.nodes.replay import REPLAY_PARAMETERS, ReplayNode
from ide3d_ros.nodes.sim_camera import SIM_CAMERA_PARAMETERS, SimCameraNode
from ide3d_ros.scene import Scene
from ide3d_ros.scene.status import Status

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PARAMETERS = {
    "perception": PERCEPTION_PARAMETERS,
    "sim_camera": SIM_CAMERA_PARAMETERS,
    "replay": REPLAY_PARAMETERS,
}
ENTRY_POINTS = dict(re.findall(r'"([\w-]+) = ([\w.]+):main"', (ROOT / "setup.py").read_text()))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    """Read the shell blocks, a command each line, without tools/run."""
    found = []
    for line in "\n".join(blocks("sh")).splitlines():
        words = shlex.split(line, comments=True)
        if words:
            found.append(words[1:] if words[0] == "tools/run" else words)
    # A command in running text counts too, if it has options.
    for line in re.findall(r"`(ide3d[\w-]* [^`]*--[^`]*)`", README):
        found.append(shlex.split(line))
    return found


def table(first: str) -> list[list[str]]:
    """Read the rows of the table whose header begins with a cell."""
    lines = README.splitlines()
    start = lines.index(next(line for line in lines if line.startswith(f"| {first} |")))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def starting(*words: str) -> list[list[str]]:
    return [command for command in commands() if command[: len(words)] == list(words)]


def test_every_kind_of_command_is_known_here() -> None:
    known = {"make", "rosdep", "pip", "colcon", ".", "ros2", "python"} | set(ENTRY_POINTS)
    assert {command[0] for command in commands()} <= known


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make (\w+)`", README)) | {command[1] for command in starting("make")}
    assert {"demo", "test"} <= named <= targets


@pytest.fixture
def signal_handlers() -> Iterator[None]:
    """Put back what a command sets for its own process."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("signal_handlers")
@pytest.mark.parametrize("name", sorted({words[0] for words in commands() if words[0] in ENTRY_POINTS}))
def test_commands_have_the_options_that_are_shown(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main = importlib.import_module(ENTRY_POINTS[name]).main
    for words in starting(name):
        subcommand = [word for word in words[1:2] if not word.startswith("-")]
        monkeypatch.setattr(sys, "argv", [name, *subcommand, "--help"])
        try:
            main()
        except SystemExit as end:
            assert not end.code
        text = capsys.readouterr().out
        for option in (word for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", text), f"{' '.join(words)}: no {option}"


def test_launch_files_take_the_arguments_that_are_shown() -> None:
    launched = starting("ros2", "launch")
    assert launched
    for _, _, package, file, *arguments in launched:
        text = (ROOT / "launch" / file).read_text()
        assert package == "ide3d_ros"
        for argument in arguments:
            assert f'"{argument.split(":=")[0]}"' in text
    for file in re.findall(r"`(\w+\.launch\.py)`", README):
        assert (ROOT / "launch" / file).is_file()
    assert "`rviz:=true`" in README and '"rviz"' in (ROOT / "launch" / "demo.launch.py").read_text()


def test_calls_have_fields_of_their_types() -> None:
    calls = starting("ros2", "service", "call") + starting("ros2", "action", "send_goal")
    assert len(calls) == 3
    for words in calls:
        name, kind, fields = (word for word in words[3:] if not word.startswith("--"))
        package, section, message = kind.split("/")
        loaded = getattr(importlib.import_module(f"{package}.{section}"), message)
        request = loaded.Request if section == "srv" else loaded.Goal
        assert set(yaml.safe_load(fields)) <= set(request.get_fields_and_field_types())
        row = next(row for row in table("service or action") if f"`{kind}`" == row[1])
        assert name == "/" + row[0].strip("`")


def test_folders_of_the_build_hold_packages() -> None:
    (colcon,) = starting("colcon", "build")
    for folder in colcon[colcon.index("--base-paths") + 1 :]:
        assert (ROOT / folder / "package.xml").is_file()
    for words in starting("pip") + starting("python"):
        file = next(word for word in words[1:] if "/" in word)
        assert (ROOT / file).is_file()


def test_files_and_folders_exist() -> None:
    top = {path.name for path in ROOT.iterdir()}
    named = re.findall(r"`([\w./-]+)`", README) + re.findall(r"\]\((?!http)([\w./-]+)\)", README)
    checked = set()
    for name in named:
        first, _, rest = name.rstrip("/").partition("/")
        if first not in top or first.startswith("demo_output"):
            continue
        if first == "ide3d_msgs" and rest:
            section, _, kind = rest.rpartition("/")
            section = section or "msg"
            assert (ROOT / first / section / f"{kind}.{section}").is_file(), name
        else:
            assert (ROOT / name).exists(), name
        checked.add(name)
    assert {"docs/demo.jpg", "LICENSE", "tools", "bench/README.md", "ide3d_msgs/srv/Ask"} <= checked
    every_folder = {f"ide3d_ros/{path.parent.name}" for path in (ROOT / "ide3d_ros").glob("*/__init__.py")}
    assert every_folder <= checked


@pytest.mark.parametrize("node", PARAMETERS)
def test_parameters_are_those_of_the_node_and_its_file(node: str) -> None:
    def row(one: Parameter) -> list[str]:
        choices = f" One of {', '.join(one.choices)}." if one.choices else ""
        star = " *" if one.dynamic else ""
        return [f"`{one.name}`{star}", f"`{json.dumps(one.default)}`", one.text + choices]

    expected = [row(one) for one in PARAMETERS[node]]
    shown = table(f"parameter of `{node}`")
    assert shown == expected, "README should say\n" + "\n".join(f"| {' | '.join(one)} |" for one in expected)
    tree = yaml.safe_load((ROOT / "config" / f"{node}.yaml").read_text())["/**"]["ros__parameters"]
    for name, default, _ in shown:
        value = tree
        for part in name.strip("`* ").split("."):
            value = value[part]
        assert value == json.loads(default.strip("`")), name


@pytest.fixture(scope="module")
def nodes(fake_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Node]]:
    """Make one node of each kind."""
    folder = tmp_path_factory.mktemp("recording")
    cv2.imwrite(str(folder / "frame-0.png"), np.zeros((12, 16, 3), np.uint8))
    color = {"fx": 14.0, "fy": 14.0, "cx": 7.5, "cy": 5.5}
    (folder / "calibration.json").write_text(json.dumps({"image_size": [16, 12], "color": color}))
    context = Context()
    assert ros_graph.PROFILE.is_file()
    rclpy.init(context=context, domain_id=77)
    made = {
        "perception": PerceptionNode(
            lambda _, cameras: {camera: Scene.open(fake_bundle.folder) for camera in cameras}, context=context
        ),
        "sim_camera": SimCameraNode(context=context, cli_args=["--ros-args", "-p", "camera.rate_hz:=0.1"]),
        "replay": ReplayNode(context=context, cli_args=["--ros-args", "-p", f"replay.path:={folder}"]),
    }
    for transition in (made["perception"].trigger_configure, made["perception"].trigger_activate):
        assert transition() == TransitionCallbackReturn.SUCCESS
    yield made
    for node in made.values():
        node.destroy_node()
    context.try_shutdown()


@pytest.mark.parametrize("name", PARAMETERS)
def test_topics_are_those_of_the_node(nodes: dict[str, Node], name: str) -> None:
    shown = {
        (row[1].strip("`"), row[2].strip("`"), row[3].split(";")[0])
        for row in table("node")
        if row[0] == f"`{name}`"
    }
    node = nodes[name]
    own = {"/parameter_events", "/rosout"}
    real = set()
    for direction, entities in (("in", node.subscriptions), ("out", node.publishers)):
        for one in entities:
            package, kind = one.msg_type.__module__.split(".")[0], one.msg_type.__name__
            if one.topic_name not in own and "/_action/" not in one.topic_name:
                absolute = one.topic_name in ("/tf", "/tf_static", "/diagnostics")
                topic = one.topic_name if absolute else one.topic_name.lstrip("/")
                real.add((topic, f"{package}/{kind}", direction))
    assert shown == real


def test_services_and_actions_are_those_of_the_nodes(nodes: dict[str, Node]) -> None:
    shown = {(row[0].strip("`"), row[1].strip("`")) for row in table("service or action")}
    real = set()
    for node in nodes.values():
        for one in node.services:
            package, section = one.srv_type.__module__.split(".")[:2]
            if package in ("ide3d_msgs", "std_srvs") and section == "srv":
                real.add(
                    (
                        node.resolve_service_name(one.srv_name).lstrip("/"),
                        f"{package}/srv/{one.srv_type.__name__}",
                    )
                )
    perception, actions = nodes["perception"], []
    ros_graph.until(
        lambda: (
            actions.extend(get_action_server_names_and_types_by_node(perception, "perception", "/"))
            or actions
        ),
        "the action did not appear",
    )
    real |= {(name.lstrip("/"), kinds[0]) for name, kinds in actions}
    assert shown == real


def test_statuses_are_all_named() -> None:
    listed = re.search(r"carries a status.*?: (.*?),?\swith a sentence", README, re.DOTALL)[1]
    assert re.findall(r"[A-Z_]{2,}", listed) == [one.name for one in Status]


def test_import_rule_is_the_one_that_is_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    shown = re.search(r"Imports run one way: `([^`]+)`", README)[1].split(" <- ")
    assert shown == [layer for layer in reversed(layers) if not layer.startswith("(")]


def test_library_example_runs(fake_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (example,) = blocks("python")
    opened = Scene.open

    def open_fake(name: str) -> Scene:
        assert name == "nano"
        return opened(fake_bundle.folder)

    monkeypatch.setattr(Scene, "open", open_fake)
    rgb = picture(("red", 1, 0), width=640, height=480)
    exec(compile(ast.parse(example), "README.md", "exec"), {"rgb": rgb})
    said = capsys.readouterr().out
    assert str(np.array(EXTENTS["chair"]))[1:4] in said  # the extents of what the bundle takes for a chair
    assert len(said.splitlines()) >= 2
