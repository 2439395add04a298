# SPDX-License-Identifier: Apache-2.0
"""The perception node as it is, in a process that writes down where the time of every frame went.

The command line is a file, then the node's ROS arguments; the file is written when the process is
interrupted.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ide3d_ros.cli.bench.machine import peak_memory_mb
from ide3d_ros.nodes.frames import FrameTimes
from ide3d_ros.nodes.perception import PerceptionNode
from ide3d_ros.nodes.running import run_node

_COLLECT_S = 0.2  # in which no camera shows more frames than a tally keeps


@dataclass(frozen=True)
class FrameRow:
    """Say where the time of one frame went, milliseconds.

    Attributes:
        camera: its name.
        stamp_ns: of its image, when the camera published it.
        receive: from its stamp to the node's callback.
        wait: until the worker took it.
        decode: message to RGB pixels.
        preprocess, vision, prefix, prompt, post: the scene's stages; post reads the boxes.
        publish: boxes to messages, and those to the middleware.
        total: from the callback to the published boxes.
    """

    camera: str
    stamp_ns: int
    receive: float
    wait: float
    decode: float
    preprocess: float
    vision: float
    prefix: float
    prompt: float
    post: float
    publish: float
    total: float

    @property
    def engine(self) -> float:
        """Time inside the engine."""
        return self.vision + self.prefix + self.prompt

    @property
    def overhead(self) -> float:
        """Time that the node adds to the engine's, from the image's arrival to the published boxes."""
        return self.total - self.engine

    @property
    def age(self) -> float:
        """Age of the image when its boxes were published."""
        return self.receive + self.total


def frame_row(camera: str, times: FrameTimes, wall_minus_monotonic_s: float) -> FrameRow:
    """Write down one frame's times.

    Args:
        camera: its name.
        times: as the node counted them.
        wall_minus_monotonic_s: leads from the worker's clock to that of the stamps.
    """
    received_s = times.received_s + wall_minus_monotonic_s
    return FrameRow(
        camera=camera,
        stamp_ns=times.stamp_ns,
        receive=1e3 * received_s - 1e-6 * times.stamp_ns,
        wait=times.wait_ms,
        decode=times.read_ms,
        preprocess=times.latency.preprocess_ms,
        vision=times.latency.vision_ms,
        prefix=times.latency.prefix_ms,
        prompt=times.latency.prompt_ms,
        post=times.latency.decode_ms,
        publish=times.publish_ms,
        total=times.total_ms,
    )


def main() -> None:
    """Run the node and write what it took."""
    output = Path(sys.argv.pop(1))
    wall_minus_monotonic_s = time.time() - time.monotonic()
    rows: dict[tuple[str, int], FrameRow] = {}

    def make_node() -> PerceptionNode:
        node = PerceptionNode()

        def collect() -> None:
            for camera, tally in node.frame_tallies.items():
                for times in tally.times.copy():  # the worker appends meanwhile
                    key = camera, times.stamp_ns
                    if key not in rows:  # each once, as what is done here holds the worker up
                        rows[key] = frame_row(camera, times, wall_minus_monotonic_s)

        node.create_timer(_COLLECT_S, collect)
        return node

    run_node(make_node, None)
    written = {"memory_peak_mb": peak_memory_mb(), "frames": [asdict(row) for row in rows.values()]}
    output.write_text(json.dumps(written))
