# SPDX-License-Identifier: Apache-2.0
"""Opening scenes: one engine for all cameras, and no start without the memory for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ide3d_ros.bundle import Bundle
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.nodes import opening
from ide3d_ros.nodes.opening import MemoryShortage, check_memory, free_memory_mb, open_scenes


def test_cameras_share_an_engine_and_keep_their_frames_apart(fake_bundle: Bundle) -> None:
    scenes = open_scenes(str(fake_bundle.folder), ["front", "rear"], engine="auto", window=1, threads=1)
    camera = Camera(64, 48, 50.0, 50.0, 31.5, 23.5)
    scenes["front"].add_frame(np.zeros((48, 64, 3), np.uint8), camera, stamp_ns=1, frame_id="front_eye")
    assert [frame.frame_id for frame in scenes["front"].frames] == ["front_eye"]
    assert scenes["rear"].frames == ()
    assert scenes["front"]._engine is scenes["rear"]._engine


def test_cameras_share_the_memory_for_frames(fake_bundle: Bundle) -> None:
    scenes = open_scenes(
        str(fake_bundle.folder), ["front", "rear"], engine="auto", window=3, threads=1, cache_mb=1e-6
    )
    camera = Camera(64, 48, 50.0, 50.0, 31.5, 23.5)
    for name, scene in scenes.items():
        for stamp in (1, 2):
            scene.add_frame(np.zeros((48, 64, 3), np.uint8), camera, stamp_ns=stamp, frame_id=name)
    assert [frame.stamp_ns for scene in scenes.values() for frame in scene.frames] == [2, 2]


def test_whoever_opens_scenes_is_told_once_which_engine_runs_and_why(fake_bundle: Bundle) -> None:
    told = []
    open_scenes(
        str(fake_bundle.folder),
        ["front", "rear"],
        engine="onnx",
        window=1,
        threads=1,
        on_selected=lambda selection: told.append(selection.reason),
    )
    (reason,) = told
    assert "onnxruntime" in reason and reason.endswith("asked for by name")


def test_bundle_that_does_not_fit_into_memory_is_refused(
    fake_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "free_memory_mb", lambda: 1.0)
    with pytest.raises(MemoryShortage, match="1 MiB are free"):
        open_scenes(str(fake_bundle.folder), [""], engine="auto", window=1, threads=1)


def test_memory_is_not_judged_where_the_system_does_not_tell() -> None:
    check_memory("nano", 1e9, None)


def _system(folder: Path, **files: str) -> dict[str, Path]:
    for name, text in files.items():
        (folder / name.replace("_", ".", 1) if name.startswith("memory") else folder / name).write_text(text)
    return {"proc": folder, "cgroup": folder}


def test_free_memory_is_the_machine_s(tmp_path: Path) -> None:
    meminfo = "MemTotal:       24576 kB\nMemAvailable:   10240 kB\nHugePages_Total:  0\n"
    assert free_memory_mb(**_system(tmp_path, meminfo=meminfo)) == 10.0
    assert free_memory_mb(**_system(tmp_path, memory_max="max\n", memory_current="512\n")) == 10.0


def test_container_s_limit_counts_where_it_is_tighter(tmp_path: Path) -> None:
    system = _system(
        tmp_path,
        meminfo="MemAvailable:   102400 kB\n",
        memory_max=f"{50 << 20}\n",
        memory_current=f"{30 << 20}\n",
        memory_stat=f"anon 5\ninactive_file {4 << 20}\n",
    )
    assert free_memory_mb(**system) == 24.0


def test_free_memory_of_another_system_is_not_known(tmp_path: Path) -> None:
    assert free_memory_mb(proc=tmp_path, cgroup=tmp_path) is None


def test_free_memory_of_this_machine_is_a_number() -> None:
    assert free_memory_mb() > 1.0
