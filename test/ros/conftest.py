# SPDX-License-Identifier: Apache-2.0
"""Live graphs: each on a domain and in a namespace of its own, so that runs beside each other do not meet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from camera_stand_in import CameraStandIn
from ros_graph import Graph, NodeProcess

_NUMBERS = count()


def _graph() -> Graph:
    number = next(_NUMBERS)
    return Graph(domain_id=1 + (os.getpid() * 7 + number) % 100, namespace=f"/test_{os.getpid()}_{number}")


@pytest.fixture
def graph() -> Iterator[Graph]:
    """Join an empty graph."""
    made = _graph()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_graph() -> Iterator[Graph]:
    """Join a graph for all tests of a module."""
    made = _graph()
    yield made
    made.close()


@pytest.fixture(scope="module")
def perception(shared_graph: Graph, fake_bundle, tmp_path_factory) -> Iterator[NodeProcess]:
    """Run the perception node with the hand-built bundle, for all tests of a module."""
    process = NodeProcess(
        "ide3d_ros.nodes.perception",
        shared_graph,
        tmp_path_factory.mktemp("log") / "perception.log",
        f"model.bundle:={fake_bundle.folder}",
        "detection.rate_hz:=20.0",
        "query.max_frame_age_s:=1.0",
        "diagnostics.period_s:=0.2",
    )
    yield process
    status = process.stop()
    print(process.output())
    assert status == 0, f"the node ended with {status}"


@pytest.fixture
def start(graph: Graph, tmp_path: Path) -> Iterator:
    """Start nodes of one test; each is stopped after it."""
    started: list[NodeProcess] = []

    def start_node(module: str, *arguments: str) -> NodeProcess:
        started.append(NodeProcess(module, graph, tmp_path / f"{module}_{len(started)}.log", *arguments))
        return started[-1]

    yield start_node
    for process in started:
        process.stop()
        print(process.output())


@pytest.fixture
def camera(shared_graph: Graph, perception: NodeProcess) -> Iterator[CameraStandIn]:
    """Be the camera of the shared perception node."""
    stand_in = CameraStandIn.of(shared_graph)
    yield stand_in
    stand_in.stop()
