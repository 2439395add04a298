# SPDX-License-Identifier: Apache-2.0
"""What samples lack is left out of the objective and counted; what is broken is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ide3d_training.config import TrainConfig, load_config
from ide3d_training.datasets.packing import collate
from ide3d_training.run import Run

from .conftest import IDE3D, RGB, TINY, words


@pytest.fixture
def run(all_objectives: TrainConfig, tmp_path: Path) -> Run:
    """A fresh run of all objectives."""
    run = Run(all_objectives, tmp_path)
    run.supervised.train()
    return run


def learned(run: Run, batch) -> dict[str, float]:
    """Take a step; check that the weights are numbers after it."""
    terms = run.learn((batch,))
    run.agree(False, False)
    assert all(torch.isfinite(value).all() for value in run.network.parameters())
    return terms


def test_a_batch_that_lacks_nothing_counts_nothing(run: Run):
    (batch,) = next(run.batches())
    terms = learned(run, batch)
    weighted = {name for name in run.config.losses.terms() if getattr(run.config.losses, name)}
    assert {"loss", *weighted} <= set(terms)
    assert all(np.isfinite(value) for value in terms.values())
    assert not any(run.gaps.values())


def test_frames_without_depth_teach_no_depth_map_and_are_counted(run: Run):
    (batch,) = next(run.batches())
    batch.privileged.depth[:] = 0.0
    terms = learned(run, batch)
    assert terms["depth_map"] == terms["depth_map_confidence"] == terms["depth_map_gradient"] == 0.0
    assert terms["cross_view"] == 0.0
    assert run.gaps["depth"] == 4 and not run.gaps["batches"]


def test_depth_that_is_not_finite_is_as_good_as_none(run: Run):
    (batch,) = next(run.batches())
    whole = batch.privileged.depth.clone()
    batch.privileged.depth[1] = float("nan")
    terms = learned(run, batch)
    assert np.isfinite(list(terms.values())).all() and terms["depth_map"] > 0
    assert run.gaps["depth"] == 1
    batch.privileged.depth[:] = whole
    batch.privileged.depth[:, ::2] = float("inf")
    assert np.isfinite(list(learned(run, batch).values())).all()
    assert run.gaps["depth"] == 1 and not run.gaps["batches"]


def test_frames_without_a_pose_have_no_partner_and_are_counted(run: Run):
    (batch,) = next(run.batches())
    batch.privileged.world_from_camera[:] = float("nan")
    terms = learned(run, batch)
    assert terms["cross_view"] == terms["cross_view_consistency"] == 0.0 < terms["depth_map"]
    assert run.gaps["pose"] == 4 and not run.gaps["batches"]


def test_frames_that_the_teacher_says_nothing_of_are_not_aligned(run: Run):
    (batch,) = next(run.batches())
    batch.privileged.teacher[:] = float("nan")
    assert learned(run, batch)["alignment"] == 0.0
    assert run.gaps["teacher"] == 4 and not run.gaps["batches"]


def test_a_batch_that_nothing_is_asked_about_still_teaches_boxes(all_objectives: TrainConfig, tmp_path: Path):
    silent = replace(all_objectives.prompts, expressions=0, questions=0, descriptions=0.0)
    run = Run(replace(all_objectives, prompts=silent), tmp_path)
    (batch,) = next(run.batches())
    assert batch.prompts.text.shape == (4, 0)
    terms = learned(run, batch)
    assert terms["pointer"] == terms["answer"] == 0.0 < terms["depth"]
    assert run.gaps["prompts"] == 4 and not run.gaps["batches"]
    assert np.isfinite([value for name, value in run.validate().items() if name == "val_depth_map"]).all()


def test_prompts_without_any_target_are_answered_with_none(run: Run):
    (batch,) = next(run.batches())
    batch.target_count.clamp_(max=0)
    batch.target_tokens[:] = False
    batch.token_weight[:] = 0.0
    batch.token_category[:] = -1
    terms = learned(run, batch)
    assert terms["pointer"] > 0 and terms["depth"] == terms["category"] == 0.0
    assert not any(run.gaps.values())


def test_a_frame_without_prompts_can_be_packed_with_others(run: Run):
    first, second = run._dataset[0, 0]
    batch = collate([first, replace(second, prompts=())], run.network.config.box_queries)
    assert (batch.target_count[1] == -1).all() and (batch.target_count[0] >= 0).all()
    alone = collate([first], run.network.config.box_queries)
    run.supervised.eval()
    with torch.no_grad():
        together, single = (run.supervised.look(one)[0].pointer[0] for one in (batch, alone))
    torch.testing.assert_close(together, single, atol=1e-5, rtol=1e-4)


def test_what_was_left_out_is_said_once_and_in_the_end(all_objectives, tmp_path: Path, capsys, monkeypatch):
    from ide3d_training.datasets.frame_store import FrameStore
    from ide3d_training.train import train

    monkeypatch.setattr(FrameStore, "depth", lambda self, index: np.zeros((192, 256), np.float32))
    steps = replace(all_objectives.optimisation, steps=3)
    train(Run(replace(all_objectives, optimisation=steps), tmp_path))
    said = " ".join(capsys.readouterr().out.split())
    assert "step 1: 4 frames had no known depth" in said
    assert "12 frames had no known depth" in said
    assert said.count("no known depth") == 2


def test_a_corrupt_shard_is_refused_by_name(refused: Callable[..., str], rooms: Path, tmp_path: Path):
    import shutil

    shutil.copytree(rooms, tmp_path / "rooms")
    shard = next((tmp_path / "rooms").glob("shard-*"))
    data = (shard / "depth.npy").read_bytes()
    (shard / "depth.npy").write_bytes(data[: len(data) // 2])
    overrides = words(*TINY, f"data.directory={tmp_path / 'rooms'}")
    said = refused("--config", str(RGB), "--output", str(tmp_path / "run"), *overrides)
    assert shard.name in said and "is damaged" in said and "render again" in said


def test_rooms_without_a_teacher_are_refused_with_the_command_that_makes_one(
    refused: Callable[..., str], pairs: Path, tmp_path: Path
):
    overrides = words(*TINY, f"data.directory={pairs}", f"data.teacher={tmp_path / 'none'}")
    said = refused("--config", str(IDE3D), "--output", str(tmp_path / "run"), *overrides)
    assert "ide3d-teacher cache" in said


def test_a_term_of_weight_zero_may_not_be_nan_either(rooms: Path, tmp_path: Path):
    config = load_config(RGB, [*TINY, f"data.directory={rooms}", "losses.gravity=0"])
    run = Run(config, tmp_path)
    (batch,) = next(run.batches())
    batch.gravity[0] = float("nan")
    assert learned(run, batch) == {}
    assert run.gaps["batches"] == 1
