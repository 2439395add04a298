# SPDX-License-Identifier: Apache-2.0
"""A short run of everything, from nothing: rooms, a tiny teacher, forty steps, and whether the loss fell."""

from __future__ import annotations

import csv
from pathlib import Path

from accelerate import PartialState
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ide3d_ros.network import NetworkConfig
from ide3d_training.config import TrainConfig
from ide3d_training.launching import launched
from ide3d_training.run_log import console
from ide3d_training.schedule import computes_on_cpu
from ide3d_training.worlds.shards import Settings, render_dataset

STEPS = 40
ROOMS = 48
HELD_OUT = 8
SMALL = (
    f"optimisation.steps={STEPS}",
    "optimisation.warmup=5",
    "optimisation.batch=8",
    f"data.validation={HELD_OUT}",
    f"validate_every={STEPS}",
    "log_every=1",
)
COMPARED = 8
"""Steps at either end of the run whose mean losses are compared."""


def prepare_smoke(config: TrainConfig, given: list[str], directory: Path) -> list[str]:
    """Make the rooms and the teacher of a short run, as far as they are not there.

    Args:
        config: what is to be tried.
        given: overrides of the user, which go before those of the short run.
        directory: of the run.

    Returns:
        overrides that make the configuration a short run on what was made.
    """
    made = [f"data.directory={directory / 'rooms'}"]
    if config.data.teacher:
        made.append(f"data.teacher={directory / 'teacher_features'}")
    chosen = {text.partition("=")[0] for text in given}
    made = [text for text in made if text.partition("=")[0] not in chosen]
    if launched():
        state = PartialState(cpu=computes_on_cpu(config.optimisation.device))
        with state.main_process_first():
            _make(config, made, directory)
    else:
        _make(config, made, directory)
    return [*SMALL, *made, *given]


def _make(config: TrainConfig, made: list[str], directory: Path) -> None:
    rooms = directory / "rooms"
    if any(text.startswith("data.directory=") for text in made):
        render_rooms(config, rooms)


def render_rooms(config: TrainConfig, folder: Path) -> None:
    """Render a few rooms of the training split, of the size that the network reads."""
    sizes = {name: config.network.get(name, getattr(NetworkConfig, name)) for name in ("width", "height")}
    settings = Settings(
        rooms=ROOMS, seed=0, frames_per_room=max(2, config.data.views), motion="orbit", rate_hz=0.8, **sizes
    )
    columns = TextColumn("rooms"), BarColumn(), MofNCompleteColumn(), TextColumn("frames")
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=settings.frames)
        render_dataset(settings, folder, workers=2, on_shard=lambda frames: bar.advance(task, frames))


def loss_fell(curve: Path) -> bool:
    """Compare the two ends of a run's curve, and say what was found."""
    with open(curve, newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file) if row["loss"]]
    if len(losses) < 2 * COMPARED:
        console.print(f"only {len(losses)} steps have a loss: nothing can be said of it")
        return False
    first, last = sum(losses[:COMPARED]) / COMPARED, sum(losses[-COMPARED:]) / COMPARED
    verb = "fell" if last < first else "did not fall"
    console.print(f"the loss {verb}: {first:.3f} in the first {COMPARED} steps, {last:.3f} in the last")
    return last < first
