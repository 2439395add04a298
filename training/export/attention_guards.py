# SPDX-License-Identifier: Apache-2.0
"""Take out of a graph what attention needs only where a row may attend to nothing.

The exporter writes every masked softmax as `Where(IsNaN(p), 0, p)`, since a row whose mask forbids everything
would be 0 / 0. In this network every row attends at least to itself, so the guard never acts; but it reads
and writes all attention weights twice more (a fifth of a prompt pass over eight frames), and hides the
attention from compilers that would fuse it.
"""

from __future__ import annotations

import onnx


def drop_attention_guards(model: onnx.ModelProto) -> int:
    """Let what reads a guarded softmax read the softmax itself; the numbers stay exactly the same.

    Args:
        model: changed in place.

    Returns:
        How many guards there were.
    """
    nodes = model.graph.node
    maker = {output: node for node in nodes for output in node.output}
    outputs = {value.name for value in model.graph.output}
    instead: dict[str, str] = {}
    for node in nodes:
        if node.op_type != "Where" or node.output[0] in outputs:
            continue
        condition, _, guarded = node.input
        test, softmax = maker.get(condition), maker.get(guarded)
        if test is None or softmax is None:
            continue
        if test.op_type == "IsNaN" and test.input[0] == guarded and softmax.op_type == "Softmax":
            instead[node.output[0]] = guarded
    for node in nodes:
        for place, name in enumerate(node.input):
            node.input[place] = instead.get(name, name)
    read = outputs | {name for node in nodes for name in node.input if node.output[0] not in instead}
    kept = [node for node in nodes if read.intersection(node.output)]
    del nodes[:]
    nodes.extend(kept)
    return len(instead)
