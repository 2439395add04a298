# SPDX-License-Identifier: Apache-2.0
"""Rooms of two frames each, rendered once, and a geometry network small enough to train inside a test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ide3d_ros.network.geometry_network import GeometryConfig
from ide3d_training.config import Optimisation
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.teachers.geometry_training import TeacherConfig
from ide3d_training.worlds.shards import Settings, render_dataset

TINY = TeacherConfig(
    validation=6,
    network=GeometryConfig(
        width=128, height=96, stem_channels=(8, 8, 16), dim=32, pairs=1, heads=4, mlp=64, map_stride=8
    ),
    optimisation=Optimisation(
        steps=30, batch=8, learning_rate=3e-3, warmup=5, decay=0.3, ema=0.9, precision="float32", threads=1
    ),
    log_every=5,
    validate_every=1000,
)


def tiny(steps: int, **changes) -> TeacherConfig:
    return replace(TINY, optimisation=replace(TINY.optimisation, steps=steps), **changes)


@pytest.fixture(scope="session")
def pairs(tmp_path_factory) -> Path:
    """Render 40 rooms of two frames, which make two shards."""
    folder = tmp_path_factory.mktemp("pairs") / "data"
    settings = Settings(
        rooms=40, seed=300_000, width=128, height=96, frames_per_room=2, motion="orbit", rate_hz=0.8
    )
    render_dataset(settings, folder)
    return folder


@pytest.fixture(scope="session")
def store(pairs: Path) -> FrameStore:
    return FrameStore(pairs)
