# SPDX-License-Identifier: Apache-2.0
"""Rewrite float32 graphs so that they compute in float16, except where that would cost accuracy.

Precision lives in the graph: every tensor has its type, and a Cast stands wherever it changes. What goes in
and out of a graph keeps its type, so that engines and caches need not know.

Each node is narrow (float16) or wide (float32). Wide are

- sums and functions that lose or overflow in float16: softmax, means and roots of norms, sine and cosine,
  with the product that applies a norm. (LayerNormalization sums in float32 by itself: its stash_type.)
- whatever feeds such nodes alone, up to the next product of matrices: the mask and the scale of a softmax,
  the angles of ray and rotary encodings;
- the box head: log depths, extents, yaw and pointers, from the first matrix that is the box head's own;
- what ONNX defines for float32 alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import numpy as np
import onnx
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

from ide3d_training.export.decoder_matrices import decoder_digests, matrix_digests

PRODUCTS = frozenset({"MatMul", "Gemm", "Conv"})
"""Where the time goes: narrow whatever reads them, unless they are the box head's."""
FRAGILE = frozenset({"Softmax", "LogSoftmax", "ReduceMean", "Pow", "Sqrt", "Reciprocal", "Sin", "Cos"})
_ROOTS = frozenset({"Sqrt", "Reciprocal"})
_LARGEST = float(np.finfo(np.float16).max)
_LOWEST_FLOAT32 = float(np.finfo(np.float32).min)


class PrecisionError(ValueError):
    """Report a graph that cannot be stated in another precision."""


def to_float16(models: Mapping[str, onnx.ModelProto]) -> dict[str, onnx.ModelProto]:
    """Rewrite the four graphs of a bundle.

    Args:
        models: graph's name -> float32 model with its weights inside; left as they are.

    Returns:
        Graph's name -> model that computes in float16; inputs and outputs keep their types.

    Raises:
        PrecisionError: if a weight is too large for float16, or a graph has branches or loops.
    """
    decoder = decoder_digests(models)
    converted = {}
    for name, model in models.items():
        digests = matrix_digests(model)
        # The vision tower has no box head: nothing in it is kept wide for being in one graph alone.
        own = set() if name == "vision" else {n for n, digest in digests.items() if digest not in decoder}
        converted[name] = _Rewriting(name, model, own).result()
    return converted


