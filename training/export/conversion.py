# SPDX-License-Identifier: Apache-2.0
"""Convert a sealed bundle to another precision, from its graphs alone: neither torch nor a training run."""

from __future__ import annotations

import shutil
from pathlib import Path

from ide3d_ros.bundle import Bundle, BundleDescription, seal_bundle
from ide3d_ros.bundle.manifest import Precision
from ide3d_ros.bundle.sealing import TOKENIZER_FILE
from ide3d_training.export.float16 import PrecisionError
from ide3d_training.export.graph_files import read_graphs, write_graphs
from ide3d_training.export.precision import Graphs, restate


def convert_bundle(bundle: Bundle, folder: Path, precision: Precision, *, name: str | None = None) -> Bundle:
    """Write a bundle in another precision.

    Args:
        bundle: float32.
        folder: made if needed; files of an earlier bundle in it are replaced.
        precision: of the graphs inside.
        name: of the new bundle; None keeps the name.

    Returns:
        the sealed bundle, opened and checked as a robot would. Its manifest says what it was made from.

    Raises:
        PrecisionError: if the bundle is not float32, lies in this very folder, or cannot be stated in the
            precision.
    """
    manifest = bundle.manifest
    if manifest.precision != "float32":
        raise PrecisionError(
            f"bundle '{bundle.name}' is {manifest.precision} already, and what it was rounded from is gone; "
            "convert the float32 bundle that it was made from"
        )
    if folder.resolve() == bundle.folder.resolve():
        raise PrecisionError(f"{folder} holds the bundle that is converted; write to another folder")
    return rewrite_bundle(bundle, folder, restate(read_graphs(bundle), precision), precision, name=name)


def rewrite_bundle(
    bundle: Bundle, folder: Path, models: Graphs, precision: Precision, *, name: str | None = None
) -> Bundle:
    """Write a bundle with other graphs in the place of its own.

    Args:
        bundle: what all else is taken from.
        folder: made if needed; files of an earlier bundle in it are replaced.
        models: graph's name -> model with the inputs and outputs of the bundle's.
        precision: of these models.
        name: of the new bundle; None keeps the name.
    """
    manifest = bundle.manifest
    folder.mkdir(parents=True, exist_ok=True)
    write_graphs(models, folder)
    shutil.copyfile(bundle.tokenizer_file, folder / TOKENIZER_FILE)
    source = {"name": bundle.name, "precision": manifest.precision, "weights": manifest.weights.sha256}
    kept = {field: getattr(manifest, field) for field in BundleDescription.model_fields}
    changed = {
        "name": name or bundle.name,
        "precision": precision,
        "training": {**manifest.training, "converted_from": source},
    }
    return seal_bundle(folder, BundleDescription(**{**kept, **changed}))
