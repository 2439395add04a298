# SPDX-License-Identifier: Apache-2.0
"""The onnx engine runs what the manifest describes and refuses anything else."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from fake_bundle import DIM, GRAVITY, TOKENS, describe, picture

from ide3d_ros.bundle import Bundle, seal_bundle
from ide3d_ros.engine import Engine, EngineError, Prefix
from ide3d_ros.engine.errors import EngineRunError, GraphError, GraphInterfaceError
from ide3d_ros.engine.onnx_engine import OnnxEngine

K = np.array([[[50, 0, 31.5], [0, 50, 23.5], [0, 0, 1]]], np.float32)


@pytest.fixture(scope="module")
def engine(fake_bundle: Bundle) -> OnnxEngine:
    return OnnxEngine(fake_bundle, threads=1)


def prefix_of(engine: OnnxEngine, *patches: tuple[str, int, int]) -> Prefix:
    return engine.prefix(engine.vision(picture(*patches)[None], K))


def reseal(folder: Path, graph: str, model: onnx.ModelProto, bundle: Bundle) -> Bundle:
    (folder / f"{graph}.onnx").write_bytes(model.SerializeToString())
    return seal_bundle(folder, describe(bundle.manifest.network.vocab))


def test_it_is_an_engine(engine: OnnxEngine) -> None:
    assert isinstance(engine, Engine)


def test_vision_sees_the_patch_and_the_camera(engine: OnnxEngine) -> None:
    tokens = engine.vision(picture(("green", 2, 3))[None], K)
    assert tokens.shape == (1, TOKENS, DIM)
    assert tokens[0, 11, :3].tolist() == [0, 1, 0]
    assert not tokens[0, :11, :3].any()
    np.testing.assert_allclose(tokens[0, 5, 3:], [0.5, 0.5, 0.315, 0.235, 1.0], rtol=1e-6)


def test_a_frame_has_the_same_prefix_alone_and_among_others(engine: OnnxEngine) -> None:
    images = np.stack([picture(("red", 0, 0)), picture(("blue", 1, 1)), picture()])
    together = engine.prefix(engine.vision(images, np.repeat(K, 3, 0)))
    alone = prefix_of(engine, ("blue", 1, 1))
    for field in dataclasses.fields(Prefix):
        np.testing.assert_array_equal(getattr(together, field.name)[1:2], getattr(alone, field.name))


def test_outputs_come_in_the_protocols_order(engine: OnnxEngine, fake_bundle: Bundle) -> None:
    window = prefix_of(engine, ("red", 0, 0))
    np.testing.assert_allclose(window.gravity, [GRAVITY], rtol=1e-6)
    assert window.fields.shape == (1, TOKENS, fake_bundle.box_code.size)
    assert window.key.shape == window.value.shape == (1, 1, 1, TOKENS, 4)
    np.testing.assert_array_equal(window.value, 2 * window.key)
    output = engine.prompt(window, np.array([[2, 300], [3, 0]]), np.array([2, 1]))
    assert output.logits.shape == (2, fake_bundle.manifest.network.vocab)
    assert output.pointer.shape == (2, 2, TOKENS + 1)
    np.testing.assert_allclose(np.exp(output.pointer).sum(-1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(output.text_value, 2 * output.text_key)
    step = engine.step(window, output.text_key[:1], output.text_value[:1], 7)
    np.testing.assert_array_equal(step.text_key[0, 0, 0, :, 0], [2, 300, 7])


def test_a_bad_feed_is_an_engine_error_that_names_the_graph(engine: OnnxEngine) -> None:
    with pytest.raises(EngineRunError, match="graph vision failed"):
        engine.vision(np.zeros((1, 10, 10, 3), np.uint8), K)
    with pytest.raises(EngineError):
        engine.prefix(np.zeros((1, TOKENS, DIM), np.float64))


def test_a_graph_that_does_not_parse_is_named(bundle_copy: Path, fake_bundle: Bundle) -> None:
    (bundle_copy / "step.onnx").write_bytes(b"not a graph")
    sealed = seal_bundle(bundle_copy, describe(fake_bundle.manifest.network.vocab))
    with pytest.raises(GraphError, match=r"graph step .*step\.onnx.* does not load"):
        OnnxEngine(sealed)


def test_a_graph_with_other_names_is_refused_with_the_difference(
    bundle_copy: Path, fake_bundle: Bundle
) -> None:
    model = onnx.load(bundle_copy / "prefix.onnx", load_external_data=False)
    for node in model.graph.node:
        node.output[:] = ["tilt" if name == "gravity" else name for name in node.output]
    model.graph.output[-1].name = "tilt"
    sealed = reseal(bundle_copy, "prefix", model, fake_bundle)
    with pytest.raises(GraphInterfaceError, match="outputs are .*fields, tilt instead of .*fields, gravity"):
        OnnxEngine(sealed)


def test_a_graph_of_another_size_is_refused_with_both_shapes(bundle_copy: Path, fake_bundle: Bundle) -> None:
    model = onnx.load(bundle_copy / "vision.onnx", load_external_data=False)
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 96
    sealed = reseal(bundle_copy, "vision", model, fake_bundle)
    with pytest.raises(GraphInterfaceError, match=r"input image has shape \['F', 96, 64, 3\] instead of"):
        OnnxEngine(sealed)


def test_a_graph_for_a_single_frame_only_is_refused(bundle_copy: Path, fake_bundle: Bundle) -> None:
    model = onnx.load(bundle_copy / "prefix.onnx", load_external_data=False)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    sealed = reseal(bundle_copy, "prefix", model, fake_bundle)
    with pytest.raises(GraphInterfaceError, match="input tokens has shape"):
        OnnxEngine(sealed)


def test_a_graph_of_another_type_is_refused(bundle_copy: Path, fake_bundle: Bundle) -> None:
    model = onnx.load(bundle_copy / "vision.onnx", load_external_data=False)
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    sealed = reseal(bundle_copy, "vision", model, fake_bundle)
    with pytest.raises(GraphInterfaceError, match="input image is float32 instead of uint8"):
        OnnxEngine(sealed)


def test_a_graph_cannot_read_weights_outside_its_folder(bundle_copy: Path, fake_bundle: Bundle) -> None:
    (bundle_copy.parent / "outside.bin").write_bytes((bundle_copy / "weights.bin").read_bytes())
    model = onnx.load(bundle_copy / "prompt.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../outside.bin"
    sealed = reseal(bundle_copy, "prompt", model, fake_bundle)
    with pytest.raises(GraphError, match="graph prompt"):
        OnnxEngine(sealed)


def test_a_bundle_of_linked_files_runs(bundle_copy: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"  # what `colcon build --symlink-install` leaves
    linked.mkdir()
    for file in bundle_copy.iterdir():
        (linked / file.name).symlink_to(file)
    from ide3d_ros.bundle import open_bundle

    assert OnnxEngine(open_bundle(linked)).vision(picture()[None], K).shape == (1, TOKENS, DIM)


def test_it_says_what_runs_where(fake_bundle: Bundle) -> None:
    described = OnnxEngine(fake_bundle, threads=2).describe()
    assert (described.engine, described.device, described.threads) == ("onnx", "cpu", 2)
    assert str(described).startswith("onnx (onnxruntime ") and str(described).endswith("on cpu, 2 threads")


def test_threads_default_to_the_cores_of_this_process(fake_bundle: Bundle) -> None:
    assert OnnxEngine(fake_bundle).describe().threads == len(os.sched_getaffinity(0))


def test_a_step_of_a_narrow_network_takes_one_thread(fake_bundle: Bundle) -> None:
    sessions = OnnxEngine(fake_bundle, threads=2)._sessions
    threads = {name: session.get_session_options().intra_op_num_threads for name, session in sessions.items()}
    assert threads == {"vision": 2, "prefix": 2, "prompt": 2, "step": 1}


def test_no_threads_are_refused(fake_bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="threads is 0"):
        OnnxEngine(fake_bundle, threads=0)