class _Rewriting:
    """Rewrite one graph.

    Args:
        name: of the graph, for errors.
        model: float32, with its weights inside; left as it is.
        own_matrices: initializers that make a product wide, and all that follows from it.
    """

    def __init__(self, name: str, model: onnx.ModelProto, own_matrices: Collection[str]):
        self._name = name
        self._model = model
        self._opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
        self._floats = _float_tensors(model)
        self._weights = {t.name: t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT}
        self._wide = self._choose_wide(own_matrices)
        self._nodes: list[NodeProto] = []
        self._narrow: set[str] = set()  # tensors that became float16 and kept their name
        self._twins: dict[tuple[str, bool], str] = {}  # (tensor, read wide) -> its copy of that type
        self._half_weights: list[TensorProto] = []

    def result(self) -> onnx.ModelProto:
        """Return the rewritten model."""
        source = self._model.graph
        outputs = {value.name for value in source.output}
        for original, wide in zip(source.node, self._wide, strict=True):
            node = NodeProto()
            node.CopyFrom(original)
            for place, tensor in enumerate(node.input):
                if tensor in self._floats:
                    node.input[place] = self._as_read(tensor, wide)
            self._nodes.append(node)
            if wide:
                continue
            self._narrow_attributes(node)
            for place, tensor in enumerate(node.output):
                if tensor in outputs and tensor in self._floats:
                    node.output[place] = self._twins[tensor, False] = f"{tensor}/float16"
                    self._cast(node.output[place], tensor, TensorProto.FLOAT)
                elif tensor in self._floats:
                    self._narrow.add(tensor)
        read = outputs.union(*(node.input for node in self._nodes))
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        graph = model.graph
        del graph.node[:], graph.initializer[:]
        graph.node.extend(self._nodes)
        graph.initializer.extend(tensor for tensor in source.initializer if tensor.name in read)
        graph.initializer.extend(self._half_weights)
        for value in graph.value_info:
            if value.name in self._narrow:
                value.type.tensor_type.elem_type = TensorProto.FLOAT16
        onnx.checker.check_model(model)
        return model

    def _choose_wide(self, own_matrices: Collection[str]) -> list[bool]:
        """Decide for every node, in the order of the graph."""
        nodes = self._model.graph.node
        kinds: dict[str, str] = {}  # tensor -> kind of the node that makes it
        box_head: set[str] = set()
        wide = []
        for node in nodes:
            if any(a.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for a in node.attribute):
                raise PrecisionError(
                    f"graph {self._name}: node {node.name} ({node.op_type}) holds a graph of its own; "
                    "only graphs without branches and loops can be stated in float16"
                )
            begins_head = node.op_type in PRODUCTS and any(t in own_matrices for t in node.input)
            if begins_head or any(t in box_head for t in node.input):
                box_head.update(node.output)
            applies_norm = any(kinds.get(t) in _ROOTS for t in node.input)
            fragile = node.op_type in FRAGILE or applies_norm or node.output[0] in box_head
            wide.append(fragile or not self._allows_float16(node))
            kinds.update(dict.fromkeys(node.output, node.op_type))
        readers: dict[str, list[int]] = defaultdict(list)
        for index, node in enumerate(nodes):
            for tensor in node.input:
                readers[tensor].append(index)
        for index in reversed(range(len(nodes))):
            read_by = [reader for tensor in nodes[index].output for reader in readers[tensor]]
            if read_by and nodes[index].op_type not in PRODUCTS and all(wide[reader] for reader in read_by):
                wide[index] = True
        return wide

    def _allows_float16(self, node: NodeProto) -> bool:
        """Tell whether ONNX defines a node for float16 wherever it has float32 here."""
        if node.op_type == "Cast" and node.output[0] not in self._floats:
            return node.input[0] not in self._floats  # rounded numbers would become other indices
        if any(a.name == "dtype" or a.name.startswith("value_float") for a in node.attribute):
            return False  # the result's type is part of the node
        try:
            schema = onnx.defs.get_schema(node.op_type, self._opset, node.domain)
        except onnx.defs.SchemaError:
            return False
        return all(
            "tensor(float16)" in parameters[min(place, len(parameters) - 1)].types
            for parameters, tensors in ((schema.inputs, node.input), (schema.outputs, node.output))
            for place, tensor in enumerate(tensors)
            if tensor in self._floats
        )

    def _as_read(self, tensor: str, wide: bool) -> str:
        """Return the name of a tensor in the type that a node reads it in; make it if it is not there yet."""
        if wide != (tensor in self._narrow):
            return tensor
        if (tensor, wide) not in self._twins:
            name, kind = ("float32", TensorProto.FLOAT) if wide else ("float16", TensorProto.FLOAT16)
            twin = self._twins[tensor, wide] = f"{tensor}/{name}"
            if tensor in self._weights:
                self._half_weights.append(self._rounded(self._weights[tensor], twin))
            else:
                self._cast(tensor, twin, kind)
        return self._twins[tensor, wide]

    def _cast(self, source: str, target: str, kind: int) -> None:
        self._nodes.append(helper.make_node("Cast", [source], [target], to=kind))

    def _narrow_attributes(self, node: NodeProto) -> None:
        """Turn what a node makes by itself into float16: a constant, the target of a Cast."""
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR and attribute.t.data_type == TensorProto.FLOAT:
                attribute.t.CopyFrom(self._rounded(attribute.t, attribute.t.name))
            elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16

    def _rounded(self, tensor: TensorProto, name: str) -> TensorProto:
        """Round a float32 tensor; a mask of the lowest float32 becomes one of the lowest float16."""
        values = numpy_helper.to_array(tensor)
        values = np.where(values == _LOWEST_FLOAT32, -_LARGEST, values)
        if (np.abs(values[np.isfinite(values)]) > _LARGEST).any():
            largest = np.abs(values[np.isfinite(values)]).max()
            raise PrecisionError(
                f"graph {self._name}: {tensor.name} holds {largest:.4g}, which float16 cannot state "
                f"(it ends at {_LARGEST:.0f}); keep this bundle in float32"
            )
        return numpy_helper.from_array(values.astype(np.float16), name)


def _float_tensors(model: onnx.ModelProto) -> frozenset[str]:
    """Name every float32 tensor of a graph."""
    graph = shape_inference.infer_shapes(model).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    return frozenset(v.name for v in values if v.type.tensor_type.elem_type == TensorProto.FLOAT) | frozenset(
        t.name for t in graph.initializer if t.data_type == TensorProto.FLOAT
    )
