# SPDX-License-Identifier: Apache-2.0
"""Seal a folder of exported files into a bundle: hash them and write the manifest."""

from __future__ import annotations

import os
from pathlib import Path

from ide3d_ros.bundle.errors import MissingFileError
from ide3d_ros.bundle.interface import GRAPHS
from ide3d_ros.bundle.manifest import (
    SCHEMA_VERSION,
    BundleDescription,
    GraphFile,
    GraphFiles,
    Manifest,
    SealedFile,
)
from ide3d_ros.bundle.opening import MANIFEST_FILE, Bundle, hash_file, open_bundle

WEIGHTS_FILE = "weights.bin"
TOKENIZER_FILE = "tokenizer.json"


def seal_bundle(folder: str | Path, description: BundleDescription) -> Bundle:
    """Write manifest.json for a folder that holds the graphs, weights.bin and tokenizer.json.

    The manifest is written last and by rename, so that a folder with a manifest is always complete.

    Args:
        folder: holds vision.onnx, prefix.onnx, prompt.onnx, step.onnx, weights.bin and tokenizer.json.
        description: what the exporter knows about the network.

    Returns:
        The bundle, opened and checked as a robot would.

    Raises:
        MissingFileError: if one of the files is absent.
    """
    folder = Path(folder)
    graphs = {
        name: GraphFile(
            **_pin(folder / f"{name}.onnx"),
            inputs=description.tensors(name, "inputs"),
            outputs=description.tensors(name, "outputs"),
        )
        for name in GRAPHS
    }
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        **{field: getattr(description, field) for field in BundleDescription.model_fields},
        graphs=GraphFiles(**graphs),
        weights=SealedFile(**_pin(folder / WEIGHTS_FILE)),
        tokenizer=SealedFile(**_pin(folder / TOKENIZER_FILE)),
    )
    written = folder / f".{MANIFEST_FILE}.{os.getpid()}"
    written.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    written.replace(folder / MANIFEST_FILE)
    return open_bundle(folder)


def _pin(file: Path) -> dict[str, str | int]:
    if not file.is_file():
        raise MissingFileError(file)
    length, digest = hash_file(file)
    return {"file": file.name, "bytes": length, "sha256": digest}
