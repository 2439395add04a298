# SPDX-License-Identifier: Apache-2.0
"""`ide3d-omni3d`: read Omni3D labels and make a referring set from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ide3d_training.command_line import run_command
from ide3d_training.datasets.omni3d import Omni3DError, Omni3DLabels
from ide3d_training.datasets.omni3d_referring import referring_set

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.callback()
def omni3d() -> None:
    """Use data in the Omni3D format, which you have to have."""


@app.command()
def refer(
    labels: Annotated[Path, typer.Option(help="Label file, such as SUNRGBD_test.json.")],
    output: Annotated[Path, typer.Option(help="JSON file to write.")],
    per_image: Annotated[int, typer.Option(min=1, help="Most descriptions of one image.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
) -> None:
    """Write a referring set of template descriptions, each of which fits one labelled thing."""
    read = Omni3DLabels(labels)
    found = referring_set(read, seed, per_image)
    output.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    table = Table(title=f"{found['name']} of {read.name}")
    table.add_column("what")
    table.add_column("number", justify="right")
    table.add_row("images", str(len(read.images)))
    table.add_row("boxes", str(sum(len(image.objects) for image in read.images)))
    for form, count in found["forms"].items():
        table.add_row(f"descriptions by {form}", str(count))
    for why, count in sorted(read.skipped.items()):
        table.add_row(f"left out: {why}", str(count))
    console.print(table)


def main() -> None:
    """Entry point of `ide3d-omni3d`."""
    run_command(app, "ide3d-omni3d", (Omni3DError, OSError))


if __name__ == "__main__":
    main()
