# SPDX-License-Identifier: Apache-2.0
"""Launch files: what they name exists, and where `launch` is installed they really start the nodes."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ide3d_ros.nodes.ros_environment import prepare_ros_environment

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "launch").glob("*.launch.py"))
WITH_LAUNCH = (
    importlib.util.find_spec("launch") is not None and importlib.util.find_spec("launch_ros") is not None
)
needs_launch = pytest.mark.skipif(
    not WITH_LAUNCH, reason="launch and launch_ros are not installed (PyPI has neither)"
)


# What `ros2 launch FILE NAME:=VALUE ...` does; ros2cli is not on PyPI either.
START = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

arguments = dict(argument.split(":=") for argument in sys.argv[2:])
source = PythonLaunchDescriptionSource(sys.argv[1])
included = IncludeLaunchDescription(source, launch_arguments=arguments.items())
service = LaunchService()
service.include_launch_description(LaunchDescription([included]))
sys.exit(service.run())
"""


def calls(path: Path, name: str) -> list[dict[str, ast.expr]]:
    """Find the keyword arguments of every call of a name."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            arguments = {one.arg: one.value for one in node.keywords if one.arg}
            found.append({**arguments, "": node.args[0]} if node.args else arguments)
    return found


def texts(path: Path) -> list[str]:
    """Find every text constant."""
    return [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_there_are_launch_files_for_robot_demo_and_recordings() -> None:
    assert [path.name for path in FILES] == ["bringup.launch.py", "demo.launch.py", "replay.launch.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_executables_have_scripts_that_call_installed_commands(path: Path) -> None:
    commands = set(re.findall(r'"(ide3d_\w+) = ide3d_ros\.nodes\.\w+:main"', (ROOT / "setup.py").read_text()))
    for node in calls(path, "Node"):
        if ast.literal_eval(node["package"]) != "ide3d_ros":
            continue
        executable = ast.literal_eval(node["executable"])
        script = ROOT / "scripts" / executable
        assert script.exists(), f"{path.name} starts {executable}, which is not in scripts/"
        assert os.access(script, os.X_OK)
        assert f"ide3d_{executable}" in commands
        assert f"ide3d_{executable}" in script.read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_that_are_named_exist(path: Path) -> None:
    named = [text for text in texts(path) if re.fullmatch(r"[\w.]+\.(yaml|rviz|launch\.py)", text)]
    assert named
    for name in named:
        assert (ROOT / "config" / name).exists() or (ROOT / "launch" / name).exists(), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_argument_is_described_and_used(path: Path) -> None:
    declared = {ast.literal_eval(call[""]): call for call in calls(path, "DeclareLaunchArgument")}
    used = {ast.literal_eval(call[""]) for call in calls(path, "LaunchConfiguration")}
    assert set(declared) == used
    assert all("description" in call for call in declared.values())


def test_no_parameter_of_a_yaml_file_is_repeated_in_a_launch_file() -> None:
    known = {
        ".".join(keys)
        for name in ("perception", "sim_camera", "replay")
        for keys in _paths(
            yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())["/**"]["ros__parameters"]
        )
    }
    repeated = {path.name: sorted(known & set(texts(path))) for path in FILES}
    # These replace what the file says only when somebody gives them.
    allowed = ["autostart", "cameras"]
    assert repeated == {
        "bringup.launch.py": allowed,
        "demo.launch.py": [],
        "replay.launch.py": ["replay.path"],
    }


def _paths(tree: dict, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    return [
        path
        for key, value in tree.items()
        for path in (_paths(value, (*before, key)) if isinstance(value, dict) else [(*before, key)])
    ]


def test_views_show_topics_that_nodes_publish() -> None:
    # README's topic table is held against the live nodes by test_readme.py.
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    published = set(re.findall(r"^\| `\w+` \| `/?([\w/]+)` \| `[\w/]+` \| out", readme, re.MULTILINE))
    assert {"detections", "markers", "answers", "overlay", "image", "camera_info", "diagnostics"} <= published
    rviz = yaml.safe_load((ROOT / "config" / "ide3d.rviz").read_text())["Visualization Manager"]["Displays"]
    shown = {display["Topic"]["Value"].removeprefix("/") for display in rviz if "Topic" in display}
    layout = json.loads((ROOT / "config" / "ide3d.foxglove.json").read_text())["configById"]
    for panel in layout.values():
        shown |= {topic.removeprefix("/") for topic in panel.get("topics", {})}
        shown |= {topic.removeprefix("/") for topic in panel.get("imageMode", {}).values()}
        shown |= {panel[key].removeprefix("/") for key in ("topicPath", "topicToRender") if key in panel}
    assert shown <= published, shown - published


def test_layout_places_every_panel_it_configures() -> None:
    content = json.loads((ROOT / "config" / "ide3d.foxglove.json").read_text())

    def leaves(tree: dict | str) -> set[str]:
        return {tree} if isinstance(tree, str) else leaves(tree["first"]) | leaves(tree["second"])

    assert leaves(content["layout"]) <= set(content["configById"])


@needs_launch
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_launch_itself_takes_the_file(path: Path) -> None:
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    from launch import LaunchContext

    description = get_launch_description_from_python_launch_file(str(path))
    assert LaunchContext() is not None
    assert {argument.name for argument in description.get_launch_arguments()} >= {"namespace", "rviz"}


@needs_launch
def test_demo_starts_both_nodes_and_detections_flow(tmp_path: Path, fake_bundle) -> None:
    pytest.importorskip("mujoco")
    from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
    from ros_graph import Graph, until
    from vision_msgs.msg import Detection3DArray

    prepare_ros_environment()
    try:
        installed = Path(get_package_share_directory("ide3d_ros")) / "launch" / "demo.launch.py"
    except (PackageNotFoundError, OSError):
        pytest.skip("the package is not installed in this environment, so `ros2 launch` would not find it")
    parameters = tmp_path / "perception.yaml"
    parameters.write_text(f"/**:\n  ros__parameters:\n    model: {{bundle: {fake_bundle.folder}}}\n")
    graph = Graph(domain_id=1 + os.getpid() % 100, namespace=f"/launch_{os.getpid()}")
    environment = {**os.environ, "ROS_DOMAIN_ID": str(graph.domain_id), "ROS_LOG_DIR": str(tmp_path)}
    with (tmp_path / "launch.log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                START,
                str(installed),
                f"namespace:={graph.namespace}",
                f"params_file:={parameters}",
            ],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        heard = graph.listen(Detection3DArray, "detections")
        until(lambda: heard, (tmp_path / "launch.log").read_text(), 40)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        graph.close()
