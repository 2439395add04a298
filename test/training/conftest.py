# SPDX-License-Identifier: Apache-2.0
"""A few real rooms, rendered once, for everything that trains or exports."""

from __future__ import annotations

from pathlib import Path

import pytest

from ide3d_training.worlds.shards import Settings, render_dataset

TINY = (
    "network.dim=32",
    "network.heads=4",
    "network.vision_layers=1",
    "network.language_layers=1",
    "network.vision_mlp=64",
    "network.language_mlp=64",
    "network.stem_channels=[8, 8, 16]",
    "network.field_hidden=32",
    "optimisation.batch=4",
    "optimisation.threads=1",
    "optimisation.precision=float32",
    "data.validation=8",
    "data.workers=0",
    "vocabulary=300",
)
"""Overrides that make a network small enough to train inside a test."""


@pytest.fixture(scope="session")
def rooms(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rooms") / "data"
    render_dataset(Settings(rooms=40, seed=300_000), folder)
    return folder
