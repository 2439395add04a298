# SPDX-License-Identifier: Apache-2.0
"""A study at the size of a test: few tiny rooms, a tiny network, a handful of steps; its figures mean nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ide3d_training.compare.study import Evaluated, Probed, Study
from ide3d_training.worlds.shards import Settings, render_dataset

ROOMS = Settings(rooms=24, seed=0, frames_per_room=2, motion="orbit", rate_hz=0.8)
OVERRIDES = (
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


def small_data(output: Path) -> list[str]:
    """Render the tiny rooms; return the overrides that say where they lie."""
    folder = output / "rooms"
    render_dataset(ROOMS, folder)
    return [f"data.directory={folder}"]
