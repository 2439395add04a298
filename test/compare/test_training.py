# SPDX-License-Identifier: Apache-2.0
"""Runs of a study are trained once: finished ones are left alone, broken ones go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ide3d_training.checkpoint import NAME, load_checkpoint, save_checkpoint
from ide3d_training.compare.smoke import OVERRIDES
from ide3d_training.compare.study import PlannedRun, load_study, plan
from ide3d_training.compare.training import TrainingFailed, logged_steps, train_all, trained_steps
from ide3d_training.config import ConfigError
from ide3d_training.run import Run


def planned(study_file, rooms, output, *overrides: str) -> list[PlannedRun]:
    study = replace(load_study(study_file), seeds=[0])
    return plan(study, study_file, output, [*OVERRIDES, f"data.directory={rooms}", *overrides])


def trained(runs, jobs=2) -> tuple[list[int], list[str]]:
    steps, finished = [], []
    train_all(runs, jobs, steps.append, lambda run: finished.append(run.name))
    return steps, finished


def test_a_finished_run_is_left_alone_and_a_broken_one_goes_on(study_file, rooms, tmp_path):
    runs = planned(study_file, rooms, tmp_path, "optimisation.steps=4")
    for run, steps in zip(runs, (4, 2), strict=True):
        begun = Run(run.settings, run.directory)
        batches = begun.batches()
        for _ in range(steps):
            begun.learn(next(batches))
        begun.save()
    before = (runs[0].directory / NAME).stat().st_mtime_ns
    halfway = load_checkpoint(runs[1].directory)["network"]
    steps, finished = trained(runs)
    assert (runs[0].directory / NAME).stat().st_mtime_ns == before
    assert load_checkpoint(runs[1].directory)["step"] == logged_steps(runs[1]) == 4
    assert any(
        not torch.equal(value, halfway[name])
        for name, value in load_checkpoint(runs[1].directory)["network"].items()
    )
    assert sorted(finished) == ["geometry_all-0", "rgb-0"] and steps[-1] == 8


def test_a_run_trained_with_other_settings_is_refused_by_name(study_file, rooms, tmp_path):
    (run, *_) = planned(study_file, rooms, tmp_path)
    Run(run.settings, run.directory).save()
    other = planned(study_file, rooms, tmp_path, "optimisation.learning_rate=0.1")[0]
    with pytest.raises(ConfigError, match=r"another optimisation.learning_rate \(0.0008 and 0.1\)"):
        trained_steps(other)
    moved = planned(study_file, rooms, tmp_path, "data.directory=elsewhere", "data.workers=1")[0]
    assert trained_steps(moved) == 0  # the same run, wherever its rooms lie


def test_a_run_from_before_a_setting_was_added_is_known_again(study_file, rooms, tmp_path):
    (run, *_) = planned(study_file, rooms, tmp_path)
    Run(run.settings, run.directory).save()
    state = load_checkpoint(run.directory)
    del state["train_config"]["data"]["omni3d"], state["train_config"]["keep_every"]
    save_checkpoint(run.directory, state)
    assert trained_steps(run) == 0


def test_a_run_that_fails_is_named_with_what_it_said(study_file, rooms, tmp_path):
    runs = planned(study_file, rooms, tmp_path, "data.validation=5000")
    with pytest.raises(TrainingFailed, match=r"(?s)rgb-0 ended with status 2 .*too few for\s+5000"):
        trained(runs[:1])


def test_an_interruption_stops_a_run_with_a_checkpoint(study_file, rooms, tmp_path):
    (run, *_) = planned(study_file, rooms, tmp_path, "optimisation.steps=100000")

    def interrupt(steps: int) -> None:
        if steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_all([run], 1, interrupt, lambda run: None)
    assert 0 < trained_steps(run) < 100_000


def test_all_arms_of_a_seed_begin_with_the_same_weights(study_file, rooms, tmp_path):
    one, other = (Run(run.settings, run.directory) for run in planned(study_file, rooms, tmp_path))
    assert other.supervised.training_only() and not one.supervised.training_only()
    own = other.network.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in one.network.state_dict().items())
