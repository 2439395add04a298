# SPDX-License-Identifier: Apache-2.0
"""A step takes the samples it should, in as many parts as it is told, on whatever device the batch lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ide3d_training.config import ConfigError, TrainConfig, load_config
from ide3d_training.run import Run
from ide3d_training.schedule import choose_precision, computes_on_cpu

from .conftest import RGB, TINY


def in_parts(config: TrainConfig, parts: int, folder: Path) -> Run:
    options = replace(config.optimisation, accumulate=parts, clip=1e9)
    return Run(replace(config, optimisation=options), folder)


def test_parts_of_a_step_are_the_samples_of_the_whole(all_objectives: TrainConfig, tmp_path: Path):
    whole, parted = (in_parts(all_objectives, parts, tmp_path / str(parts)) for parts in (1, 2))
    one, two = whole.batches(), parted.batches()
    for _ in range(3):
        (batch,), parts = next(one), next(two)
        assert len(parts) == 2
        assert torch.equal(batch.images, torch.cat([part.images for part in parts]))
        assert torch.equal(batch.privileged.room, torch.cat([part.privileged.room for part in parts]))


def test_the_loss_of_parts_is_their_mean_and_so_is_its_gradient(all_objectives: TrainConfig, tmp_path: Path):
    parted = in_parts(all_objectives, 2, tmp_path / "parts")
    parts = next(parted.batches())
    parted.supervised.eval()  # batch norm sees each part alone; here it sees none
    losses, gradients = [], []
    for part in parts:
        loss, _ = parted.objective(part)
        losses.append(loss.item())
        gradients.append(torch.autograd.grad(loss, parted.network.queries)[0])
    terms = parted.learn(parts)
    assert terms["loss"] == pytest.approx(sum(losses) / 2, rel=1e-5)
    torch.testing.assert_close(parted.network.queries.grad, (gradients[0] + gradients[1]) / 2)


def test_a_step_in_parts_is_resumed_at_its_own_samples(all_objectives: TrainConfig, tmp_path: Path):
    run = in_parts(all_objectives, 2, tmp_path)
    stream = run.batches()
    for _ in range(2):
        run.learn(next(stream))
    run.save()
    resumed = in_parts(all_objectives, 1, tmp_path)
    assert resumed.step == 2
    (batch,) = next(resumed.batches())
    assert torch.equal(batch.images, torch.cat([part.images for part in next(stream)]))


def test_parts_that_do_not_divide_a_batch_are_refused(all_objectives: TrainConfig, tmp_path: Path):
    with pytest.raises(ConfigError, match="batch 4 cannot be shared by 1 processes .* in 3 parts"):
        in_parts(all_objectives, 3, tmp_path)


def test_no_tensor_of_the_objective_is_made_on_another_device(all_objectives: TrainConfig, tmp_path: Path):
    run = Run(all_objectives, tmp_path)
    (batch,) = next(run.batches())
    run.network.attend("sdpa")
    # Whatever is made without naming a device is now made on one that no arithmetic mixes with.
    with torch.device("meta"):
        terms = run.supervised(batch)
    assert all(value.device.type == "cpu" and torch.isfinite(value) for value in terms.values())


def test_a_batch_moves_with_all_it_holds(all_objectives: TrainConfig, tmp_path: Path):
    (batch,) = next(Run(all_objectives, tmp_path).batches())
    moved = batch.to(torch.device("meta"))
    assert moved.images.device.type == moved.prompts.text.device.type == "meta"
    assert moved.privileged.teacher.device.type == "meta"


def test_precision_changes_how_a_step_is_computed(rooms: Path, tmp_path: Path):
    losses = {}
    for precision in ("float32", "bfloat16"):
        config = load_config(RGB, [*TINY, f"data.directory={rooms}", f"optimisation.precision={precision}"])
        run = Run(config, tmp_path / precision)
        losses[precision] = run.learn(next(run.batches()))["loss"]
        assert all(value.dtype == torch.float32 for value in run.network.parameters())
    assert losses["float32"] != losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)


def test_a_device_or_precision_that_does_not_exist_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match="use auto, cpu or cuda"):
        computes_on_cpu("gpu")
    with pytest.raises(ConfigError, match="use auto, float32 or bfloat16"):
        choose_precision("float8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert computes_on_cpu("auto") and computes_on_cpu("cpu")
    with pytest.raises(ConfigError, match="torch finds no CUDA device"):
        computes_on_cpu("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert not computes_on_cpu("auto") and computes_on_cpu("cpu")


@pytest.mark.parametrize("key", ["optimisation.accumulate", "optimisation.batch", "log_every"])
def test_counts_below_one_are_refused_by_name(key: str):
    with pytest.raises(ConfigError, match=f"{key} must be 1 or more"):
        load_config(RGB, [f"{key}=0"])
