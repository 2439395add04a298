# SPDX-License-Identifier: Apache-2.0
"""The torch engine says what the onnx engine says of the same weights, and refuses what that one refuses."""

from __future__ import annotations

import copy
from dataclasses import fields

import numpy as np
import pytest
import torch

from ide3d_ros.bundle import UnsealedBundle
from ide3d_ros.engine import Engine, Prefix, PromptOutput, StepOutput, select_engine
from ide3d_ros.engine.errors import EngineRunError, NetworkOnlyError
from ide3d_ros.engine.onnx_engine import OnnxEngine
from ide3d_ros.engine.torch_engine import TorchEngine
from ide3d_ros.geometry import Camera
from ide3d_ros.scene import Scene
from ide3d_training.export.bundle_writing import describe_network

TEXT, LENGTHS = np.array([[1, 10, 11, 12], [1, 13, 0, 0]]), np.array([4, 2])


@pytest.fixture(scope="module")
def engine(tiny_export) -> TorchEngine:
    return TorchEngine(tiny_export.network)


@pytest.fixture(scope="module")
def exported(tiny_export) -> OnnxEngine:
    return OnnxEngine(tiny_export.bundle, threads=1)


def window(engine: Engine, frames: int = 2) -> Prefix:
    images = np.random.default_rng(frames).integers(0, 255, (frames, 48, 64, 3), np.uint8)
    return engine.prefix(engine.vision(images, intrinsics(frames)))


def intrinsics(frames: int) -> np.ndarray:
    return np.tile(np.array([[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]], np.float32), (frames, 1, 1))


def assert_same(ours: object, theirs: object) -> None:
    for field in fields(theirs):
        a, b = getattr(ours, field.name), getattr(theirs, field.name)
        if b is None:
            assert a is None
            continue
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_it_is_an_engine_and_says_what_runs_where(engine):
    assert isinstance(engine, Engine)
    described = engine.describe()
    assert (described.engine, described.device) == ("torch", "cpu")
    assert described.runtime == f"torch {torch.__version__}" and described.threads == torch.get_num_threads()


@pytest.mark.parametrize("frames", [1, 3])
def test_it_agrees_with_the_onnx_engine_on_every_graph(engine, exported, frames):
    ours, theirs = window(engine, frames), window(exported, frames)
    assert_same(ours, theirs)
    read = [e.prompt(theirs, TEXT, LENGTHS) for e in (engine, exported)]
    assert_same(*read)
    past = read[1].text_key[:1], read[1].text_value[:1]
    for token in (7, 8):
        steps: list[StepOutput] = [e.step(theirs, *past, token) for e in (engine, exported)]
        assert_same(*steps)
        past = steps[1].text_key, steps[1].text_value


def test_a_scene_runs_a_network_that_was_never_exported(tiny_export, engine):
    network = tiny_export.network
    described = UnsealedBundle(describe_network(network, "tiny", {}), tiny_export.tokenizer_file)
    image = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    scenes = [Scene(described, engine, window=2), Scene.open(tiny_export.bundle.folder, window=2)]
    said = []
    for scene in scenes:
        scene.add_frame(image, Camera.from_fov(128, 96, 1.0), stamp_ns=1, frame_id="camera")
        scene.add_frame(image[::-1], Camera.from_fov(128, 96, 1.0), stamp_ns=2, frame_id="camera")
        said.append((scene.ask("is there a mug?").text, scene.locate("the red chair").status))
    assert said[0] == said[1]
    assert scenes[0].bundle.name == "tiny"
    with pytest.raises(ValueError, match="allows 1 to 8"):
        Scene(described, engine, window=9)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda e: e.vision(np.zeros((1, 10, 10, 3), np.uint8), intrinsics(1)),
            r"graph vision .*image is uint8 \[1, 10, 10, 3\] instead of uint8 \[F=1, 48, 64, 3\]",
        ),
        (
            lambda e: e.vision(np.zeros((2, 48, 64, 3), np.uint8), intrinsics(1)),
            r"\[1, 3, 3\] .* \[F=2, 3, 3\]",
        ),
        (lambda e: e.prefix(np.zeros((1, 12, 32))), "tokens is float64"),
        (lambda e: e.prompt(window(e), TEXT + 1000, LENGTHS), "token ids 1000..1013 are not within 0..286"),
        (lambda e: e.prompt(window(e), TEXT, LENGTHS[:1]), "text_length"),
        (lambda e: e.prompt(window(e), TEXT, LENGTHS + 1), r"text_length \[5, 3\] is not within 1..4"),
        (lambda e: e.step(window(e), *[np.zeros((1, 2, 2, 3, 8), np.float32)] * 2, -1), "token ids -1"),
    ],
)
def test_what_does_not_fit_the_network_is_an_engine_error_that_names_it(engine, ask, message):
    with pytest.raises(EngineRunError, match=message):
        ask(engine)


def test_outputs_are_writable_copies_and_inputs_may_be_read_only(engine):
    image = np.zeros((1, 48, 64, 3), np.uint8)
    image.flags.writeable = False
    tokens = engine.vision(image, intrinsics(1))
    tokens += 1.0
    np.testing.assert_array_equal(tokens - 1.0, engine.vision(image, intrinsics(1)) + 1.0 - 1.0)


def test_a_network_in_training_mode_is_not_asked(tiny_export):
    network = copy.deepcopy(tiny_export.network).train()
    with pytest.raises(EngineRunError, match="call network.eval()"):
        TorchEngine(network).prefix(np.zeros((1, 12, 32), np.float32))


def test_weights_that_change_change_what_is_said(tiny_export):
    network = copy.deepcopy(tiny_export.network)
    engine = TorchEngine(network)
    before: PromptOutput = engine.prompt(window(engine), TEXT, LENGTHS)
    with torch.no_grad():
        network.queries += 1.0
    assert np.abs(engine.prompt(window(engine), TEXT, LENGTHS).pointer - before.pointer).max() > 1e-3


def test_another_precision_and_no_threads_are_refused(tiny_export):
    with pytest.raises(ValueError, match="holds torch.float16; call network.float"):
        TorchEngine(copy.deepcopy(tiny_export.network).half())
    with pytest.raises(ValueError, match="threads is 0"):
        TorchEngine(tiny_export.network, threads=0)


def test_asked_for_by_name_it_says_what_it_runs(fake_bundle):
    with pytest.raises(NetworkOnlyError, match="runs a network in memory, not a bundle"):
        select_engine(fake_bundle, "torch")
