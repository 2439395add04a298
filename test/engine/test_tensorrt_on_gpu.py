# SPDX-License-Identifier: Apache-2.0
"""The real thing: plans built and run on this machine's GPU. Skipped where there is none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ide3d_ros.bundle import Bundle, open_bundle
from ide3d_ros.engine import Prefix
from ide3d_ros.engine.cuda_device import CudaDevice
from ide3d_ros.engine.errors import EngineMemoryError
from ide3d_ros.engine.onnx_engine import OnnxEngine
from ide3d_ros.engine.plan_key import key_of
from ide3d_ros.engine.plan_store import PlanStore
from ide3d_ros.engine.tensorrt_building import build_plan
from ide3d_ros.engine.tensorrt_engine import TensorrtEngine
from ide3d_ros.engine.tensorrt_library import TensorRt
from ide3d_ros.geometry.camera import Camera

TOLERANCE = {"rtol": 2e-3, "atol": 2e-3}


@pytest.fixture(scope="module")
def nano() -> Bundle:
    return open_bundle("nano")


@pytest.fixture(scope="module")
def engine(
    gpu: CudaDevice, tensorrt: TensorRt, nano: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> TensorrtEngine:
    store = PlanStore(tmp_path_factory.mktemp("plans"))
    for graph in nano.manifest.graphs.by_name():
        key = key_of(nano.manifest, graph, tensorrt, gpu.gpu)
        store.write(nano.name, key, build_plan(tensorrt, nano, graph), built="", build_s=0.0)
    return TensorrtEngine(nano, tensorrt, gpu, store)


@pytest.fixture(scope="module")
def reference(nano: Bundle) -> OnnxEngine:
    return OnnxEngine(nano)


def frames(count: int) -> tuple[np.ndarray, np.ndarray]:
    images = np.random.default_rng(count).integers(0, 256, (count, 192, 256, 3), dtype=np.uint8)
    camera = Camera.from_fov(256, 192, 1.0)
    return images, np.repeat(camera.K.astype(np.float32)[None], count, 0)


def assert_close(ours: object, theirs: object) -> None:
    for field in dataclasses.fields(ours):
        a, b = getattr(ours, field.name), getattr(theirs, field.name)
        np.testing.assert_allclose(a, b, err_msg=field.name, **TOLERANCE)


def window(reference: OnnxEngine, count: int) -> Prefix:
    return reference.prefix(reference.vision(*frames(count)))


@pytest.mark.parametrize("count", [1, 3, 8, 1, 1])
def test_frames_give_the_same_tokens_and_prefix(
    engine: TensorrtEngine, reference: OnnxEngine, count: int
) -> None:
    tokens = reference.vision(*frames(count))
    np.testing.assert_allclose(engine.vision(*frames(count)), tokens, **TOLERANCE)
    assert_close(engine.prefix(tokens), reference.prefix(tokens))


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize("prompts", [1, 5, 40])
def test_prompts_give_the_same_pointers_and_logits(
    engine: TensorrtEngine, reference: OnnxEngine, count: int, prompts: int
) -> None:
    rng = np.random.default_rng(prompts)
    text, lengths = rng.integers(0, 825, (prompts, 12)), rng.integers(1, 13, prompts)
    frames_seen = window(reference, count)
    assert_close(engine.prompt(frames_seen, text, lengths), reference.prompt(frames_seen, text, lengths))


def test_recorded_steps_give_what_the_first_ones_gave(engine: TensorrtEngine, reference: OnnxEngine) -> None:
    seen = window(reference, 2)
    prompt = reference.prompt(seen, np.array([[5, 6, 7]]), np.array([3]))
    for _ in range(4):  # as they come, recorded, and twice from the recording
        key, value = prompt.text_key, prompt.text_value
        for token in (8, 9, 10):
            ours, theirs = engine.step(seen, key, value, token), reference.step(seen, key, value, token)
            assert_close(ours, theirs)
            key, value = theirs.text_key, theirs.text_value


def test_memory_that_is_not_there_is_named(gpu: CudaDevice) -> None:
    gpu.activate()
    with pytest.raises(EngineMemoryError, match="not enough memory for a whale: .* MiB are free"):
        gpu.allocate(1 << 50, "a whale")


def test_arrays_come_back_from_the_device(gpu: CudaDevice) -> None:
    gpu.activate()
    sent, received = np.arange(1000.0), np.empty(1000)
    address = gpu.allocate(sent.nbytes, "numbers")
    gpu.upload(address, sent)
    gpu.download(received, address)
    gpu.synchronize()
    gpu.release(address)
    np.testing.assert_array_equal(received, sent)
