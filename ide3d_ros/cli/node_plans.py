# SPDX-License-Identifier: Apache-2.0
"""Which nodes a set of ROS parameter files is for. The files are the same that the launch files take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ide3d_ros.cli.yaml_files import read_yaml
from ide3d_ros.nodes.parameters import Parameter
from ide3d_ros.nodes.perception_parameters import PERCEPTION_PARAMETERS
from ide3d_ros.nodes.replay import REPLAY_PARAMETERS
from ide3d_ros.nodes.sim_camera import SIM_CAMERA_PARAMETERS

TABLES: Mapping[str, tuple[Parameter, ...]] = {
    "perception": PERCEPTION_PARAMETERS,
    "sim_camera": SIM_CAMERA_PARAMETERS,
    "replay": REPLAY_PARAMETERS,
}
"""The parameters of each kind of node."""
_SECTION = "ros__parameters"
_DEEPEST = 32
_OF_EVERY_NODE = ("use_sim_time", "qos_overrides.")


class PlanError(ValueError):
    """Files, namespace or remappings do not say which nodes to run; the sentence names the fault."""


@dataclass(frozen=True)
class NodePlan:
    """Say how to run one node.

    Attributes:
        kind: its name, and that of its module: perception, sim_camera or replay.
        namespace: absolute.
        files: parameter files that hold something for it.
        remaps: FROM:=TO.
    """

    kind: str
    namespace: str
    files: tuple[Path, ...]
    remaps: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """Return the node's name with its namespace."""
        return f"{self.namespace.rstrip('/')}/{self.kind}"

    @property
    def ros_arguments(self) -> list[str]:
        """Return what `ros2 run` would be given."""
        arguments = ["--ros-args", "-r", f"__ns:={self.namespace}"]
        for remap in self.remaps:
            arguments += ["-r", remap]
        for file in self.files:
            arguments += ["--params-file", str(file)]
        return arguments


@dataclass
class _File:
    path: Path
    named: list[tuple[str, str]] = field(default_factory=list)  # (namespace or "" for any, kind)
    parameters: set[str] = field(default_factory=set)  # of sections for any node


def plan_nodes(files: Sequence[Path], *, namespace: str, remaps: Sequence[str]) -> list[NodePlan]:
    """Choose the nodes: those that a section is named after, or whose parameters a `/**` section holds.

    Args:
        files: ROS parameter files; later ones go before earlier ones.
        namespace: of every node; empty takes that of a file's section, and the root where it has none.
        remaps: FROM:=TO, for every node.

    Raises:
        YamlFileError: if a file cannot be read.
        PlanError: if a file is for no node or could be for several, or fits no node in the namespace.
    """
    for remap in remaps:
        source, given, target = remap.partition(":=")
        if not (source and given and target) or source.startswith("__"):
            raise PlanError(
                f"--remap {remap}: write FROM:=TO with two topics; --namespace sets the namespace"
            )
    chosen = "/" + namespace.strip("/") if namespace.strip("/") else ""
    wanted: dict[tuple[str, str], list[Path]] = {}
    for path in files:
        for space, kind in _nodes_of(_read(path)):
            if chosen and space and space != chosen:
                raise PlanError(
                    f"{path}: the section {space.rstrip('/')}/{kind} is for no node in the namespace "
                    f"{chosen}; name it /**/{kind}, or leave out --namespace"
                )
            places = wanted.setdefault((space or chosen or "/", kind), [])
            if path not in places:
                places.append(path)
    return [
        NodePlan(kind, space, tuple(paths), tuple(remaps)) for (space, kind), paths in sorted(wanted.items())
    ]


def _nodes_of(file: _File) -> list[tuple[str, str]]:
    if file.named:
        return file.named
    if not file.parameters:
        raise PlanError(f"{file.path} sets no parameters of {', '.join(TABLES)}")
    known = {kind: len(file.parameters & {one.name for one in table}) for kind, table in TABLES.items()}
    most = max(known.values())
    best = [kind for kind, count in known.items() if count == most]
    if most == 0:
        raise PlanError(
            f"{file.path}: no node has a parameter {', '.join(sorted(file.parameters)[:5])}; "
            f"known nodes are {', '.join(TABLES)}"
        )
    if len(best) > 1:
        raise PlanError(
            f"{file.path} could be for {' or '.join(best)}; name one in it: /**/{best[0]} in place of /**"
        )
    return [("", best[0])]


def _read(path: Path) -> _File:
    tree, _ = read_yaml(path)
    if not isinstance(tree, dict):
        raise PlanError(f"--params {path} holds no sections with {_SECTION}")
    file = _File(path)
    for name, parameters in _sections(tree, "", _DEEPEST):
        space, _, kind = name.rpartition("/")
        if kind in ("**", "*"):
            file.parameters |= {
                one for one in _dotted(parameters, "", _DEEPEST) if not one.startswith(_OF_EVERY_NODE)
            }
        elif kind in TABLES:
            file.named.append(("" if "*" in space else space or "/", kind))
        else:
            raise PlanError(
                f"--params {path}: the section {name} is for no node of this package ({', '.join(TABLES)})"
            )
    if not file.named and not file.parameters:
        raise PlanError(f"--params {path} holds no sections with {_SECTION}")
    return file


def _sections(tree: Mapping, name: str, depth: int) -> Iterator[tuple[str, object]]:
    """Find the parameters of each node; a name may be written in one key or in several, one in the other."""
    for key, value in tree.items():
        full = f"{name}/{str(key).strip('/')}"
        if isinstance(value, dict) and depth > 0:
            if _SECTION in value:
                yield full, value[_SECTION]
            yield from _sections({k: v for k, v in value.items() if k != _SECTION}, full, depth - 1)


def _dotted(tree: object, name: str, depth: int) -> Iterator[str]:
    if isinstance(tree, dict) and depth > 0:
        for key, value in tree.items():
            yield from _dotted(value, f"{name}.{key}" if name else str(key), depth - 1)
    elif name:
        yield name
