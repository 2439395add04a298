# SPDX-License-Identifier: Apache-2.0
"""A short run of everything, from nothing: rooms, labels, teacher, generator, steps; did the loss fall?"""

from __future__ import annotations

import csv
import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from accelerate import PartialState
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ide3d_ros.network import NetworkConfig
from ide3d_ros.network.branches.generator import GeneratorOptions
from ide3d_ros.network.generator import GeneratorConfig
from ide3d_ros.network.geometry_network import GeometryConfig
from ide3d_training.config import TrainConfig
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.omni3d_writing import write_omni3d
from ide3d_training.frozen_runs import train_frozen
from ide3d_training.generators.generator_training import GeneratorPlan, GeneratorRun
from ide3d_training.generators.videos import usual_frames
from ide3d_training.launching import is_first, launched
from ide3d_training.run_log import console
from ide3d_training.schedule import computes_on_cpu
from ide3d_training.teachers.cache_writing import write_cache
from ide3d_training.teachers.geometry_teacher import GeometryTeacher
from ide3d_training.teachers.geometry_training import GeometryRun, TeacherConfig
from ide3d_training.worlds.shards import Settings, render_dataset

STEPS = 40
ROOMS = 48
HELD_OUT = 8
LABELS = "rooms_train"
TEACHER_STEPS = 12
GENERATOR_STEPS = 24
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
    """Make the rooms, the teacher and the generator of a short run, as far as they are not there.

    Labelled images are rooms too, written in their format: it is tried whole, and needs no data set.

    Args:
        config: what is to be tried, with the user's overrides.
        given: those overrides; what they name is not made.
        directory: of the run.

    Returns:
        overrides that make the configuration a short run on what was made.
    """
    chosen = {text.partition("=")[0] for text in given}
    labels, features, generator, encoder = None, None, None, None
    made = []
    rooms_given = bool(config.data.directory) and "data.directory" in chosen
    rooms = Path(config.data.directory) if rooms_given else directory / "rooms"
    if config.data.directory and not rooms_given:
        made.append(f"data.directory={rooms}")
    if config.data.omni3d.labels and "data.omni3d.labels" not in chosen:
        labels = directory / "omni3d"
        files = json.dumps([str(labels / f"{LABELS}.json")])
        made += [f"data.omni3d.labels={files}", f"data.omni3d.images={labels}"]
        made += ["data.omni3d.rename={}", "data.omni3d.add=[]"]  # of categories that no room has
    if config.data.teacher and "data.teacher" not in chosen:
        features = directory / "teacher_features"
        made.append(f"data.teacher={features}")
    if config.network.get("branch") == "generator" and "generator" not in chosen:
        generator = directory / "generator"
        made.append(f"generator={generator}")
    if config.second_encoder and "second_encoder" not in chosen:
        encoder = directory / "teacher"
        made.append(f"second_encoder={encoder}")
    made_of_rooms = (labels, features, generator, encoder)
    if launched():  # the first of the processes makes everything, the others wait for it
        turn = PartialState(cpu=computes_on_cpu(config.optimisation.device)).main_process_first()
    else:
        turn = nullcontext()
    with turn:
        if is_first():
            if not rooms_given and (config.data.directory or any(path is not None for path in made_of_rooms)):
                render_rooms(config, rooms)
            if labels is not None:
                store = FrameStore(rooms)
                write_omni3d(store, len(store), labels, LABELS)
            if features is not None or encoder is not None:
                train_small_teacher(rooms, directory / "teacher")
            if features is not None:
                keep_features(config, rooms, directory / "teacher", features)
            if generator is not None:
                train_generator(config, rooms, generator)
    return [*SMALL, *made, *given]


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


def train_small_teacher(rooms: Path, run: Path) -> None:
    """Train a tiny geometry teacher for a few steps.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
    """
    store = FrameStore(rooms)
    height, width = store.image(0).shape[:2]
    sizes = GeometryConfig(width=width, height=height, stem_channels=(8, 16, 32), dim=64, pairs=1, mlp=128)
    plan = TeacherConfig(
        validation=HELD_OUT,
        network=sizes,
        optimisation=replace(TeacherConfig().optimisation, steps=TEACHER_STEPS, batch=8, warmup=5),
        validate_every=TEACHER_STEPS,
    )
    if not train_frozen(GeometryRun(plan, rooms, run)):
        raise KeyboardInterrupt


def keep_features(config: TrainConfig, rooms: Path, run: Path, features: Path) -> None:
    """Keep what a geometry teacher says of the rooms.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
    """
    teacher = GeometryTeacher(run)
    if not write_cache(teacher, rooms, features, teacher.network.config.grid, max(2, config.data.views)):
        raise KeyboardInterrupt


def train_generator(config: TrainConfig, rooms: Path, run: Path) -> None:
    """Train a tiny video generator for a few steps, with as many blocks as the network reads.

    Raises:
        KeyboardInterrupt: after Ctrl-C.
    """
    store = FrameStore(rooms)
    height, width = store.image(0).shape[:2]
    block = config.network.get("branch_options", {}).get("block", GeneratorOptions.block)
    defaults, options = GeneratorPlan(), config.optimisation
    shared = {"steps": GENERATOR_STEPS, "batch": 8, "warmup": 5}
    shared |= {"threads": options.threads, "device": options.device}
    plan = GeneratorPlan(
        validation=HELD_OUT,
        network=GeneratorConfig(
            width=width,
            height=height,
            channels=(8, 16, 32),
            dim=64,
            blocks=block + 1,
            mlp=128,
            frames=usual_frames(store),
        ),
        autoencoder=replace(defaults.autoencoder, **shared),
        flow=replace(defaults.flow, **shared),
        validate_every=2 * GENERATOR_STEPS,
    )
    if not train_frozen(GeneratorRun(plan, rooms, run)):
        raise KeyboardInterrupt


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
