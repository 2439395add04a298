# SPDX-License-Identifier: Apache-2.0
"""Parameter files say which nodes run, in which namespace; what fits no node is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ide3d_ros.cli.node_plans import NodePlan, PlanError, plan_nodes

CONFIG = Path(__file__).parents[2] / "config"


def planned(*files: Path, namespace: str = "", remaps: tuple[str, ...] = ()) -> list[NodePlan]:
    return plan_nodes(files, namespace=namespace, remaps=remaps)


def names(*files: Path, namespace: str = "") -> list[str]:
    return [plan.full_name for plan in planned(*files, namespace=namespace)]


@pytest.fixture
def write(tmp_path: Path):
    """Write a parameter file."""

    def make(text: str) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        path.write_text(text)
        return path

    return make


@pytest.mark.parametrize("kind", ["perception", "sim_camera", "replay"])
def test_file_of_the_package_is_for_its_node(kind: str) -> None:
    assert planned(CONFIG / f"{kind}.yaml") == [NodePlan(kind, "/", (CONFIG / f"{kind}.yaml",))]


def test_two_files_are_for_two_nodes_in_one_namespace() -> None:
    files = (CONFIG / "perception.yaml", CONFIG / "sim_camera.yaml")
    assert names(*files, namespace="robot1") == ["/robot1/perception", "/robot1/sim_camera"]


def test_sections_named_after_nodes_are_for_those(write) -> None:
    file = write(
        "/robot1/perception: {ros__parameters: {model: {bundle: nano}}}\n"
        "/robot2/perception: {ros__parameters: {model: {bundle: nano}}}\n"
        "/**/sim_camera: {ros__parameters: {room: {seed: 3}}}\n"
    )
    assert names(file) == ["/sim_camera", "/robot1/perception", "/robot2/perception"]


def test_section_may_be_written_in_nested_keys(write) -> None:
    assert names(write("robot1: {perception: {ros__parameters: {model: {window: 2}}}}")) == [
        "/robot1/perception"
    ]


def test_a_few_parameters_are_enough_to_know_the_node(write) -> None:
    assert names(write("/**: {ros__parameters: {model.window: 2, use_sim_time: true}}")) == ["/perception"]
    assert names(write("/**: {ros__parameters: {room: {seed: 2}, camera: {width: 64}}}")) == ["/sim_camera"]


def test_several_files_of_one_node_are_given_in_their_order(write) -> None:
    first, second = CONFIG / "perception.yaml", write("/**: {ros__parameters: {model: {threads: 1}}}")
    (plan,) = planned(first, second, namespace="/a/b", remaps=("image:=/front/image",))
    assert plan.ros_arguments == [
        *("--ros-args", "-r", "__ns:=/a/b", "-r", "image:=/front/image"),
        *("--params-file", str(first), "--params-file", str(second)),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/**: {ros__parameters: {camera: {reliability: reliable}}}", "could be for sim_camera or replay"),
        ("/**: {ros__parameters: {speed: 3}}", "no node has a parameter speed"),
        ("/nav2: {ros__parameters: {speed: 3}}", "the section /nav2 is for no node of this package"),
        ("/**: {ros__parameters: {use_sim_time: true}}", "holds no sections"),
        ("- a list", "holds no sections"),
        ("", "holds no sections"),
    ],
)
def test_file_that_is_for_no_node_is_refused(write, text: str, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        planned(write(text))


def test_section_of_another_namespace_is_refused(write) -> None:
    file = write("/robot1/perception: {ros__parameters: {model: {window: 2}}}")
    assert names(file, namespace="robot1") == ["/robot1/perception"]
    with pytest.raises(PlanError, match=r"/robot1/perception is for no node in the namespace /robot2"):
        planned(file, namespace="robot2")


@pytest.mark.parametrize("remap", ["image", "image:=", ":=image", "__ns:=/robot1", "__node:=eye"])
def test_remap_that_is_none_is_refused(remap: str) -> None:
    with pytest.raises(PlanError, match="write FROM:=TO"):
        planned(CONFIG / "perception.yaml", remaps=(remap,))
