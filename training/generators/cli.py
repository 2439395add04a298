# SPDX-License-Identifier: Apache-2.0
"""``ide3d-generator``: train a small video generator on rendered rooms, for preset vega3d."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ide3d_training.command_line import run_command
from ide3d_training.config import ConfigError
from ide3d_training.run_log import console
from ide3d_training.worlds.shards import DatasetError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def generator() -> None:
    """Video generators whose frozen features a model reads."""


@app.command()
def train(
    rooms: Annotated[Path, typer.Option(help="Rooms by `ide3d-worlds render`.")],
    output: Annotated[Path, typer.Option(help="Directory of the run; resumed if it holds a checkpoint.")],
    autoencoder_steps: Annotated[int, typer.Option(min=1, help="Steps of the autoencoder.")] = 1500,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the flow transformer after it.")] = 4000,
    batch: Annotated[int, typer.Option(min=1, help="Frames a step.")] = 16,
    frames: Annotated[
        int | None,
        typer.Option(min=1, help="Frames of a video; by default two, or one where rooms have one."),
    ] = None,
    validation: Annotated[int, typer.Option(min=1, help="Rooms at the end of the set to hold out.")] = 256,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 1e-3,
    dim: Annotated[int, typer.Option(min=8, help="Width of the transformer, the features' channels.")] = 128,
    blocks: Annotated[int, typer.Option(min=1, help="Blocks of the transformer.")] = 6,
    latent: Annotated[int, typer.Option(min=1, help="Channels of the latents.")] = 8,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves it to torch.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or auto: the faster one.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of weights, order and noise.")] = 0,
    validate_every: Annotated[int, typer.Option(min=1, help="Steps between measurements.")] = 500,
) -> None:
    """Train autoencoder and flow transformer; resumes by itself, Ctrl-C stops it cleanly."""
    from ide3d_ros.network.generator import GeneratorConfig
    from ide3d_training.datasets.frame_store import FrameStore
    from ide3d_training.frozen_runs import train_frozen
    from ide3d_training.generators.generator_training import GeneratorPlan, GeneratorRun
    from ide3d_training.generators.videos import usual_frames

    store = FrameStore(rooms)
    height, width = store.image(0).shape[:2]
    if frames is None:
        frames = usual_frames(store)
    try:
        sizes = GeneratorConfig(
            width=width, height=height, latent=latent, dim=dim, blocks=blocks, mlp=3 * dim, frames=frames
        )
    except ValueError as error:
        raise ConfigError(str(error)) from None
    defaults = GeneratorPlan()
    shared = {
        "batch": batch,
        "learning_rate": learning_rate,
        "threads": threads,
        "device": device,
        "precision": precision,
    }
    plan = GeneratorPlan(
        seed=seed,
        validation=validation,
        network=sizes,
        autoencoder=replace(defaults.autoencoder, steps=autoencoder_steps, **shared),
        flow=replace(defaults.flow, steps=steps, **shared),
        validate_every=validate_every,
    )
    run = GeneratorRun(plan, rooms, output)
    if run.step:
        console.print(f"resuming {output} at step {run.step} of {run.steps}")
    parameters = sum(p.numel() for p in run.network.parameters())
    console.print(
        f"{parameters / 1e6:.2f} M parameters, {run.precision} on {run.device.type}; videos of {frames} "
        "frames"
    )
    train_frozen(run)


def main() -> None:
    """Entry point of `ide3d-generator`."""
    run_command(app, "ide3d-generator", (ConfigError, DatasetError, FileNotFoundError))


if __name__ == "__main__":
    main()
