# SPDX-License-Identifier: Apache-2.0
"""A teacher learns the geometry of rooms, can be stopped at any step, and says what is wrong."""

from __future__ import annotations

import csv
import itertools
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ide3d_training.checkpoint import load_checkpoint, save_checkpoint
from ide3d_training.config import ConfigError
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.frozen_runs import train_frozen
from ide3d_training.teachers.geometry_teacher import GeometryTeacher
from ide3d_training.teachers.geometry_training import GeometryRun
from ide3d_training.teachers.protocol import TeacherError
from ide3d_training.teachers.room_views import RoomViews, RoomViewsDataset, stack_rooms

from .conftest import TINY, tiny


def curve(run: Path) -> list[dict]:
    with open(run / "curve.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_the_loss_and_the_held_out_errors_fall(pairs: Path, tmp_path: Path, capsys):
    untrained = GeometryRun(tiny(60), pairs, tmp_path).validate()
    run = GeometryRun(tiny(60), pairs, tmp_path)
    assert train_frozen(run)
    rows = curve(tmp_path)
    assert len(rows) == 12 and all(row[term] for row in rows for term in ("depth", "points", "slope"))
    assert float(rows[-1]["loss"]) < 0.6 * float(rows[0]["loss"])
    assert run.errors["val_point_error"] < 0.7 * untrained["val_point_error"]
    assert run.errors["val_abs_rel"] < untrained["val_abs_rel"]
    assert float(rows[-1]["val_abs_rel"]) == pytest.approx(run.errors["val_abs_rel"], rel=1e-3)
    assert "held-out depth AbsRel" in capsys.readouterr().out
    assert (tmp_path / "curve.png").stat().st_size > 10_000
    assert GeometryTeacher(tmp_path, "float32").errors == run.errors


def test_a_killed_run_ends_where_an_unbroken_one_does(pairs: Path, tmp_path: Path):
    train_frozen(GeometryRun(tiny(8), pairs, tmp_path / "whole"))
    broken = GeometryRun(tiny(8), pairs, tmp_path / "broken")
    batches = broken.batches()
    for _ in range(3):
        broken.learn(next(batches))
    broken.save()
    for _ in range(2):  # steps that the checkpoint does not know of are lost with the process
        broken.learn(next(batches))
    train_frozen(GeometryRun(tiny(8), pairs, tmp_path / "broken"))
    whole, resumed = (load_checkpoint(tmp_path / name) for name in ("whole", "broken"))
    assert resumed["step"] == whole["step"] == 8
    for part in ("network", "average"):
        for name, value in whole[part].items():
            torch.testing.assert_close(resumed[part][name], value, atol=1e-5, rtol=1e-4)


class Interrupted(GeometryRun):
    """A run that somebody stops with Ctrl-C in the middle of its third step."""

    def learn(self, batch: RoomViews) -> dict[str, float]:
        if self.step == 2:
            signal.raise_signal(signal.SIGINT)
        return super().learn(batch)


def test_ctrl_c_finishes_the_step_and_saves(pairs: Path, tmp_path: Path, capsys):
    before = signal.getsignal(signal.SIGINT)
    assert not train_frozen(Interrupted(tiny(8), pairs, tmp_path))
    assert load_checkpoint(tmp_path)["step"] == 3
    assert "stopped at step 3; the same command goes on from here" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before


def test_a_batch_without_a_finite_gradient_is_skipped_and_counted(pairs: Path, tmp_path: Path):
    run = GeometryRun(tiny(8), pairs, tmp_path)
    batch = next(run.batches())
    with torch.no_grad():
        run.network.head[-1].bias[0] = torch.nan
    before = {name: value.clone() for name, value in run.network.named_parameters()}
    assert run.learn(batch) == {} and run.skipped == 1
    after = dict(run.network.named_parameters())
    assert all(torch.equal(before[name].nan_to_num(), value.nan_to_num()) for name, value in after.items())


def test_held_out_rooms_are_never_trained_on(pairs: Path, tmp_path: Path):
    run = GeometryRun(tiny(8), pairs, tmp_path)
    drawn: set[int] = set()

    class Watched(RoomViewsDataset):
        def __getitem__(self, key: tuple[int, int]) -> RoomViews:
            drawn.add(key[1])
            return super().__getitem__(key)

    run._rooms = Watched(FrameStore(pairs), 2, 0)
    for _ in itertools.islice(run.batches(), 2 * 34 // 4):
        pass
    assert drawn == set(range(34))  # the last 6 of 40 are held out


def test_what_cannot_be_trained_is_refused_by_name(pairs: Path, rooms: Path, tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="ide3d-worlds render"):
        GeometryRun(TINY, tmp_path / "none", tmp_path / "run")
    with pytest.raises(ConfigError, match="holds 40 rooms, too few for 38 validation rooms and a batch of 4"):
        GeometryRun(replace(TINY, validation=38), pairs, tmp_path / "run")
    with pytest.raises(ConfigError, match="has rooms of 1 frames, 2 are to be seen together"):
        GeometryRun(TINY, rooms, tmp_path / "run")


def test_a_run_of_other_sizes_or_another_kind_is_left_alone(pairs: Path, tmp_path: Path):
    GeometryRun(TINY, pairs, tmp_path / "run").save()
    other = replace(TINY, network=replace(TINY.network, dim=16))
    with pytest.raises(ConfigError, match="holds a network of other sizes"):
        GeometryRun(other, pairs, tmp_path / "run")
    save_checkpoint_of_something_else(tmp_path / "else")
    with pytest.raises(ConfigError, match="holds another kind of run"):
        GeometryRun(TINY, pairs, tmp_path / "else")
    with pytest.raises(TeacherError, match="holds the run of another program"):
        GeometryTeacher(tmp_path / "else")
    with pytest.raises(TeacherError, match="ide3d-teacher train --rooms"):
        GeometryTeacher(tmp_path / "none")


def save_checkpoint_of_something_else(folder: Path) -> None:
    folder.mkdir()
    save_checkpoint(folder, {"step": 3, "network": {}})


def test_the_averaged_weights_are_saved_with_statistics_of_their_own(pairs: Path, tmp_path: Path):
    run = GeometryRun(tiny(12), pairs, tmp_path)
    for batch in itertools.islice(run.batches(), 12):
        run.learn(batch)
    run.save()
    teacher = GeometryTeacher(tmp_path, "float32")
    seen = stack_rooms([run._rooms[0, room] for room in range(run._training)])
    tokens = teacher.tokens(seen.images, seen.intrinsics).flatten(0, 3)
    torch.testing.assert_close(tokens.mean(0), torch.zeros(teacher.channels), atol=0.1, rtol=0)
    torch.testing.assert_close(tokens.std(0), torch.ones(teacher.channels), atol=0.15, rtol=0)
