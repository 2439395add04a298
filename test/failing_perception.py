# SPDX-License-Identifier: Apache-2.0
"""The perception node with a transition that raises what nobody expects."""

from __future__ import annotations

from slow_perception import make_scenes

from ide3d_ros.nodes.perception import PerceptionNode
from ide3d_ros.nodes.running import run_node


class FailingNode(PerceptionNode):
    """Fail to activate."""

    def activate(self) -> None:
        """Raise."""
        super().activate()
        raise RuntimeError("failed on purpose")


def main() -> None:
    """Run the node."""
    run_node(lambda: FailingNode(make_scenes), None)
