# SPDX-License-Identifier: Apache-2.0
"""An exported bundle computes what the network computed, for any number of frames, prompts and words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tiny_network import tiny_network_config

from ide3d_ros.bundle import open_bundle
from ide3d_ros.geometry import Camera
from ide3d_ros.network import Ide3dNetwork
from ide3d_ros.scene import Scene, Status
from ide3d_training.datasets.packing import Prompt, pack_prompts, pack_row
from ide3d_training.datasets.tokenizer import fit_tokenizer
from ide3d_training.export.bundle_writing import export_bundle

QUERIES = 3


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[Ide3dNetwork, Path]:
    folder = tmp_path_factory.mktemp("export")
    tokenizer = fit_tokenizer(["where is the red chair", "is there a mug", "yes", "no"], 300)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    network = Ide3dNetwork(tiny_network_config(tokenizer.get_vocab_size())).eval()
    export_bundle(network, folder / "tokenizer.json", folder / "bundle", name="tiny")
    return network, folder / "bundle"


@pytest.fixture(scope="module")
def sessions(exported) -> dict[str, onnxruntime.InferenceSession]:
    return {
        name: onnxruntime.InferenceSession(exported[1] / f"{name}.onnx")
        for name in ("vision", "prefix", "prompt", "step")
    }


def call(session, *inputs):
    return session.run(
        None, {spec.name: value for spec, value in zip(session.get_inputs(), inputs, strict=True)}
    )


def frames(count: int) -> tuple[np.ndarray, np.ndarray]:
    images = np.random.default_rng(count).integers(0, 255, (count, 48, 64, 3), np.uint8)
    return images, np.tile(np.array([[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]], np.float32), (count, 1, 1))


PROMPTS = (Prompt((1, 10, 11, 12, 13), (), ()), Prompt((2, 20, 21), (30, 31, 4), ()))


def test_no_graph_guards_against_rows_that_attend_to_nothing(exported):
    for name in ("vision", "prefix", "prompt", "step"):
        nodes = onnx.load(exported[1] / f"{name}.onnx", load_external_data=False).graph.node
        kinds = {node.op_type for node in nodes}
        assert "Softmax" in kinds and "IsNaN" not in kinds


def test_the_graphs_answer_as_the_network_did_when_it_trained(exported, sessions):
    network, _ = exported
    images, intrinsics = frames(1)
    packed, _ = pack_prompts([pack_row(PROMPTS, QUERIES)])
    with torch.no_grad():
        wanted = network(torch.from_numpy(images), torch.from_numpy(intrinsics), packed)
    (tokens,) = call(sessions["vision"], images, intrinsics)
    key, value, pointer_key, fields, gravity = call(sessions["prefix"], tokens)
    text = np.array([[1, 10, 11, 12, 13], [2, 20, 21, 0, 0]])
    logits, pointer, text_key, text_value = call(
        sessions["prompt"], key, value, pointer_key, text, np.array([5, 3])
    )
    np.testing.assert_allclose(fields, wanted.fields, atol=1e-5)
    np.testing.assert_allclose(gravity, wanted.gravity, atol=1e-5)
    np.testing.assert_allclose(pointer, wanted.pointer[0], atol=1e-4)
    start = len(PROMPTS[0].text) + QUERIES
    np.testing.assert_allclose(logits[1], wanted.logits[0, start + 2], atol=1e-4)
    # The next tokens of the second prompt's answer, one step at a time.
    past = text_key[1:, :, :, :3], text_value[1:, :, :, :3]
    for place, token in enumerate(PROMPTS[1].answer[:-1]):
        stepped, *past = call(sessions["step"], key, value, *past, np.array([[token]]))
        np.testing.assert_allclose(stepped[0], wanted.logits[0, start + 3 + QUERIES + place], atol=1e-4)


def test_a_window_is_a_concatenation_of_independent_frames(sessions):
    images, intrinsics = frames(3)
    together = call(sessions["prefix"], *call(sessions["vision"], images, intrinsics))
    alone = [
        call(sessions["prefix"], *call(sessions["vision"], images[i : i + 1], intrinsics[:1]))
        for i in range(3)
    ]
    for index, whole in enumerate(together):
        np.testing.assert_allclose(whole, np.concatenate([part[index] for part in alone]), atol=1e-5)


def test_batched_prompts_point_as_single_ones_do(sessions):
    window = call(sessions["prefix"], *call(sessions["vision"], *frames(2)))[:3]
    text, lengths = np.array([[1, 10, 11, 12], [1, 13, 0, 0], [1, 14, 15, 0]]), np.array([4, 2, 3])
    batched = call(sessions["prompt"], *window, text, lengths)
    for row, length in enumerate(lengths):
        single = call(sessions["prompt"], *window, text[row : row + 1, :length], lengths[row : row + 1])
        np.testing.assert_allclose(batched[0][row], single[0][0], atol=1e-5)
        np.testing.assert_allclose(batched[1][row], single[1][0], atol=1e-4)


def test_pointers_are_log_probabilities_over_all_tokens_and_none(sessions):
    window = call(sessions["prefix"], *call(sessions["vision"], *frames(2)))[:3]
    pointer = call(sessions["prompt"], *window, np.array([[1, 10]]), np.array([2]))[1]
    assert pointer.shape == (1, QUERIES, 2 * 12 + 1)
    np.testing.assert_allclose(np.exp(pointer).sum(-1), 1.0, atol=1e-5)


def test_weights_shared_by_graphs_are_stored_once(exported):
    network, folder = exported
    parameters = sum(p.numel() for p in network.parameters()) * 4
    assert (folder / "weights.bin").stat().st_size < 1.1 * parameters
    assert all(
        (folder / f"{name}.onnx").stat().st_size < 200_000 for name in ("vision", "prefix", "prompt", "step")
    )


def test_graphs_carry_no_trace_of_the_machine_that_wrote_them(exported):
    for name in ("vision", "prefix", "prompt", "step"):
        model = onnx.load(exported[1] / f"{name}.onnx", load_external_data=False)
        assert ".py" not in str(model.SerializeToString())


def test_a_scene_runs_the_exported_bundle(exported):
    scene = Scene.open(exported[1])
    camera = Camera.from_fov(128, 96, 1.0)
    scene.add_frame(np.zeros((96, 128, 3), np.uint8), camera, stamp_ns=1, frame_id="camera")
    assert scene.locate("the red chair").status in (Status.OK, Status.NO_TARGET)
    assert scene.ask("is there a mug?").status == Status.OK
    assert open_bundle(exported[1]).manifest.preset == "rgb"
