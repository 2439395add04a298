# SPDX-License-Identifier: Apache-2.0
"""`ide3d-export`: turn a training run into a model bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from torch.optim.swa_utils import AveragedModel

from ide3d_ros.bundle.manifest import Precision
from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.checkpoint import load_checkpoint
from ide3d_training.command_line import run_command
from ide3d_training.export.bundle_writing import SCORE_THRESHOLD, export_bundle
from ide3d_training.export.convert_cli import megabytes
from ide3d_training.export.float16 import PrecisionError
from ide3d_training.provenance import provenance

console = Console()
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def load_averaged(run: Path) -> tuple[Ide3dNetwork, dict]:
    """Load the averaged weights of a run's last checkpoint.

    Returns:
        the network in evaluation mode, and the checkpoint it came from.

    Raises:
        FileNotFoundError: if the run has no checkpoint.
    """
    state = load_checkpoint(run)
    if state is None:
        raise FileNotFoundError(
            f"no checkpoint in {run}; train first: ide3d-train --config CONFIG --output {run}"
        )
    return averaged_network(state), state


def averaged_network(state: dict) -> Ide3dNetwork:
    """Build the network of a checkpoint or snapshot with its averaged weights, in evaluation mode."""
    average = AveragedModel(Ide3dNetwork(NetworkConfig.from_dict(state["network_config"])))
    average.load_state_dict(state["average"])
    return average.module.eval()


@app.command()
def cli(
    run: Annotated[Path, typer.Option(help="Directory of a training run.")],
    output: Annotated[Path, typer.Option(help="Folder of the bundle.")],
    name: Annotated[str, typer.Option(help="Name of the bundle.")] = "nano",
    precision: Annotated[Precision, typer.Option(help="Of the graphs inside.")] = "float32",
    score_threshold: Annotated[
        float,
        typer.Option(
            min=SCORE_THRESHOLD,
            max=0.99,
            help="Probability from which on a box counts: the higher, the more of what is not there is "
            "rejected, and the less of what is there found.",
        ),
    ] = SCORE_THRESHOLD,
) -> None:
    """Export the averaged weights of a run as a sealed bundle."""
    network, state = load_averaged(run)
    with console.status("exporting vision, prefix, prompt and step"):
        bundle = export_bundle(
            network,
            run / "tokenizer.json",
            output,
            name=name,
            training=provenance(state),
            precision=precision,
            score_threshold=score_threshold,
        )
    console.print(
        f"bundle '{bundle.name}' at {output}: {precision}, {megabytes(bundle):.1f} MB, step {state['step']}"
    )


def main() -> None:
    """Entry point of `ide3d-export`."""
    run_command(app, "ide3d-export", (FileNotFoundError, PrecisionError))


if __name__ == "__main__":
    main()
