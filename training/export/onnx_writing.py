# SPDX-License-Identifier: Apache-2.0
"""Write the graphs of a network as ONNX files that share one file of weights."""

from __future__ import annotations

import hashlib
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.export import Dim

from ide3d_ros.bundle.interface import GRAPHS
from ide3d_ros.bundle.sealing import WEIGHTS_FILE
from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.export.attention_guards import drop_attention_guards
from ide3d_training.export.graphs import PrefixGraph, PromptGraph, StepGraph, VisionGraph

OPSET = 20
INLINE_BYTES = 1024
"""Initializers below this stay in the graph file: shapes and constants, which readers want to see."""


def example_inputs(config: NetworkConfig) -> dict[str, tuple[torch.Tensor, ...]]:
    """Make inputs of each graph, with every free length above one so that the exporter keeps it free."""
    frames, prompts, length = 2, 3, 7
    kv = (frames, config.language_layers, config.kv_heads, config.tokens, config.head_dim)
    past = (1, config.language_layers, config.kv_heads, length, config.head_dim)
    text = torch.ones(prompts, length, dtype=torch.int64)
    window = (torch.randn(kv), torch.randn(kv))
    return {
        "vision": (
            torch.zeros(frames, config.height, config.width, 3, dtype=torch.uint8),
            torch.eye(3).repeat(frames, 1, 1),
        ),
        "prefix": (torch.randn(frames, config.tokens, config.dim),),
        "prompt": (*window, torch.randn(frames, config.tokens, config.dim), text, torch.tensor([7, 5, 3])),
        "step": (*window, torch.randn(past), torch.randn(past), torch.ones(1, 1, dtype=torch.int64)),
    }


def write_graphs(network: Ide3dNetwork, folder: Path) -> None:
    """Export vision, prefix, prompt and step, and lay their weights once into one file.

    The decoder's weights stand in three of the graphs; stored once they make the bundle less than half as
    large.

    Args:
        network: in evaluation mode, float32.
        folder: receives four `.onnx` files and the weights file.
    """
    modules = {"vision": VisionGraph, "prefix": PrefixGraph, "prompt": PromptGraph, "step": StepGraph}
    free = {symbol: Dim(symbol, min=1, max=4096) for symbol in ("F", "B", "T", "t")}
    weights = WeightsFile(folder / WEIGHTS_FILE)
    for name, inputs in example_inputs(network.config).items():
        interface = GRAPHS[name]
        shapes = [{axis: free[s] for axis, s in enumerate(t.shape) if s in free} for t in interface.inputs]
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            program = torch.onnx.export(
                modules[name](network).eval(),
                inputs,
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=[t.name for t in interface.inputs],
                output_names=[t.name for t in interface.outputs],
                opset_version=OPSET,
                verbose=False,
            )
        model = program.model_proto
        strip_provenance(model)
        drop_attention_guards(model)
        weights.take(model)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
    weights.write()


def strip_provenance(model: onnx.ModelProto) -> None:
    """Drop stack traces and file paths of the exporting machine: they tell nothing about the graph."""
    del model.metadata_props[:]
    for part in (model.graph, *model.functions):
        del part.metadata_props[:]
        for node in part.node:
            del node.metadata_props[:]
            node.doc_string = ""
        for value in part.value_info:
            del value.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]


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
