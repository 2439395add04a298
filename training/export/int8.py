# SPDX-License-Identifier: Apache-2.0
"""Store the decoder's matrices as int8 and compute in float32 as before.

A matrix W becomes q = round(W / s), int8 within -127..127, with one scale s = max |W| / 127 for each output
channel; a DequantizeLinear of ONNX, which every runtime knows, turns it back where it is read. Vision tower
and box head keep their float32: boxes hang on them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ide3d_training.export.decoder_matrices import decoder_digests, matrix_digests

_STEPS = 127


def to_int8(models: Mapping[str, onnx.ModelProto]) -> dict[str, onnx.ModelProto]:
    """Rewrite the four graphs of a bundle.

    Args:
        models: graph's name -> float32 model with its weights inside; left as they are.

    Returns:
        Graph's name -> model whose decoder matrices are int8; inputs and outputs keep their types.
    """
    decoder = decoder_digests(models)
    converted = {}
    for name, original in models.items():
        model = converted[name] = onnx.ModelProto()
        model.CopyFrom(original)
        if name != "vision":
            wanted = {tensor for tensor, digest in matrix_digests(model).items() if digest in decoder}
            _quantise(model.graph, wanted)
            onnx.checker.check_model(model)
    return converted


def quantise(matrix: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Round a matrix to int8 with one scale for each channel along an axis.

    Args:
        matrix: (M, N) float32.
        axis: 0 or 1, that of the output channels.

    Returns:
        (M, N) int8 within -127..127, and the scales: (M,) or (N,) float32. Their product is nowhere off by
        more than half a scale.
    """
    peak = np.abs(matrix).max(axis=1 - axis, keepdims=True)
    scale = np.where(peak > 0, peak / _STEPS, 1).astype(np.float32)
    steps = np.rint(matrix / scale).clip(-_STEPS, _STEPS)
    return steps.astype(np.int8), scale.reshape(-1)


def _quantise(graph: onnx.GraphProto, wanted: set[str]) -> None:
    axes = {name: axis for name in wanted if (axis := _output_axis(graph, name)) is not None}
    weights: list[TensorProto] = []
    nodes: list[NodeProto] = []
    for tensor in graph.initializer:
        if tensor.name not in axes:
            weights.append(tensor)
            continue
        axis, name = axes[tensor.name], tensor.name
        steps, scale = quantise(numpy_helper.to_array(tensor), axis)
        parts = [f"{name}/int8", f"{name}/scale"]
        weights += [
            numpy_helper.from_array(values, part) for values, part in zip((steps, scale), parts, strict=True)
        ]
        nodes.append(helper.make_node("DequantizeLinear", parts, [name], axis=axis))
    nodes += graph.node
    _replace(graph.initializer, weights)
    _replace(graph.node, nodes)


def _output_axis(graph: onnx.GraphProto, name: str) -> int | None:
    """Return the axis of a matrix's output channels; None where it is read in a way that has none."""
    axes = set()
    for node in graph.node:
        for place, tensor in enumerate(node.input):
            if tensor == name:
                axes.add(_read_axis(node, place))
    return axes.pop() if len(axes) == 1 else None


def _read_axis(node: NodeProto, place: int) -> int | None:
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "MatMul" and place == 1:
        return 1
    if node.op_type == "Gemm" and place == 1:
        return 0 if attributes.get("transB", 0) else 1
    # The token embedding: one row a token, and one logit a row where its transpose scores the vocabulary.
    if node.op_type == "Gather" and place == 0 and attributes.get("axis", 0) == 0:
        return 0
    return 0 if node.op_type == "Transpose" else None


def _replace(field, items: list) -> None:
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(copies)
