# SPDX-License-Identifier: Apache-2.0
"""`python -m ide3d_training.evaluate.fit_prior DATASET_DIR`: fit the prior to rendered training rooms."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from ide3d_training.metrics.baselines import PRIOR_FILE, Prior, PriorError
from ide3d_training.worlds.shards import DatasetError, iterate_shards

SEED = 0


def fit_prior(
    dataset: Annotated[Path, typer.Argument(help="folder that ide3d-worlds render wrote")],
    out: Annotated[Path, typer.Option(help="where to write the means")] = PRIOR_FILE,
    frames: Annotated[int, typer.Option(min=1, help="frames to read, from the first")] = 4000,
) -> None:
    """Take the mean boxes and usual answers of training rooms and write them as JSON."""
    try:
        graphs = (graph for shard in iterate_shards(dataset) for graph in shard.frames)
        prior = Prior.fit(islice(graphs, frames), SEED)
        prior.save(out)
    except (DatasetError, OSError, PriorError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{out}: means of {len(prior.boxes) - 1} categories over {prior.frames} frames")


if __name__ == "__main__":
    typer.run(fit_prior)
