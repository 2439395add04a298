# SPDX-License-Identifier: Apache-2.0
"""What the node adds to the engine's time, and how old boxes are, out of the times of frames."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ide3d_ros.cli.bench.live import LiveTimes
from ide3d_ros.cli.bench.live_figures import node_figures, sustained_figures
from ide3d_ros.cli.bench.measured_node import FrameRow, frame_row
from ide3d_ros.nodes.frames import FrameTimes
from ide3d_ros.scene.results import Latency

SECOND = 1_000_000_000
LATENCY = Latency(preprocess_ms=1.0, vision_ms=10.0, prefix_ms=5.0, prompt_ms=5.0, decode_ms=2.0)
TIMES = FrameTimes(
    stamp_ns=100 * SECOND,
    received_s=20.003,
    wait_ms=0.5,
    read_ms=0.25,
    latency=LATENCY,
    publish_ms=0.75,
    total_ms=25.0,
)
ROW = frame_row("", TIMES, 80.0)


def rows(count: int, camera: str = "", **changes: float) -> list[FrameRow]:
    return [replace(ROW, camera=camera, stamp_ns=i * SECOND // 10, **changes) for i in range(count)]


def test_a_frame_s_times_are_what_the_node_counted_from_the_camera_s_stamp_on() -> None:
    assert ROW.receive == pytest.approx(3.0, abs=1e-3)
    assert (ROW.wait, ROW.decode, ROW.publish, ROW.total) == (0.5, 0.25, 0.75, 25.0)
    assert (ROW.preprocess, ROW.vision, ROW.prefix, ROW.prompt, ROW.post) == (1.0, 10.0, 5.0, 5.0, 2.0)
    assert (ROW.engine, ROW.overhead) == (20.0, 5.0)
    assert ROW.age == pytest.approx(28.0, abs=1e-3)


def test_overhead_is_of_paced_frames_and_age_of_those_at_the_camera_s_rate() -> None:
    found = LiveTimes(
        paced=rows(5), sustained=rows(9, total=37.0), shown=30, round_trip_ms=[29.0], memory_peak_mb=200.0
    )
    figures = node_figures(found)
    assert figures["node_overhead_ratio"] == 0.25
    assert figures["age_ratio"] == pytest.approx(2.0, abs=1e-3)
    node = figures["node"]
    assert (node["overhead_ms"]["p50"], node["engine_ms"]["count"]) == (5.0, 5)
    assert {"receive", "wait", "decode", "vision", "post", "publish", "total"} < set(node["stages_ms"])
    assert "stamp_ns" not in node["stages_ms"] and "camera" not in node["stages_ms"]
    assert (node["sustained"]["frames_shown"], node["sustained"]["frames_detected"]) == (30, 9)


def test_each_camera_has_its_rate_and_a_queue_would_show() -> None:
    even = sustained_figures(LiveTimes([], rows(11, "front") + rows(6, "rear"), 11))
    assert even["detections_hz"] == {"front": 10.0, "rear": 10.0}
    assert even["age_growth"] == 1.0
    queued = [replace(row, total=25.0 + 100.0 * i) for i, row in enumerate(rows(12))]
    assert sustained_figures(LiveTimes([], queued, 12))["age_growth"] > 3


def test_a_run_without_frames_has_no_ratios() -> None:
    figures = node_figures(LiveTimes([], [], 10))
    assert figures["node_overhead_ratio"] is figures["age_ratio"] is None
    assert figures["node"]["sustained"]["detections_hz"] == {}
