# SPDX-License-Identifier: Apache-2.0
"""Find nodes of a running graph by what they offer, however they are named and remapped."""

from __future__ import annotations

from rclpy.node import Node

LOCATE_TYPE = "ide3d_msgs/srv/Locate"
"""Whoever serves this is a perception node."""


def full_name(name: str, namespace: str) -> str:
    """Join a node's name and namespace."""
    return f"{namespace.rstrip('/')}/{name}"


def short_and_space(node: str) -> tuple[str, str]:
    """Split a full name into name and namespace."""
    space, _, name = node.rpartition("/")
    return name, space or "/"


def below(namespace: str) -> str:
    """Return what full names in a namespace begin with; "/" where it is empty."""
    inner = namespace.strip("/")
    return f"/{inner}/" if inner else "/"


def node_names(node: Node) -> list[str]:
    """List the full names of all nodes, sorted."""
    return sorted({full_name(*pair) for pair in node.get_node_names_and_namespaces()})


def perception_nodes(node: Node, namespace: str = "") -> list[str]:
    """List the full names of perception nodes, sorted.

    Args:
        node: whose graph is asked.
        namespace: only those in it or below it; empty takes all.
    """
    space = below(namespace)
    found = []
    for name in node_names(node):
        try:
            services = node.get_service_names_and_types_by_node(*short_and_space(name))
        except RuntimeError:  # it has left meanwhile
            continue
        if name.startswith(space) and any(LOCATE_TYPE in kinds for _, kinds in services):
            found.append(name)
    return found
