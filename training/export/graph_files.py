# SPDX-License-Identifier: Apache-2.0
"""Read and write the graphs of a bundle: ONNX files that share one file of weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from ide3d_ros.bundle import Bundle
from ide3d_ros.bundle.interface import GRAPHS
from ide3d_ros.bundle.sealing import WEIGHTS_FILE

INLINE_BYTES = 1024
"""Initializers below this stay in the graph file: shapes and constants, which readers want to see."""


def read_graphs(bundle: Bundle) -> dict[str, onnx.ModelProto]:
    """Read the four graphs of a bundle with their weights inside."""
    return {name: onnx.load(bundle.graph_file(name)) for name in GRAPHS}


def write_graphs(models: Mapping[str, onnx.ModelProto], folder: Path) -> None:
    """Write graphs and lay their weights once into one file.

    The decoder's weights stand in three of the graphs; stored once they make the bundle less than half as
    large.

    Args:
        models: graph's name -> model with its weights inside; the large ones are moved out of it.
        folder: receives an `.onnx` file for each graph, and the weights file.
    """
    weights = WeightsFile(folder / WEIGHTS_FILE)
    for name, model in models.items():
        weights.take(model)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
    weights.write()


class WeightsFile:
    """Collect initializers of several graphs; equal ones are stored once.

    Args:
        path: file to write.
    """

    alignment = 64

    def __init__(self, path: Path):
        self._path = path
        self._data = bytearray()
        self._offsets: dict[str, int] = {}

    def take(self, model: onnx.ModelProto) -> None:
        """Move the large initializers of a model out of it, leaving references into this file."""
        for tensor in model.graph.initializer:
            raw = np.ascontiguousarray(numpy_helper.to_array(tensor)).tobytes()
            if len(raw) < INLINE_BYTES:
                continue
            digest = hashlib.sha256(raw).hexdigest()
            if digest not in self._offsets:
                self._data += bytes(-len(self._data) % self.alignment)
                self._offsets[digest] = len(self._data)
                self._data += raw
            shape, kind, name = list(tensor.dims), tensor.data_type, tensor.name
            tensor.Clear()
            tensor.dims.extend(shape)
            tensor.data_type, tensor.name = kind, name
            tensor.data_location = onnx.TensorProto.EXTERNAL
            where = {"location": self._path.name, "offset": self._offsets[digest], "length": len(raw)}
            for key, value in where.items():
                tensor.external_data.add(key=key, value=str(value))

    def write(self) -> None:
        """Write the collected data."""
        self._path.write_bytes(bytes(self._data))
