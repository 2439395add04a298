# SPDX-License-Identifier: Apache-2.0
"""Graphs in float16 and int8 are typed throughout, keep their interface, and say nearly what float32 says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper, shape_inference

from ide3d_training.export.float16 import PrecisionError, to_float16
from ide3d_training.export.graph_files import read_graphs
from ide3d_training.export.int8 import quantise, to_int8
from ide3d_training.export.rounding import round_everywhere

GRAPHS = ("vision", "prefix", "prompt", "step")


@pytest.fixture(scope="module")
def models(tiny_export) -> dict[str, onnx.ModelProto]:
    return read_graphs(tiny_export.bundle)


@pytest.fixture(scope="module")
def half(models) -> dict[str, onnx.ModelProto]:
    return to_float16(models)


@pytest.fixture(scope="module")
def int8(models) -> dict[str, onnx.ModelProto]:
    return to_int8(models)


def types(model: onnx.ModelProto) -> dict[str, int]:
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    found = {value.name: value.type.tensor_type.elem_type for value in values}
    return found | {tensor.name: tensor.data_type for tensor in graph.initializer}


def run(models: dict[str, onnx.ModelProto]) -> list[np.ndarray]:
    """Run all four graphs on the same frame, prompt and token; return what they yield."""
    sessions = {
        name: onnxruntime.InferenceSession(model.SerializeToString()) for name, model in models.items()
    }

    def call(name: str, *feeds: np.ndarray) -> list[np.ndarray]:
        names = [value.name for value in sessions[name].get_inputs()]
        return sessions[name].run(None, dict(zip(names, feeds, strict=True)))

    image = np.random.default_rng(0).integers(0, 255, (1, 48, 64, 3), np.uint8)
    camera = np.array([[[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]]], np.float32)
    tokens = call("vision", image, camera)
    prefix = call("prefix", *tokens)
    prompt = call("prompt", *prefix[:3], np.array([[1, 10, 11, 12]]), np.array([4]))
    return [*tokens, *prefix, *prompt, *call("step", *prefix[:2], *prompt[2:], np.array([[7]]))]


@pytest.mark.parametrize("name", GRAPHS)
def test_float16_graphs_keep_the_types_at_their_borders(models, half, name):
    for side in ("input", "output"):
        before, after = (getattr(graphs[name].graph, side) for graphs in (models, half))
        assert list(after) == list(before)


@pytest.mark.parametrize("name", GRAPHS)
def test_every_type_of_a_float16_graph_follows_from_its_nodes(half, name):
    onnx.checker.check_model(half[name], full_check=True)
    declared = {v.name: v.type.tensor_type.elem_type for v in half[name].graph.value_info}
    bare = onnx.ModelProto()
    bare.CopyFrom(half[name])
    del bare.graph.value_info[:]
    inferred = types(bare)
    assert {name: kind for name, kind in declared.items() if inferred.get(name, kind) != kind} == {}


@pytest.mark.parametrize("name", GRAPHS)
def test_products_of_the_tower_and_the_decoder_are_float16(half, name):
    kinds = types(half[name])
    products = Counter(
        kinds[node.output[0]] for node in half[name].graph.node if node.op_type in ("MatMul", "Conv", "Gemm")
    )
    # The box head's products stay float32: its fields, pointers and gravity, and no other's.
    wide = {"vision": 0, "prefix": 5, "prompt": 4, "step": 0}[name]
    assert products[TensorProto.FLOAT] == wide
    assert products[TensorProto.FLOAT16] > 2 * wide


@pytest.mark.parametrize("name", GRAPHS)
def test_fragile_nodes_of_a_float16_graph_read_and_yield_float32(half, name):
    kinds = types(half[name])
    fragile = ("Softmax", "LogSoftmax", "ReduceMean", "Pow", "Sqrt", "Reciprocal", "Sin", "Cos")
    touched = [t for n in half[name].graph.node if n.op_type in fragile for t in (n.input[0], n.output[0])]
    assert touched and all(kinds[tensor] == TensorProto.FLOAT for tensor in touched)


def test_rays_are_encoded_from_the_intrinsics_in_float32(half):
    kinds = types(half["vision"])
    readers = [node for node in half["vision"].graph.node if "intrinsics" in node.input]
    assert readers and all(kinds[node.output[0]] == TensorProto.FLOAT for node in readers)


def test_what_decides_a_box_reaches_the_border_without_a_rounding(half):
    for name, outputs in (("prefix", ("pointer_key", "fields", "gravity")), ("prompt", ("pointer",))):
        made_by = {t: node.op_type for node in half[name].graph.node for t in node.output}
        assert all(made_by[output] != "Cast" for output in outputs)


def test_float16_says_nearly_what_float32_says(models, half):
    for exact, rounded in zip(run(models), run(round_everywhere(half)), strict=True):
        assert rounded.dtype == exact.dtype
        np.testing.assert_allclose(rounded, exact, atol=4e-3 * np.abs(exact).max())


def test_the_models_given_are_left_as_they_are(tiny_export, models, half, int8):
    again = read_graphs(tiny_export.bundle)
    assert all(again[name].SerializeToString() == models[name].SerializeToString() for name in GRAPHS)


def test_a_weight_that_float16_cannot_hold_is_named(models):
    changed = dict(models)
    changed["vision"] = onnx.ModelProto()
    changed["vision"].CopyFrom(models["vision"])
    for tensor in changed["vision"].graph.initializer:
        if tensor.name == "vision.position":
            values = numpy_helper.to_array(tensor).copy()
            values[0, 0, 0] = 70000.0
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    with pytest.raises(PrecisionError, match="graph vision: vision.position holds 7e\\+04"):
        to_float16(changed)


def small_graph(*nodes: onnx.NodeProto, constants: dict[str, float]) -> onnx.ModelProto:
    """Make a graph of float32 x (1,) -> float32 y (1,) from nodes and float32 constants."""
    borders = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    weights = [numpy_helper.from_array(np.array([v], np.float32), name) for name, v in constants.items()]
    graph = helper.make_graph(list(nodes), "small", borders[:1], borders[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def test_a_mask_of_the_lowest_float32_becomes_one_of_the_lowest_float16(models):
    lowest = float(np.finfo(np.float32).min)
    masked = small_graph(helper.make_node("Max", ["x", "mask"], ["y"]), constants={"mask": lowest})
    (mask,) = to_float16({**models, "vision": masked})["vision"].graph.initializer
    assert numpy_helper.to_array(mask).tolist() == [np.finfo(np.float16).min]


def test_a_graph_with_branches_is_refused(models):
    branch = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["z"])],
        "branch",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1])],
    )
    nodes = (
        helper.make_node("Cast", ["x"], ["c"], to=TensorProto.BOOL),
        helper.make_node("If", ["c"], ["y"], name="choice", then_branch=branch, else_branch=branch),
    )
    with pytest.raises(PrecisionError, match="graph vision: node choice \\(If\\) holds a graph of its own"):
        to_float16({**models, "vision": small_graph(*nodes, constants={})})


def test_rounding_everywhere_rounds_where_a_cpu_would_not():
    add = helper.make_node("Add", ["x", "large"], ["sum"])
    subtract = helper.make_node("Sub", ["sum", "large"], ["y"])
    blank = small_graph(add, subtract, constants={"large": 0.0})
    large = small_graph(add, subtract, constants={"large": 4096.0})
    narrow = to_float16({"vision": large, "prefix": blank, "prompt": blank, "step": blank})["vision"]
    rounded = round_everywhere({"vision": narrow})["vision"]
    session = onnxruntime.InferenceSession(rounded.SerializeToString())
    # float16 has steps of 4 from 4096 on.
    assert session.run(None, {"x": np.array([1.0], np.float32)})[0].tolist() == [0.0]
    assert session.run(None, {"x": np.array([3.0], np.float32)})[0].tolist() == [4.0]


@pytest.mark.parametrize("axis", [0, 1])
def test_int8_is_nowhere_off_by_more_than_half_a_step_of_its_channel(axis):
    matrix = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32) * 10.0 ** np.arange(-15, 15)
    matrix = matrix.astype(np.float32)
    matrix[3] = matrix[:, 3] = 0.0
    steps, scale = quantise(matrix, axis)
    scale = np.expand_dims(scale, 1 - axis)
    assert steps.dtype == np.int8 and np.abs(steps.astype(int)).max() == 127
    assert (np.abs(steps * scale - matrix) <= 0.501 * scale).all()


def test_int8_holds_the_decoders_matrices_and_nothing_else(models, int8):
    before, after = models["vision"].SerializeToString(), int8["vision"].SerializeToString()
    assert after == before
    for name in ("prefix", "prompt", "step"):
        kinds = types(int8[name])
        left = {
            tensor.name
            for tensor in int8[name].graph.initializer
            if tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2
        }
        read_int8 = [node for node in int8[name].graph.node if node.op_type == "DequantizeLinear"]
        assert all(kinds[node.input[0]] == TensorProto.INT8 for node in read_int8)
        # Four matrices in each of two layers; prefix embeds no text.
        assert len(read_int8) == (8 if name == "prefix" else 9)
        products = [n for n in int8[name].graph.node if n.op_type in ("MatMul", "Gemm")]
        assert sum(n.input[1] in left for n in products) == {"prefix": 5, "prompt": 3, "step": 0}[name]


def test_int8_says_nearly_what_float32_says(models, int8):
    for exact, rounded in zip(run(models), run(int8), strict=True):
        assert rounded.dtype == exact.dtype
        np.testing.assert_allclose(rounded, exact, atol=3e-2 * np.abs(exact).max())
