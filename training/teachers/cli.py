# SPDX-License-Identifier: Apache-2.0
"""``ide3d-teacher``: train a geometry teacher on rendered rooms, keep what a teacher says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ide3d_training.command_line import run_command
from ide3d_training.config import ConfigError
from ide3d_training.run_log import console
from ide3d_training.teachers.protocol import TeacherError
from ide3d_training.worlds.shards import DatasetError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def teacher() -> None:
    """Frozen 3D networks that a model learns from while it trains."""


@app.command()
def train(
    rooms: Annotated[Path, typer.Option(help="Rooms of two or more frames each, by `ide3d-worlds render`.")],
    output: Annotated[Path, typer.Option(help="Directory of the run; resumed if it holds a checkpoint.")],
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps of the whole run.")] = 4000,
    batch: Annotated[int, typer.Option(min=1, help="Frames a step.")] = 16,
    views: Annotated[int, typer.Option(min=1, help="Frames of a room that are seen together.")] = 2,
    validation: Annotated[int, typer.Option(min=1, help="Rooms at the end of the set to hold out.")] = 256,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 1e-3,
    dim: Annotated[int, typer.Option(min=8, help="Width of the tokens, the channels of the features.")] = 160,
    pairs: Annotated[int, typer.Option(min=1, help="Blocks within frames, each followed by one across.")] = 2,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves it to torch.")] = 0,
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or auto: the faster one.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of weights, order and augmentation.")] = 0,
    validate_every: Annotated[int, typer.Option(min=1, help="Steps between measurements.")] = 500,
) -> None:
    """Train the geometry network; resumes by itself, Ctrl-C stops it cleanly."""
    from ide3d_ros.network.geometry_network import GeometryConfig
    from ide3d_training.datasets.frame_store import FrameStore
    from ide3d_training.frozen_runs import train_frozen
    from ide3d_training.teachers.geometry_training import GeometryRun, TeacherConfig

    height, width = FrameStore(rooms).image(0).shape[:2]
    defaults = TeacherConfig()
    try:
        sizes = GeometryConfig(width=width, height=height, dim=dim, pairs=pairs, mlp=4 * dim)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    run = GeometryRun(
        TeacherConfig(
            seed=seed,
            views=views,
            validation=validation,
            network=sizes,
            optimisation=replace(
                defaults.optimisation,
                steps=steps,
                batch=batch,
                learning_rate=learning_rate,
                threads=threads,
                precision=precision,
            ),
            validate_every=validate_every,
        ),
        rooms,
        output,
    )
    if run.step:
        console.print(f"resuming {output} at step {run.step}")
    parameters = sum(p.numel() for p in run.network.parameters())
    console.print(f"{parameters / 1e6:.2f} M parameters, {run.precision}")
    train_frozen(run)


@app.command()
def cache(
    teacher: Annotated[
        str,
        typer.Option(
            help="Directory of a run of `train`, or vggt:CHECKPOINT, dinov2:FOLDER or wan:FOLDER of weights."
        ),
    ],
    rooms: Annotated[Path, typer.Option(help="Rooms by `ide3d-worlds render`.")],
    output: Annotated[Path, typer.Option(help="Folder of the features; resumed if it holds some of them.")],
    grid: Annotated[
        tuple[int, int] | None,
        typer.Option(help="Token rows and columns to average onto; by default one for each 16 x 16 pixels."),
    ] = None,
    views: Annotated[
        int, typer.Option(min=1, help="Most frames of a room that the teacher sees together.")
    ] = 8,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves it to torch.")] = 0,
) -> None:
    """Keep what a teacher says of every frame and its mirror image; resumes by itself."""
    import torch

    from ide3d_training.datasets.frame_store import FrameStore
    from ide3d_training.teachers.cache_writing import write_cache
    from ide3d_training.teachers.opening import open_teacher

    if threads:
        torch.set_num_threads(threads)
    height, width = FrameStore(rooms).image(0).shape[:2]
    grid = grid or (height // 16, width // 16)
    if min(grid) < 1:
        raise TeacherError(f"a grid of {grid[0]}x{grid[1]} tokens holds none; give --grid ROWS COLUMNS")
    opened = open_teacher(teacher)
    console.print(f"teacher {opened.name}, {opened.channels} channels, weights {opened.digest[:12]}")
    if write_cache(opened, rooms, output, grid, views):
        size = sum(path.stat().st_size for path in output.glob("*.npy"))
        console.print(f"{output}: features of all frames and their mirror images, {size / 1e9:.2f} GB")
    else:
        console.print("stopped; the same command goes on from here")


def main() -> None:
    """Entry point of `ide3d-teacher`."""
    run_command(app, "ide3d-teacher", (ConfigError, DatasetError, TeacherError, FileNotFoundError))


if __name__ == "__main__":
    main()
