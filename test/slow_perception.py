# SPDX-License-Identifier: Apache-2.0
"""The perception node with an engine that takes its time: half a second for an encoding, 20 ms for a word."""

from __future__ import annotations

from collections.abc import Sequence

from slow_scene import SlowScene

from ide3d_ros.nodes.perception import PerceptionNode
from ide3d_ros.nodes.running import run_node


def make_scenes(_parameters: object, cameras: Sequence[str]) -> dict[str, SlowScene]:
    """Make a scene for each camera."""
    scenes = {camera: SlowScene(encode_s=0.5, ask_s=0.0) for camera in cameras}
    for scene in scenes.values():
        scene.words, scene.word_s = 500, 0.02
    return scenes


def main() -> None:
    """Run the node."""
    run_node(lambda: PerceptionNode(make_scenes), None)
