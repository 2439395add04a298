# SPDX-License-Identifier: Apache-2.0
"""A generator learns to draw rooms, can be stopped at any step, and says what is wrong."""

from __future__ import annotations

import csv
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ide3d_ros.network.generator import GeneratorConfig
from ide3d_training.checkpoint import load_checkpoint
from ide3d_training.config import ConfigError, Optimisation
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.frozen_runs import train_frozen
from ide3d_training.generators import cli
from ide3d_training.generators.generator_training import GeneratorPlan, GeneratorRun
from ide3d_training.generators.videos import VideoDataset
from ide3d_training.worlds.shards import Settings, render_dataset

FEW = Optimisation(
    steps=24, batch=8, learning_rate=3e-3, warmup=4, decay=0.3, precision="float32", device="cpu", threads=1
)
TINY = GeneratorPlan(
    validation=4,
    network=GeneratorConfig(
        width=64, height=48, channels=(8, 8, 16), latent=4, dim=32, blocks=2, heads=2, mlp=64
    ),
    autoencoder=FEW,
    flow=FEW,
    log_every=4,
    validate_every=1000,
)


def tiny(autoencoder: int, flow: int) -> GeneratorPlan:
    return replace(
        TINY, autoencoder=replace(FEW, steps=autoencoder), flow=replace(FEW, steps=flow), log_every=1
    )


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """Render 16 rooms of two frames."""
    folder = tmp_path_factory.mktemp("videos") / "data"
    settings = Settings(
        rooms=16, seed=320_000, width=64, height=48, frames_per_room=2, motion="orbit", rate_hz=0.8
    )
    render_dataset(settings, folder, workers=1)
    return folder


def curve(run: Path) -> list[dict]:
    with open(run / "curve.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_both_stages_learn_and_leave_pictures(videos: Path, tmp_path: Path, capsys):
    run = GeneratorRun(TINY, videos, tmp_path)
    assert train_frozen(run)
    rows = curve(tmp_path)
    first, second = rows[:6], rows[6:]
    assert len(second) == 6
    assert float(first[-1]["reconstruction"]) < 0.8 * float(first[0]["reconstruction"])
    assert float(second[-1]["flow"]) < 0.95 * float(second[0]["flow"])
    assert not any(row["flow"] for row in first) and not any(row["reconstruction"] for row in second)
    assert float(rows[-1]["val_flow"]) > 0 and "error of the velocity" in " ".join(
        capsys.readouterr().out.split()
    )
    assert (tmp_path / "samples/step-000048.jpg").stat().st_size > 1000
    assert (tmp_path / "curve.png").exists()


def test_the_autoencoder_is_left_alone_once_the_transformer_learns(videos: Path, tmp_path: Path):
    run = GeneratorRun(tiny(3, 3), videos, tmp_path)
    batches = run.batches()
    for _ in range(3):
        run.learn(next(batches))
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    for _ in range(3):
        run.learn(next(batches))
    changed = {
        name.split(".")[0]
        for name, value in run.network.state_dict().items()
        if not value.equal(before[name])
    }
    assert changed == {"trunk", "head"}


def test_the_transformer_sees_latents_of_mean_0_and_variance_1(videos: Path, tmp_path: Path):
    run = GeneratorRun(tiny(2, 1), videos, tmp_path)
    train_frozen(run)
    store = FrameStore(videos)
    frames = torch.stack([VideoDataset(store, 2, None)[(0, room)] for room in range(12)]).flatten(0, 1)
    with torch.no_grad():
        latents = run.network.eval().encoder(frames).transpose(0, 1).flatten(1)
    torch.testing.assert_close(latents.mean(1), torch.zeros(4), atol=1e-3, rtol=0)
    torch.testing.assert_close(latents.std(1), torch.ones(4), atol=1e-3, rtol=0)


@pytest.mark.parametrize("stop", [2, 5])  # in either stage
def test_a_killed_run_ends_where_an_unbroken_one_does(stop: int, videos: Path, tmp_path: Path):
    train_frozen(GeneratorRun(tiny(4, 4), videos, tmp_path / "whole"))
    broken = GeneratorRun(tiny(4, 4), videos, tmp_path / "broken")
    batches = broken.batches()
    for _ in range(stop):
        broken.learn(next(batches))
    broken.save()
    broken.learn(next(batches))  # a step that the checkpoint does not know of is lost with the process
    train_frozen(GeneratorRun(tiny(4, 4), videos, tmp_path / "broken"))
    whole, resumed = (load_checkpoint(tmp_path / name) for name in ("whole", "broken"))
    assert resumed["step"] == whole["step"] == 8
    for name, value in whole["network"].items():
        torch.testing.assert_close(resumed["network"][name], value, atol=1e-5, rtol=1e-4)


class Interrupted(GeneratorRun):
    """A run that somebody stops with Ctrl-C in the middle of its second step."""

    def learn(self, videos: torch.Tensor) -> dict[str, float]:
        if self.step == 1:
            signal.raise_signal(signal.SIGINT)
        return super().learn(videos)


def test_ctrl_c_finishes_the_step_and_saves(videos: Path, tmp_path: Path, capsys):
    assert not train_frozen(Interrupted(tiny(4, 4), videos, tmp_path))
    assert load_checkpoint(tmp_path)["step"] == 2
    assert "stopped at step 2; the same command goes on from here" in capsys.readouterr().out


def test_a_video_is_mirrored_and_reversed_as_a_whole(videos: Path):
    store = FrameStore(videos)
    plain, changing = VideoDataset(store, 2, None)[(0, 3)], VideoDataset(store, 2, 0)
    seen = [changing[(epoch, 3)] for epoch in range(24)]
    wanted = [plain, plain.flip(0), plain.flip(2), plain.flip(0, 2)]
    assert all(any(video.equal(one) for one in wanted) for video in seen)
    assert all(any(video.equal(one) for video in seen) for one in wanted)


def test_the_command_takes_single_frames_where_rooms_have_one(tmp_path: Path, monkeypatch, capsys):
    rooms = tmp_path / "rooms"
    render_dataset(Settings(rooms=8, seed=330_000, width=64, height=48), rooms, workers=1)
    sizes = "--autoencoder-steps 1 --steps 1 --batch 2 --validation 2 --dim 16 --blocks 1 --threads 1".split()
    words = ["ide3d-generator", "train", "--rooms", str(rooms), "--output", str(tmp_path / "run"), *sizes]
    monkeypatch.setattr(sys, "argv", words)
    cli.main()
    assert load_checkpoint(tmp_path / "run")["network_config"]["frames"] == 1

    monkeypatch.setattr(sys, "argv", [*words, "--frames", "2"])
    with pytest.raises(SystemExit) as done:
        cli.main()
    assert done.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("ide3d-generator: ") and "rooms of 1 frames, a video has 2" in told


def test_a_directory_with_another_run_is_refused(videos: Path, tmp_path: Path):
    GeneratorRun(tiny(2, 2), videos, tmp_path).save()
    wider = replace(tiny(2, 2), network=replace(TINY.network, dim=64))
    with pytest.raises(ConfigError, match="generator of other sizes"):
        GeneratorRun(wider, videos, tmp_path)
    with pytest.raises(ConfigError, match="its autoencoder for 2 steps, not 3"):
        GeneratorRun(tiny(3, 2), videos, tmp_path)
    torch.save({"step": 1}, tmp_path / "checkpoint.pt")
    with pytest.raises(ConfigError, match="another kind of run"):
        GeneratorRun(tiny(2, 2), videos, tmp_path)
