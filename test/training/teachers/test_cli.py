# SPDX-License-Identifier: Apache-2.0
"""`ide3d-teacher` trains a teacher and keeps its features, from which `ide3d-train` learns."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ide3d_training.config import load_config
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.run import Run
from ide3d_training.teachers import cli
from ide3d_training.teachers.feature_cache import FeatureCache
from ide3d_training.train import train

from ..conftest import TINY, words

NANO = Path(__file__).parents[3] / "training/configs/nano_rgb.yaml"
FEW = ("--validation", "4")
STUDENT = (
    *TINY,
    "network.width=128",
    "network.height=96",
    "optimisation.steps=12",
    "optimisation.warmup=2",
    "optimisation.learning_rate=0.003",
    "log_every=1",
    "losses.alignment=1.0",
)


def teacher(*words: object) -> None:
    sys.argv = ["ide3d-teacher", *map(str, words)]
    cli.main()


@pytest.fixture(autouse=True)
def arguments(monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)


@pytest.fixture(scope="module")
def features(pairs: Path, tmp_path_factory) -> Path:
    """Train and cache as a person would, with commands alone."""
    folder, words = tmp_path_factory.mktemp("commands"), sys.argv
    sizes = ("--steps", 3, "--validation", 4, "--dim", 32, "--pairs", 1, "--threads", 1)
    for command in (
        ("train", "--rooms", pairs, "--output", folder / "run", *sizes),
        ("cache", "--teacher", folder / "run", "--rooms", pairs, "--output", folder / "features"),
    ):
        teacher(*command)
    sys.argv = words
    return folder / "features"


def test_the_commands_make_features_that_a_network_learns_from(features: Path, pairs: Path, tmp_path: Path):
    cache = FeatureCache(features, FrameStore(pairs), (6, 8))
    assert cache.channels == 32 and cache.features(0, False).shape == (48, 32)
    config = load_config(NANO, [*STUDENT, f"data.directory={pairs}", f"data.teacher={features}"])
    train(Run(config, tmp_path))
    with open(tmp_path / "curve.csv", newline="") as file:
        alignment = [float(row["alignment"]) for row in csv.DictReader(file)]
    assert len(alignment) == 12 and 0 < alignment[-1] < 0.9 * alignment[0]


@pytest.mark.parametrize(
    "words, said",
    [
        (("train", "--rooms", "none", "--output", "run"), "ide3d-worlds render"),
        (("train", "--rooms", "ROOMS", "--output", "run", "--dim", "33"), "does not divide into 4 heads"),
        (
            ("train", "--rooms", "ROOMS", "--output", "run", *FEW, "--precision", "half"),
            "use auto, float32 or",
        ),
        (("cache", "--teacher", "none", "--rooms", "ROOMS", "--output", "f"), "ide3d-teacher train --rooms"),
        (("cache", "--teacher", "vggt:none", "--rooms", "ROOMS", "--output", "f"), "pip install"),
        (
            ("cache", "--teacher", "x", "--rooms", "ROOMS", "--output", "f", "--grid", "0", "4"),
            "a grid of 0x4",
        ),
    ],
)
def test_bad_input_ends_in_one_sentence(words, said, pairs: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as done:
        teacher(*(pairs if word == "ROOMS" else word for word in words))
    assert done.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("ide3d-teacher: ") and said in told and "Traceback" not in told


def test_features_that_do_not_belong_reach_the_user_of_training_as_one_sentence(
    refused: Callable[..., str], features: Path, pairs: Path, rooms: Path, tmp_path: Path
):
    def say(*settings: str) -> str:
        return refused("--config", str(NANO), "--output", str(tmp_path), *words(*settings))

    student = [*STUDENT, f"data.directory={pairs}"]
    assert "no teacher features at" in say(*student, f"data.teacher={tmp_path / 'none'}")
    assert "the network has 6x4" in say(*student, "network.width=64", f"data.teacher={features}")
    other = [*STUDENT, f"data.directory={rooms}", f"data.teacher={features}"]
    assert "features of another data set" in say(*other)
