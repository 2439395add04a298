# SPDX-License-Identifier: Apache-2.0
"""Plans are really built, of graphs that are right, and refused with a named cause of those that are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from fake_bundle import DIM, describe
from onnx import TensorProto, helper, numpy_helper

from ide3d_ros.bundle import Bundle, open_bundle, seal_bundle
from ide3d_ros.engine.errors import (
    EngineMemoryError,
    GraphError,
    GraphInterfaceError,
    PlanBuildError,
    UnsupportedOperatorError,
)
from ide3d_ros.engine.tensorrt_building import build_plan, known_capabilities
from ide3d_ros.engine.tensorrt_library import TensorRt

GRAPHS = ("vision", "prefix", "prompt", "step")


def halve(folder: Path) -> None:
    """Turn the floats inside the graphs into float16; what goes in and out stays as it is."""
    for graph in GRAPHS:
        file = folder / f"{graph}.onnx"
        model = onnx.load(file)
        changed = {value.name: f"{value.name}_half" for value in model.graph.input if is_float(value)}
        results = {value.name: f"{value.name}_half" for value in model.graph.output if is_float(value)}
        for tensor in model.graph.initializer:
            if tensor.data_type == TensorProto.FLOAT:
                half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name)
                tensor.CopyFrom(half)
        for node in model.graph.node:
            node.input[:] = [{**changed, **results}.get(name, name) for name in node.input]
            node.output[:] = [results.get(name, name) for name in node.output]
            for attribute in node.attribute:
                if node.op_type == "Cast" and attribute.i == TensorProto.FLOAT:
                    attribute.i = TensorProto.FLOAT16
        del model.graph.value_info[:]
        first = [
            helper.make_node("Cast", [name], [half], to=TensorProto.FLOAT16) for name, half in changed.items()
        ]
        last = [
            helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT) for name, half in results.items()
        ]
        nodes = [*first, *model.graph.node, *last]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        file.write_bytes(model.SerializeToString())


def is_float(value: onnx.ValueInfoProto) -> bool:
    return value.type.tensor_type.elem_type == TensorProto.FLOAT


def reseal(folder: Path, bundle: Bundle, graph: str, model: onnx.ModelProto) -> Bundle:
    (folder / f"{graph}.onnx").write_bytes(model.SerializeToString())
    return seal_bundle(folder, describe(bundle.manifest.network.vocab))


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_graph_of_nano_builds_and_has_the_manifest_s_tensors(
    building_tensorrt: TensorRt, graph: str
) -> None:
    seen = []
    plan = build_plan(building_tensorrt, open_bundle("nano"), graph, watch=lambda *step: seen.append(step))
    assert len(plan) > 1 << 20
    assert len({phase for phase, _, _ in seen}) > 1
    assert all(0 <= done <= of for _, done, of in seen)


@pytest.mark.parametrize("graph", GRAPHS)
def test_graphs_of_float16_build(
    building_tensorrt: TensorRt, bundle_copy: Path, fake_bundle: Bundle, graph: str
) -> None:
    full = build_plan(building_tensorrt, fake_bundle, graph)
    halve(bundle_copy)
    sealed = seal_bundle(bundle_copy, describe(fake_bundle.manifest.network.vocab))
    half = build_plan(building_tensorrt, sealed, graph)
    assert half and half != full


def test_a_portable_library_builds_for_other_gpus(building_tensorrt: TensorRt, fake_bundle: Bundle) -> None:
    known = known_capabilities(building_tensorrt)
    if not known:
        pytest.skip(f"{building_tensorrt} builds for its own GPU alone")
    assert "8.9" in known
    assert build_plan(building_tensorrt, fake_bundle, "vision", compute_capabilities=["8.6", "8.9"])


def test_a_compute_capability_that_is_none_lists_the_known_ones(
    building_tensorrt: TensorRt, fake_bundle: Bundle
) -> None:
    said = "it knows .*8.9" if known_capabilities(building_tensorrt) else "this machine alone"
    with pytest.raises(ValueError, match=said):
        build_plan(building_tensorrt, fake_bundle, "vision", compute_capabilities=["3.5"])


def test_attention_without_a_kernel_of_its_own_is_built_of_several(
    building_tensorrt: TensorRt, bundle_copy: Path, fake_bundle: Bundle
) -> None:
    if not hasattr(building_tensorrt.module.LayerType, "ATTENTION_INPUT"):
        pytest.skip(f"{building_tensorrt} has no layer for attention")
    model = onnx.load(bundle_copy / "prefix.onnx", load_external_data=False)
    model.opset_import[0].version = 23
    nodes = [node for node in model.graph.node if list(node.output) != ["pointer_key"]]
    for i, name in enumerate(("query", "keys", "values")):
        weights = (i + 1) * np.eye(DIM, dtype=np.float32)
        model.graph.initializer.append(numpy_helper.from_array(weights, f"{name}_weights"))
        nodes.append(helper.make_node("MatMul", ["tokens", f"{name}_weights"], [name], name=name))
    heads = {"q_num_heads": 1, "kv_num_heads": 1}
    nodes.append(helper.make_node("Attention", ["query", "keys", "values"], ["pointer_key"], **heads))
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    sealed = reseal(bundle_copy, fake_bundle, "prefix", model)
    assert build_plan(building_tensorrt, sealed, "prefix")


def test_a_graph_that_does_not_parse_is_named(
    building_tensorrt: TensorRt, bundle_copy: Path, fake_bundle: Bundle
) -> None:
    (bundle_copy / "step.onnx").write_bytes(b"not a graph")
    sealed = seal_bundle(bundle_copy, describe(fake_bundle.manifest.network.vocab))
    with pytest.raises(GraphError, match=r"graph step .*step\.onnx.* does not load"):
        build_plan(building_tensorrt, sealed, "step")


def test_an_operator_that_the_library_does_not_know_is_named(
    building_tensorrt: TensorRt, bundle_copy: Path, fake_bundle: Bundle
) -> None:
    model = onnx.load(bundle_copy / "prefix.onnx", load_external_data=False)
    (identity,) = (node for node in model.graph.node if list(node.output) == ["pointer_key"])
    identity.op_type, identity.name = "BitShift", "shifted"
    sealed = reseal(bundle_copy, fake_bundle, "prefix", model)
    with pytest.raises(UnsupportedOperatorError, match="graph prefix .*operator BitShift.*engine onnx"):
        build_plan(building_tensorrt, sealed, "prefix")


def test_bytes_that_are_not_cast_at_once_are_an_unsupported_operator(
    building_tensorrt: TensorRt, bundle_copy: Path, fake_bundle: Bundle
) -> None:
    model = onnx.load(bundle_copy / "vision.onnx", load_external_data=False)
    cast, transpose = model.graph.node[:2]
    assert (cast.op_type, transpose.op_type) == ("Cast", "Transpose")
    transpose.input[0], cast.input[0] = "image", transpose.output[0]
    for node in model.graph.node[2:]:
        node.input[:] = [cast.output[0] if name == transpose.output[0] else name for name in node.input]
    swapped = [transpose, cast, *model.graph.node[2:]]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in swapped]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    sealed = reseal(bundle_copy, fake_bundle, "vision", model)
    with pytest.raises(UnsupportedOperatorError, match="operator Transpose.*UInt8"):
        build_plan(building_tensorrt, sealed, "vision")


def test_a_graph_with_other_tensors_is_refused_before_it_is_built(
    building_tensorrt: TensorRt, bundle_copy: Path, fake_bundle: Bundle
) -> None:
    model = onnx.load(bundle_copy / "vision.onnx", load_external_data=False)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    sealed = reseal(bundle_copy, fake_bundle, "vision", model)
    with pytest.raises(GraphInterfaceError, match=r"input image has shape \[1, 48, 64, 3\] instead of \['F'"):
        build_plan(building_tensorrt, sealed, "vision")


@pytest.mark.parametrize(
    ("complaint", "kind"),
    [
        ("[memory.cpp] Error Code 2: OutOfMemory (Requested size was 8589934592 bytes.)", EngineMemoryError),
        (
            "Error Code 10: Could not find any implementation for node {ForeignNode[a]}",
            UnsupportedOperatorError,
        ),
        ("Error Code 4: API Usage Error (profile 0 has no dimensions)", PlanBuildError),
    ],
)
def test_what_ends_a_build_is_told_apart(
    building_tensorrt: TensorRt, fake_bundle: Bundle, monkeypatch, complaint: str, kind: type
) -> None:
    class Failing(building_tensorrt.module.Builder):
        def build_serialized_network(self, _network: object, _config: object) -> None:
            building_tensorrt.complaints.append(complaint)

    monkeypatch.setattr(building_tensorrt.module, "Builder", Failing)
    with pytest.raises(kind) as caught:
        build_plan(building_tensorrt, fake_bundle, "step")
    assert type(caught.value) is kind and complaint in str(caught.value)
