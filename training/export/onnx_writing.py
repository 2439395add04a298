# SPDX-License-Identifier: Apache-2.0
"""Export the graphs of a network as ONNX."""

from __future__ import annotations

import logging
import warnings

import onnx
import torch
from torch.export import Dim

from ide3d_ros.bundle.interface import graph_interface
from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_ros.network.graphs import graph_modules
from ide3d_training.export.lean_decoding import LeanDecoding

OPSET = 20


def example_inputs(config: NetworkConfig) -> dict[str, tuple[torch.Tensor, ...]]:
    """Make inputs of each graph, with every free length above one so that the exporter keeps it free."""
    frames, prompts, length = 2, 3, 7
    kv = (frames, config.language_layers, config.kv_heads, config.tokens, config.head_dim)
    past = (1, config.language_layers, config.kv_heads, length, config.head_dim)
    text = torch.ones(prompts, length, dtype=torch.int64)
    window = (torch.randn(kv), torch.randn(kv))
    extra = {
        "depth": torch.ones(frames, config.height, config.width),
        "world_from_camera": torch.eye(4).repeat(frames, 1, 1),
    }
    return {
        "vision": (
            torch.zeros(frames, config.height, config.width, 3, dtype=torch.uint8),
            torch.eye(3).repeat(frames, 1, 1),
            *(extra[name] for name in config.extra_inputs),
        ),
        "prefix": (torch.randn(frames, config.tokens, config.dim),),
        "prompt": (*window, torch.randn(frames, config.tokens, config.dim), text, torch.tensor([7, 5, 3])),
        "step": (*window, torch.randn(past), torch.randn(past), torch.ones(1, 1, dtype=torch.int64)),
    }


def export_graphs(network: Ide3dNetwork) -> dict[str, onnx.ModelProto]:
    """Export vision, prefix, prompt and step.

    Args:
        network: in evaluation mode, float32.

    Returns:
        Graph's name -> float32 model with its weights inside, in the order of `interface.GRAPHS`.
    """
    free = {symbol: Dim(symbol, min=1, max=4096) for symbol in ("F", "B", "T", "t")}
    modules = graph_modules(network, LeanDecoding(network.decoder))
    models = {}
    for name, inputs in example_inputs(network.config).items():
        config = network.config
        interface = graph_interface(name, config.box_source, config.extra_inputs)
        shapes: list = [
            {axis: free[s] for axis, s in enumerate(t.shape) if s in free} for t in interface.inputs
        ]
        if name == "vision" and config.extra_inputs:  # the exporter counts "*extra" as one argument
            shapes = [*shapes[:2], tuple(shapes[2:])]
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            program = torch.onnx.export(
                modules[name].eval(),
                inputs,
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=[t.name for t in interface.inputs],
                output_names=[t.name for t in interface.outputs],
                opset_version=OPSET,
                verbose=False,
            )
        models[name] = program.model_proto
        strip_provenance(models[name])
    return models


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
