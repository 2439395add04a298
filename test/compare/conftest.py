# SPDX-License-Identifier: Apache-2.0
"""A study of two arms, and a few rooms to train them on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ide3d_training.compare.smoke import ROOMS
from ide3d_training.worlds.shards import render_dataset

SOURCES = Path(__file__).parents[2]
STUDIES = SOURCES / "training/configs/studies"
NANO = SOURCES / "training/configs/nano_rgb.yaml"


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """Write a study of two arms, two seeds."""
    path = tmp_path / "two.yaml"
    path.write_text(
        f"""
title: Two arms
config: {NANO}
settings: {{data: {{views: 2}}, optimisation: {{threads: 1}}}}
arms:
  - name: rgb
  - name: +geometry (all)
    settings: {{preset: ide3d, losses: {{depth_map: 0.8}}}}
"""
    )
    return path


@pytest.fixture(scope="session")
def rooms(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rooms") / "pairs"
    render_dataset(ROOMS, folder)
    return folder
