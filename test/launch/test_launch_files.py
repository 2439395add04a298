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

from ide3d_msgs.msg import Answer
from ide3d_msgs.srv import Ask, Locate
from ide3d_ros.conversions.markers import BOX_NAMESPACE, LABEL_NAMESPACE
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
    allowed = ["autostart", "cameras", "depth.topic", "fixed_frame", "model.bundle", "model.engine"]
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


def published() -> dict[str, str]:
    """Read what nodes publish from README, which test_readme.py holds against live nodes: types by topic."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `\w+` \| `/?([\w/]+)` \| `([\w/]+)` \| out", readme, re.MULTILINE)
    return dict(rows)


def rviz_displays() -> list[dict]:
    view = yaml.safe_load((ROOT / "config" / "ide3d.rviz").read_text())["Visualization Manager"]
    return [display for display in view["Displays"] if "Topic" in display]


def panels() -> dict[str, dict]:
    return json.loads((ROOT / "config" / "ide3d.foxglove.json").read_text())["configById"]


def test_rviz_shows_topics_that_nodes_publish_as_what_they_are() -> None:
    types = {"MarkerArray": "visualization_msgs/MarkerArray", "Image": "sensor_msgs/Image"}
    types["Camera"] = types["Image"]
    for display in rviz_displays():
        topic = display["Topic"]["Value"].removeprefix("/")
        assert published()[topic] == types[display["Class"].split("/")[1]], topic
    assert {"markers", "overlay"} <= {one["Topic"]["Value"].removeprefix("/") for one in rviz_displays()}


def test_rviz_takes_cameras_of_either_reliability() -> None:
    (camera,) = (one for one in rviz_displays() if one["Topic"]["Value"] == "/image")
    assert camera["Topic"]["Reliability Policy"] == "Best Effort"


def test_rviz_names_the_markers_namespaces() -> None:
    (markers,) = (one for one in rviz_displays() if one["Class"].endswith("MarkerArray"))
    assert set(markers["Namespaces"]) == {BOX_NAMESPACE, LABEL_NAMESPACE}


def test_foxglove_shows_topics_that_nodes_publish_as_what_they_are() -> None:
    known = published()
    images = {"sensor_msgs/Image", "sensor_msgs/CompressedImage"}
    drawn = images | {"sensor_msgs/CameraInfo", "visualization_msgs/MarkerArray"}
    shown = set()
    for name, panel in panels().items():
        for topic in panel.get("topics", {}):
            assert known[topic.removeprefix("/")] in drawn, (name, topic)
        mode = panel.get("imageMode", {})
        if mode:
            assert known[mode["imageTopic"].removeprefix("/")] in images, name
            assert known[mode.get("calibrationTopic", "/camera_info")[1:]] == "sensor_msgs/CameraInfo"
        paths = [one["value"].split(".")[0] for one in panel.get("paths", [])]
        for topic in [panel.get("topicPath"), panel.get("topicToRender"), mode.get("imageTopic"), *paths]:
            if topic is not None:
                assert topic.removeprefix("/") in known, (name, topic)
                shown.add(topic.removeprefix("/"))
    assert {"answers", "overlay", "diagnostics", "image/compressed"} <= shown


def test_foxglove_shows_what_the_demo_records() -> None:
    # The demo keeps JPEGs and no raw images; the overlay exists in a running graph alone.
    mode = panels()["Image!camera"]["imageMode"]
    assert mode["imageTopic"] == "/image/compressed"


def test_foxglove_plots_fields_that_exist() -> None:
    for path in panels()["Plot!latency"]["paths"]:
        topic, *fields = path["value"].split(".")
        assert topic == "/answers"
        message = Answer()
        for field in fields:
            message = getattr(message, field)
        assert isinstance(message, float)


def test_foxglove_calls_services_with_fields_of_theirs() -> None:
    services = {"/perception/ask": Ask, "/perception/locate": Locate}
    calls = [panel for name, panel in panels().items() if name.startswith("CallService!")]
    assert {call["serviceName"] for call in calls} == set(services)
    for call in calls:
        fields = services[call["serviceName"]].Request.get_fields_and_field_types()
        assert set(json.loads(call["requestPayload"])) <= set(fields)


def test_layout_places_every_panel_it_configures() -> None:
    content = json.loads((ROOT / "config" / "ide3d.foxglove.json").read_text())

    def leaves(tree: dict | str) -> set[str]:
        return {tree} if isinstance(tree, str) else leaves(tree["first"]) | leaves(tree["second"])

    assert leaves(content["layout"]) == set(content["configById"])


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
        until(lambda: heard, (tmp_path / "launch.log").read_text, 40)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        graph.close()
