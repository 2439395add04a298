# SPDX-License-Identifier: Apache-2.0
"""Make float16 graphs round on a CPU as they round on a GPU, to measure what float16 costs.

onnxruntime has hardly a float16 kernel for x86: it turns float16 graphs into float32 ones and leaves out
every rounding that it can, so that its results are better than a GPU's. Here each node that yields float16
computes in float32, as tensor cores accumulate, and its result is rounded by a Cast that stands in the graph
and is kept. Slower than either; for measuring alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import NodeProto, TensorProto, helper, shape_inference


def round_everywhere(models: Mapping[str, onnx.ModelProto]) -> dict[str, onnx.ModelProto]:
    """Rewrite float16 graphs.

    Args:
        models: graph's name -> model with its weights inside; left as they are.

    Returns:
        Graph's name -> model with the same inputs and outputs, rounded after every float16 node.
    """
    return {name: _round_graph(model) for name, model in models.items()}


def _round_graph(original: onnx.ModelProto) -> onnx.ModelProto:
    inferred = shape_inference.infer_shapes(original).graph
    narrow = {
        v.name
        for v in (*inferred.input, *inferred.value_info, *inferred.output)
        if v.type.tensor_type.elem_type == TensorProto.FLOAT16
    } | {t.name for t in original.graph.initializer if t.data_type == TensorProto.FLOAT16}
    nodes: list[NodeProto] = []
    widened: set[str] = set()
    for source in original.graph.node:
        node = NodeProto()
        node.CopyFrom(source)
        made = [tensor for tensor in node.output if tensor in narrow]
        read = [tensor for tensor in node.input if tensor in narrow]
        if node.op_type == "Cast" or not (made and read):
            nodes.append(node)  # a Cast rounds by itself, and what reads no float16 has nothing to widen
            continue
        for tensor in dict.fromkeys(read):
            if tensor not in widened:
                widened.add(tensor)
                nodes.append(helper.make_node("Cast", [tensor], [f"{tensor}/wide"], to=TensorProto.FLOAT))
        for place, tensor in enumerate(node.input):
            if tensor in narrow:
                node.input[place] = f"{tensor}/wide"
        nodes.append(node)
        for place, tensor in enumerate(node.output):
            if tensor in narrow:
                node.output[place] = f"{tensor}/exact"
                nodes.append(helper.make_node("Cast", [f"{tensor}/exact"], [tensor], to=TensorProto.FLOAT16))
    model = onnx.ModelProto()
    model.CopyFrom(original)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model
