# SPDX-License-Identifier: Apache-2.0
"""`ide3d-convert`: state a bundle in another precision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ide3d_ros.bundle import Bundle, BundleError, open_bundle
from ide3d_ros.bundle.manifest import Precision
from ide3d_training.command_line import run_command
from ide3d_training.export.conversion import convert_bundle
from ide3d_training.export.float16 import PrecisionError

console = Console(soft_wrap=True)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def cli(
    precision: Annotated[Precision, typer.Option(help="Of the new bundle's graphs.")],
    output: Annotated[Path, typer.Option(help="Folder of the new bundle.")],
    bundle: Annotated[
        str, typer.Option(help="Name of an embedded bundle, or path of a bundle folder.")
    ] = "nano",
    name: Annotated[
        str | None, typer.Option(help="Name of the new bundle; the old one's if not given.")
    ] = None,
) -> None:
    """Convert a float32 bundle; `ide3d-agreement` then measures what it costs in answers and boxes."""
    source = open_bundle(bundle)
    converted = convert_bundle(source, output, precision, name=name)
    console.print(
        f"bundle '{converted.name}' at {output}: {converted.manifest.precision}, "
        f"{megabytes(converted):.1f} MB ({source.manifest.precision}: {megabytes(source):.1f} MB)"
    )


def megabytes(bundle: Bundle) -> float:
    """Return the size of a bundle's files, MB."""
    return sum(file.bytes for file in bundle.manifest.files()) / 1e6


def main() -> None:
    """Entry point of `ide3d-convert`."""
    run_command(app, "ide3d-convert", (BundleError, PrecisionError))


if __name__ == "__main__":
    main()
