# SPDX-License-Identifier: Apache-2.0
"""A training run learns, can be killed at any step, and says what is wrong with its configuration."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ide3d_training.checkpoint import load_checkpoint
from ide3d_training.config import ConfigError, load_config
from ide3d_training.datasets.rooms import EpochSampler
from ide3d_training.launching import launch
from ide3d_training.run import Run
from ide3d_training.schedule import learning_rate
from ide3d_training.train import train

from .conftest import PROGRAM, RGB, TINY, words


def tiny_config(rooms: Path, *more: str):
    return load_config(RGB, [*TINY, f"data.directory={rooms}", "optimisation.warmup=4", "log_every=1", *more])


def curve(run: Path) -> list[dict]:
    with open(run / "curve.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_every_term_is_logged_and_the_loss_falls(rooms: Path, tmp_path: Path):
    train(Run(tiny_config(rooms, "optimisation.steps=24", "optimisation.learning_rate=0.003"), tmp_path))
    rows = curve(tmp_path)
    losses = [float(row["loss"]) for row in rows]
    assert len(losses) == 24
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    terms = "answer pointer category color offset depth extents yaw front scale gravity".split()
    assert all(row[term] for row in rows for term in terms)
    assert rows[-1]["val_pointed"] and (tmp_path / "curve.png").stat().st_size > 10_000


def test_a_killed_run_ends_where_an_unbroken_one_does(rooms: Path, tmp_path: Path):
    config = tiny_config(rooms, "optimisation.steps=10")
    train(Run(config, tmp_path / "whole"))
    broken = Run(config, tmp_path / "broken")
    batches = broken.batches()
    broken.supervised.train()
    for _ in range(4):
        broken.learn(next(batches))
    broken.save()
    for _ in range(3):  # steps that the checkpoint does not know of are lost with the process
        broken.learn(next(batches))
    train(Run(config, tmp_path / "broken"))
    whole, resumed = (load_checkpoint(tmp_path / name) for name in ("whole", "broken"))
    assert resumed["step"] == whole["step"] == 10
    for name, value in whole["network"].items():
        torch.testing.assert_close(resumed["network"][name], value, atol=1e-5, rtol=1e-4)


def test_two_processes_share_every_batch(rooms: Path, tmp_path: Path):
    overrides = [
        *TINY,
        f"data.directory={rooms}",
        "optimisation.steps=6",
        "optimisation.warmup=4",
        "log_every=1",
    ]
    arguments = ["--config", str(RGB), "--output", str(tmp_path / "two"), *words(*overrides)]
    assert launch(2, [*PROGRAM, *arguments]) == 0
    train(Run(tiny_config(rooms, "optimisation.steps=6"), tmp_path / "one"))
    two, one = (load_checkpoint(tmp_path / name) for name in ("two", "one"))
    assert two["step"] == one["step"] == 6 and len(curve(tmp_path / "two")) == 6
    # Batch norm and the terms' averages are taken over each half of a batch, so the same samples give nearly
    # the same steps; other samples give others.
    train(Run(tiny_config(rooms, "optimisation.steps=6", "seed=1"), tmp_path / "other"))
    other = load_checkpoint(tmp_path / "other")

    def moved(state: dict, name: str) -> torch.Tensor:
        return state["network"][name]

    name = "box_head.fields.2.bias"
    assert (moved(two, name) - moved(one, name)).norm() < 0.5 * (moved(other, name) - moved(one, name)).norm()


def test_shares_of_two_processes_make_up_the_order_of_one():
    def first(count: int, *arguments: int) -> list[tuple[int, int]]:
        return list(itertools.islice(EpochSampler(*arguments), count))

    whole = first(30, 7, 3)
    shares = [first(15, 7, 3, rank, 2) for rank in (0, 1)]
    assert [pair for pairs in zip(*shares, strict=True) for pair in pairs] == whole
    assert first(10, 7, 3, 9 + 1, 2) == whole[10:30:2]


def test_a_batch_that_two_processes_cannot_share_is_refused(rooms: Path, tmp_path: Path, capfd):
    overrides = [*TINY, f"data.directory={rooms}", "optimisation.batch=5"]
    arguments = ["--config", str(RGB), "--output", str(tmp_path), *words(*overrides)]
    assert launch(2, [*PROGRAM, *arguments]) != 0
    assert "cannot be shared by 2 processes evenly" in capfd.readouterr().err


def test_a_batch_without_a_finite_gradient_is_skipped_and_counted(rooms: Path, tmp_path: Path):
    run = Run(tiny_config(rooms), tmp_path)
    (batch,) = next(run.batches())
    before = {name: value.clone() for name, value in run.network.named_parameters()}
    batch.token_depth[:] = float("nan")
    assert run.learn((batch,)) == {}
    run.agree(False, False)
    assert run.gaps["batches"] == 1
    assert all(torch.equal(before[name], value) for name, value in run.network.named_parameters())


def test_the_rate_before_the_decay_does_not_depend_on_the_length_of_the_run():
    from dataclasses import replace

    from ide3d_training.config import Optimisation

    short = Optimisation(steps=1000, warmup=100, decay=0.4)
    assert [learning_rate(s, short) for s in range(0, 600, 50)] == [
        learning_rate(s, replace(short, steps=5000)) for s in range(0, 600, 50)
    ]
    assert learning_rate(99, short) == short.learning_rate
    assert learning_rate(1000, short) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    "override, said",
    [
        ("optimisation.stepz=3", "unknown key 'stepz' in nano_rgb.yaml.optimisation"),
        ("optimisation.steps=many", "optimisation.steps must be int, got 'many'"),
        ("seed", "'seed' is not KEY=VALUE"),
        ("prompts.absent=1.5", "prompts.absent is a share of expressions, 0 to 1, not 1.5"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(override: str, said: str):
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        load_config(RGB, [override])


def test_the_command_names_what_is_missing(refused: Callable[..., str], tmp_path: Path):
    output = ["--output", str(tmp_path)]
    nowhere = words(f"data.directory={tmp_path / 'none'}")
    assert "ide3d-worlds render" in refused("--config", str(RGB), *output, *nowhere)
    assert "no configuration at" in refused("--config", str(tmp_path / "absent.yaml"), *output)
