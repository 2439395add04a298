# SPDX-License-Identifier: Apache-2.0
"""A few real rooms, rendered once, for everything that trains or exports."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ide3d_training.config import TrainConfig, load_config
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.omni3d_writing import write_omni3d
from ide3d_training.teachers.cache_writing import write_cache
from ide3d_training.train import main
from ide3d_training.worlds.shards import Settings, render_dataset

CONFIGS = Path(__file__).parents[2] / "training/configs"
RGB, IDE3D = CONFIGS / "nano_rgb.yaml", CONFIGS / "nano_ide3d.yaml"
PROGRAM = [sys.executable, "-m", "ide3d_training.train"]

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

TINY_IDE3D = (
    *TINY,
    "validator.levels=[1, 1]",
    "validator.width=8",
    "validator.stride=8",
    "optimisation.warmup=4",
)
"""The same for a run of all objectives."""


def words(*overrides: str) -> list[str]:
    """Write overrides as arguments of the command."""
    return [word for text in overrides for word in ("--set", text)]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run ide3d-train on what it refuses; return the one line that it says."""

    def refusal(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["ide3d-train", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2
        (said,) = capsys.readouterr().err.splitlines()
        assert said.startswith("ide3d-train: ")
        return said

    return refusal


class ColorTeacher:
    """A teacher that says what colour each token has: enough to be aligned with, and at once."""

    name, digest, channels = "colors", "0", 12

    def tokens(self, frames: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
        rooms, count, height, width, _ = frames.shape
        cells = frames.float().reshape(rooms, count, height // 16, 16, width // 16, 16, 3).mean((3, 5)) / 255
        phases = torch.cat([cells * factor for factor in (1, 7)], -1)
        return torch.cat([phases.sin(), phases.cos()], -1)


@pytest.fixture(scope="session")
def pairs(tmp_path_factory) -> Path:
    """Rooms of two frames, with poses."""
    folder = tmp_path_factory.mktemp("pairs") / "data"
    render_dataset(
        Settings(rooms=32, seed=310_000, frames_per_room=2, motion="orbit", rate_hz=0.8), folder, workers=1
    )
    return folder


@pytest.fixture(scope="session")
def features(pairs: Path, tmp_path_factory) -> Path:
    """What a teacher says of them."""
    folder = tmp_path_factory.mktemp("features") / "cache"
    assert write_cache(ColorTeacher(), pairs, folder, (12, 16), 2)
    return folder


@pytest.fixture(scope="session")
def everything(pairs: Path, features: Path) -> tuple[str, ...]:
    """Overrides of a tiny run of all objectives on those rooms."""
    return (*TINY_IDE3D, f"data.directory={pairs}", f"data.teacher={features}", "log_every=1")


@pytest.fixture(scope="session")
def all_objectives(everything: tuple[str, ...]) -> TrainConfig:
    """The configuration of such a run."""
    return load_config(IDE3D, list(everything))


@pytest.fixture(scope="session")
def rooms(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rooms") / "data"
    render_dataset(Settings(rooms=40, seed=300_000), folder)
    return folder


@pytest.fixture(scope="session")
def labelled(rooms: Path, tmp_path_factory) -> Path:
    """The same rooms as images, and their label file in the Omni3D format."""
    store = FrameStore(rooms)
    return write_omni3d(store, len(store), tmp_path_factory.mktemp("labelled"), "ROOMS_train")
