# SPDX-License-Identifier: Apache-2.0
"""A study at the size of a test: few rooms, a tiny network, a handful of steps; its figures mean nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ide3d_training.compare.study import Evaluated, PlannedRun, Probed, Study
from ide3d_training.worlds.shards import Settings, render_dataset

ROOMS = Settings(rooms=24, seed=0, frames_per_room=2, motion="orbit", rate_hz=0.8)
OVERRIDES = (
    "start_from=''",
    "network.dim=32",
    "network.vision_layers=2",
    "network.language_layers=1",
    "network.vision_mlp=64",
    "network.language_mlp=64",
    "network.stem_channels=[8, 8, 16]",
    "network.field_hidden=32",
    "validator.levels=[1, 2]",
    "validator.width=16",
    "optimisation.steps=6",
    "optimisation.warmup=2",
    "optimisation.batch=4",
    "optimisation.precision=float32",
    "data.validation=4",
    "data.workers=0",
    "vocabulary=300",
    "log_every=1",
)
REPETITIONS = 3


def small(study: Study) -> Study:
    """Return a study with one seed and few rooms to evaluate and probe."""
    return replace(
        study,
        seeds=study.seeds[:1],
        evaluation=Evaluated(study.evaluation.splits, 3),
        probe=Probed(min(study.probe.rooms, 2), min(study.probe.held_out, 2)),
    )


def small_data(runs: Sequence[PlannedRun], output: Path) -> list[str]:
    """Render the tiny rooms, and make of them what the runs need: features, an encoder, a generator.

    Returns:
        the overrides that say where they lie.
    """
    rooms, features = output / "rooms", output / "rooms_teacher"
    render_dataset(ROOMS, rooms)
    places = [f"data.directory={rooms}"]
    if any(run.settings.data.teacher for run in runs):
        from ide3d_training.teachers.cache_writing import write_cache

        grid = ROOMS.height // 16, ROOMS.width // 16
        write_cache(ColourTeacher(), rooms, features, grid, ROOMS.frames_per_room)
        places.append(f"data.teacher={features}")
    if any(run.settings.second_encoder for run in runs):
        from ide3d_training.smoke import train_small_teacher

        train_small_teacher(rooms, output / "teacher")
        places.append(f"second_encoder={output / 'teacher'}")
    for run in runs:
        if run.settings.generator:
            from ide3d_training.smoke import train_generator

            train_generator(run.settings, rooms, output / "generator")
            places.append(f"generator={output / 'generator'}")
            break
    return places


class ColourTeacher:
    """Say of every token which colour it has: nothing to train, and enough to be aligned with."""

    name = "colours"
    digest = "colours"
    channels = 3

    def tokens(self, frames: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
        """Average (R, F, H, W, 3) uint8 frames over cells of 16 x 16 pixels, to (R, F, rows, columns, 3)."""
        rooms, views, height, width, _ = frames.shape
        cells = frames.float().reshape(rooms, views, height // 16, 16, width // 16, 16, 3)
        return cells.mean((3, 5)) / 255.0
