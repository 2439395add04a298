# SPDX-License-Identifier: Apache-2.0
"""Presets explicit_pe, dual_encoder and 3drs train from their shipped configurations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ide3d_ros.network.geometry_network import GeometryConfig
from ide3d_training.checkpoint import snapshots
from ide3d_training.compare.snapshot_scores import find_snapshots
from ide3d_training.config import ConfigError, Optimisation, TrainConfig, load_config
from ide3d_training.evaluate.probe_frames import ProbeError
from ide3d_training.export.cli import averaged_network, load_averaged
from ide3d_training.frozen_runs import train_frozen
from ide3d_training.run import Run
from ide3d_training.teachers.geometry_teacher import GeometryTeacher
from ide3d_training.teachers.geometry_training import GeometryRun, TeacherConfig
from ide3d_training.train import train

from .conftest import CONFIGS, TINY


def settings(name: str, *overrides: str) -> TrainConfig:
    return load_config(CONFIGS / f"nano_{name}.yaml", [*TINY, "optimisation.steps=2", *overrides])


@pytest.fixture(scope="module")
def teacher(pairs: Path, tmp_path_factory) -> Path:
    sizes = GeometryConfig(stem_channels=(8, 8, 16), dim=16, pairs=1, heads=4, mlp=32, map_stride=16)
    plan = TeacherConfig(
        validation=4, network=sizes, optimisation=Optimisation(steps=1, batch=4, warmup=1, threads=1)
    )
    folder = tmp_path_factory.mktemp("teacher")
    assert train_frozen(GeometryRun(plan, pairs, folder))
    return folder


def test_explicit_positions_read_depth_and_poses_of_the_rooms(pairs: Path, tmp_path: Path):
    run = Run(settings("explicit_pe", f"data.directory={pairs}"), tmp_path)
    (batch,) = next(run.batches())
    assert batch.privileged.depth.shape == (4, 192, 256) and not run.config.losses.privileged
    placed = run.network.vision(
        batch.images, batch.intrinsics, (batch.privileged.depth, batch.privileged.world_from_camera)
    )
    unplaced = run.network.vision(
        batch.images, batch.intrinsics, (0 * batch.privileged.depth, batch.privileged.world_from_camera)
    )
    assert (placed - unplaced).abs().max() > 0.1
    train(run)
    assert load_averaged(tmp_path)[0].config.extra_inputs == ("depth", "world_from_camera")


def test_the_second_encoder_is_the_teacher_and_stays_it(pairs: Path, teacher: Path, tmp_path: Path):
    places = f"data.directory={pairs}", f"second_encoder={teacher}"
    run = Run(settings("dual_encoder", *places, "optimisation.warmup=1", "keep_every=1"), tmp_path)
    train(run)
    encoder = GeometryTeacher(teacher).network.state_dict()
    network, _ = load_averaged(tmp_path)
    kept = network.vision.branch.encoder.state_dict()
    assert kept and all(torch.equal(value, encoder[name]) for name, value in kept.items())
    assert (network.vision.branch.merger[-1].weight != 0).any()
    frozen = {id(p) for p in run.network.vision.branch.encoder.parameters()}
    assert not frozen & {id(p) for group in run.optimizer.param_groups for p in group["params"]}

    files = snapshots(tmp_path)
    assert [file.name for file in files] == ["step-000001.pt", "step-000002.pt"]
    last = averaged_network(torch.load(files[-1], weights_only=True))
    assert all(torch.equal(a, b) for a, b in zip(last.parameters(), network.parameters(), strict=True))
    assert [one.step for one in find_snapshots([tmp_path])] == [1, 2]
    assert Run(replace(run.config, keep_every=0), tmp_path).step == 2  # resumes with the same encoder


def test_3drs_is_alignment_at_the_last_language_layer_and_nothing_else():
    plain, aligned = (load_config(CONFIGS / f"nano_{name}.yaml").losses for name in ("rgb", "3drs"))
    assert aligned == replace(plain, alignment=1.0)


@pytest.mark.parametrize(
    "overrides", [["network.branch=world_position"], ["second_encoder=''"], ["network.branch="]]
)
def test_branch_and_second_encoder_go_together(overrides):
    with pytest.raises(ConfigError, match="go together: set both or neither"):
        settings("dual_encoder", *overrides)


def test_a_network_that_cannot_be_built_and_a_run_without_snapshots_are_refused(pairs: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="network: branch 'world_position' has no option 'steps'"):
        Run(
            settings("explicit_pe", f"data.directory={pairs}", "network.branch_options.steps=1"),
            tmp_path / "run",
        )
    with pytest.raises(ProbeError, match="kept no snapshots: train it with keep_every"):
        find_snapshots([tmp_path])
