# SPDX-License-Identifier: Apache-2.0
"""What the tensorrt engine does around TensorRT: plans, buffers, copies, recorded launches, errors.

No GPU is needed: `tensorrt_stand_in` keeps device memory on the host and runs plans with onnxruntime.
"""

from __future__ import annotations

import dataclasses
import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from fake_bundle import DIM, TOKENS, describe, picture
from tensorrt_stand_in import GPU, SCRATCH, HostDevice, StandInLibrary, stand_in_store

from ide3d_ros.bundle import Bundle, seal_bundle
from ide3d_ros.engine import Engine, Prefix, tensorrt_pass
from ide3d_ros.engine.errors import (
    CorruptPlanError,
    CudaError,
    EngineMemoryError,
    EngineRunError,
    GraphInterfaceError,
    LibraryInterfaceError,
    MissingPlanError,
    PlanMismatchError,
)
from ide3d_ros.engine.onnx_engine import OnnxEngine
from ide3d_ros.engine.plan_store import PlanStore
from ide3d_ros.engine.tensorrt_engine import TensorrtEngine
from ide3d_ros.engine.tensorrt_profile import MAX_PROMPTS, greatest_bytes
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene import Scene

K = np.array([[[50, 0, 31.5], [0, 50, 23.5], [0, 0, 1]]], np.float32)


@pytest.fixture
def device() -> HostDevice:
    return HostDevice()


@pytest.fixture
def runtime(device: HostDevice) -> StandInLibrary:
    return StandInLibrary(device)


@pytest.fixture
def store(tmp_path: Path, fake_bundle: Bundle, runtime: StandInLibrary) -> PlanStore:
    return stand_in_store(tmp_path / "plans", fake_bundle, runtime.library)


@pytest.fixture
def engine(
    fake_bundle: Bundle, runtime: StandInLibrary, device: HostDevice, store: PlanStore
) -> TensorrtEngine:
    started = TensorrtEngine(fake_bundle, runtime.library, device, store)
    runtime.passes.clear()
    device.uploads.clear()
    return started


@pytest.fixture(scope="module")
def onnx_engine(fake_bundle: Bundle) -> OnnxEngine:
    return OnnxEngine(fake_bundle, threads=1)


def window_of(engine: Engine, *colors: str) -> Prefix:
    images = np.stack([picture((color, 1, i)) for i, color in enumerate(colors)])
    return engine.prefix(engine.vision(images, np.repeat(K, len(colors), 0)))


def same(one: object, other: object) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in dataclasses.fields(one)
    )


def test_it_is_an_engine(engine: TensorrtEngine) -> None:
    assert isinstance(engine, Engine)


def test_every_pass_gives_what_the_onnx_engine_gives(engine: TensorrtEngine, onnx_engine: OnnxEngine) -> None:
    window, reference = window_of(engine, "red", "blue"), window_of(onnx_engine, "red", "blue")
    assert same(window, reference)
    text, lengths = np.array([[2, 300], [3, 0]]), np.array([2, 1])
    prompt = engine.prompt(window, text, lengths)
    assert same(prompt, onnx_engine.prompt(reference, text, lengths))
    past = prompt.text_key[:1], prompt.text_value[:1]
    assert same(engine.step(window, *past, 7), onnx_engine.step(reference, *past, 7))


def test_a_scene_finds_and_answers_with_it(
    fake_bundle: Bundle, engine: TensorrtEngine, onnx_engine: OnnxEngine
) -> None:
    said = []
    for one in (engine, onnx_engine):
        scene = Scene(fake_bundle, one, window=2)
        for i, color in enumerate(("red", "green", "red")):
            scene.add_frame(
                picture((color, 1, i)), Camera(64, 48, 50, 50, 31.5, 23.5), stamp_ns=i + 1, frame_id="eye"
            )
        chairs = [box.box.center.tolist() for box in scene.locate("the red chair")]
        said.append((chairs, scene.ask("which color").text, scene.describe().text))
    assert said[0] == said[1]
    assert said[0][0] and said[0][2] == "a room"


def test_a_window_is_sent_once_for_all_its_prompts_and_steps(
    engine: TensorrtEngine, device: HostDevice
) -> None:
    window = window_of(engine, "red")
    device.uploads.clear()
    prompt = engine.prompt(window, np.array([[2, 5]]), np.array([2]))
    first = sum(device.uploads)
    device.uploads.clear()
    engine.prompt(window, np.array([[2, 6]]), np.array([2]))
    assert device.uploads == [16, 8]  # the text and its length
    device.uploads.clear()
    engine.step(window, prompt.text_key, prompt.text_value, 7)
    assert sum(device.uploads) == prompt.text_key.nbytes + prompt.text_value.nbytes + 8
    assert first == window.key.nbytes + window.value.nbytes + window.pointer_key.nbytes + 24


def test_another_window_takes_the_place_of_the_first(engine: TensorrtEngine, onnx_engine: OnnxEngine) -> None:
    red, blue = window_of(engine, "red"), window_of(engine, "blue")
    text, length = np.array([[2, 5]]), np.array([2])
    for window in (red, blue, red):
        assert same(engine.prompt(window, text, length), onnx_engine.prompt(window, text, length))


def test_a_window_whose_copy_failed_is_sent_again(
    engine: TensorrtEngine, onnx_engine: OnnxEngine, device: HostDevice
) -> None:
    red, blue = window_of(engine, "red"), window_of(engine, "blue")
    text, length = np.array([[2, 5]]), np.array([2])
    engine.prompt(red, text, length)
    device.can_copy = False
    with pytest.raises(CudaError):
        engine.prompt(blue, text, length)
    device.can_copy = True
    device.uploads.clear()
    assert same(engine.prompt(red, text, length), onnx_engine.prompt(red, text, length))
    assert red.key.nbytes in device.uploads  # the copy that failed may have left half of another window


def test_a_shape_that_comes_back_is_launched_from_its_recording(
    engine: TensorrtEngine, runtime: StandInLibrary, device: HostDevice
) -> None:
    contexts = runtime.contexts
    images = [np.stack([picture(("red", 1, i)), picture()]) for i in range(4)]
    tokens = [engine.vision(image, np.repeat(K, 2, 0)) for image in images]
    assert runtime.contexts == contexts + 1
    assert len(device.graphs) == 1
    assert device.launches == 2  # the first ran as it came, the second was recorded
    assert runtime.passes["vision"] == 4
    for i, one in enumerate(tokens):
        assert one[0, 4 + i, 0] == 1.0


def test_recordings_of_other_shapes_do_not_disturb_one_another(
    engine: TensorrtEngine, onnx_engine: OnnxEngine, device: HostDevice
) -> None:
    window = window_of(engine, "red")
    for _ in range(4):
        for length in (2, 3, 4):
            past = np.full((1, 1, 1, length, 4), length, np.float32)
            assert same(engine.step(window, past, past, 5), onnx_engine.step(window, past, past, 5))
    assert device.launches == 6


def test_recordings_are_bounded(
    engine: TensorrtEngine, device: HostDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorrt_pass, "MAX_RECORDED", 3)
    window, others = window_of(engine, "red"), len(device.graphs)
    for length in range(2, 9):
        past = np.zeros((1, 1, 1, length, 4), np.float32)
        for _ in range(2):
            engine.step(window, past, past, 5)
    assert len(device.graphs) == others + 3


def test_a_graph_that_cannot_be_recorded_runs_all_the_same(
    engine: TensorrtEngine, device: HostDevice, runtime: StandInLibrary
) -> None:
    device.can_record = False
    for _ in range(4):
        assert engine.vision(picture(("red", 1, 0))[None], K)[0, 4, 0] == 1.0
    assert (device.launches, runtime.passes["vision"]) == (0, 4)


def test_more_prompts_than_a_plan_serves_are_cut_into_several_passes(
    engine: TensorrtEngine, onnx_engine: OnnxEngine, runtime: StandInLibrary
) -> None:
    window = window_of(engine, "red")
    text = np.arange(3 * (2 * MAX_PROMPTS + 3)).reshape(-1, 3) % 300
    lengths = np.full(len(text), 3)
    assert same(engine.prompt(window, text, lengths), onnx_engine.prompt(window, text, lengths))
    assert runtime.passes["prompt"] == 3


def test_buffers_hold_the_greatest_shapes_and_prompt_and_step_share_the_window_s(
    engine: TensorrtEngine, device: HostDevice, fake_bundle: Bundle
) -> None:
    sizes = {
        graph: greatest_bytes(fake_bundle.manifest, graph) for graph in ("vision", "prefix", "prompt", "step")
    }
    twice = sizes["step"]["key"] + sizes["step"]["value"]
    assert device.allocated == sum(sum(one.values()) for one in sizes.values()) - twice + SCRATCH


def test_the_greatest_shapes_run(engine: TensorrtEngine, fake_bundle: Bundle) -> None:
    limits = fake_bundle.manifest.limits
    window = window_of(engine, *["red", "blue"] * (limits.max_frames // 2))
    text = np.full((MAX_PROMPTS, limits.max_text_tokens), 300)
    output = engine.prompt(window, text, np.full(MAX_PROMPTS, limits.max_text_tokens))
    assert output.pointer.shape == (MAX_PROMPTS, 2, limits.max_frames * TOKENS + 1)
    past = np.zeros((1, 1, 1, limits.max_text_tokens + limits.max_answer_tokens - 1, 4), np.float32)
    assert engine.step(window, past, past, 1).text_key.shape[3] == past.shape[3] + 1


def test_more_than_the_bundle_allows_is_refused_before_it_is_copied(
    engine: TensorrtEngine, device: HostDevice
) -> None:
    with pytest.raises(EngineRunError, match=r"vision failed.*5 frames are outside the bundle's 1 to 4"):
        window_of(engine, *["red"] * 5)
    assert not device.uploads


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((1, 10, 10, 3), np.uint8), r"image has shape \[1, 10, 10, 3\] instead of \[1, 48, 64, 3\]"),
        (np.zeros((1, 48, 64, 3), np.float32), "image is float32 instead of uint8"),
        (np.zeros((2, 48, 64, 3), np.uint8), r"intrinsics has shape \[1, 3, 3\] instead of \[2, 3, 3\]"),
    ],
)
def test_a_bad_feed_is_named(engine: TensorrtEngine, image: np.ndarray, said: str) -> None:
    with pytest.raises(EngineRunError, match=f"graph vision failed.*{said}"):
        engine.vision(image, K)


def test_an_array_that_is_a_view_is_sent_in_its_own_order(
    engine: TensorrtEngine, onnx_engine: OnnxEngine
) -> None:
    image = picture(("green", 1, 1))[:, ::-1][None]
    np.testing.assert_array_equal(engine.vision(image, K), onnx_engine.vision(image, K))


def test_a_pass_that_fails_carries_the_library_s_complaint(
    engine: TensorrtEngine, runtime: StandInLibrary
) -> None:
    runtime.engines["prefix"].complaint = "Cuda Runtime (an illegal memory access was encountered)"
    with pytest.raises(EngineRunError, match="graph prefix failed.*illegal memory access"):
        engine.prefix(np.zeros((1, TOKENS, DIM), np.float32))


def test_every_graph_is_tried_out_at_the_start(
    fake_bundle: Bundle, runtime: StandInLibrary, device: HostDevice, store: PlanStore
) -> None:
    TensorrtEngine(fake_bundle, runtime.library, device, store)
    assert runtime.passes == {"vision": 1, "prefix": 1, "prompt": 1, "step": 1}


def test_a_graph_whose_outputs_would_not_fit_their_buffers_is_not_run(
    bundle_copy: Path, fake_bundle: Bundle, runtime: StandInLibrary, device: HostDevice, tmp_path: Path
) -> None:
    model = onnx.load(bundle_copy / "step.onnx", load_external_data=False)
    (concat,) = (node for node in model.graph.node if list(node.output) == ["text_key"])
    concat.input.append("past_key")  # t + t + 1 tokens
    (bundle_copy / "step.onnx").write_bytes(model.SerializeToString())
    sealed = seal_bundle(bundle_copy, describe(fake_bundle.manifest.network.vocab))
    plans = stand_in_store(tmp_path / "plans", sealed, runtime.library)
    with pytest.raises(EngineRunError, match=r"text_key would have shape \(1, 1, 1, 3, 4\) instead of"):
        TensorrtEngine(sealed, runtime.library, device, plans)


def test_a_library_with_another_interface_is_named(
    fake_bundle: Bundle, runtime: StandInLibrary, device: HostDevice, store: PlanStore
) -> None:
    del runtime.library.module.TensorIOMode
    with pytest.raises(LibraryInterfaceError, match="TensorRT 10.7.0.23 does not work as expected.*TensorIO"):
        TensorrtEngine(fake_bundle, runtime.library, device, store)


def test_a_pass_without_memory_is_a_memory_error(engine: TensorrtEngine, runtime: StandInLibrary) -> None:
    runtime.engines["prefix"].complaint = "OutOfMemory: requested 8 GiB"
    with pytest.raises(
        EngineMemoryError, match="not enough memory for a pass of graph prefix.*end what else"
    ):
        engine.prefix(np.zeros((1, TOKENS, DIM), np.float32))


def test_a_gpu_without_room_is_refused_at_the_start_and_nothing_is_left_there(
    fake_bundle: Bundle, store: PlanStore
) -> None:
    device = HostDevice(limit=60_000)
    with pytest.raises(EngineMemoryError, match="not enough memory for .* of graph .*bytes are wanted"):
        TensorrtEngine(fake_bundle, StandInLibrary(device).library, device, store)
    assert device.allocated == 0


def test_memory_goes_back_with_the_engine(
    fake_bundle: Bundle, runtime: StandInLibrary, device: HostDevice, store: PlanStore
) -> None:
    engine = TensorrtEngine(fake_bundle, runtime.library, device, store)
    for _ in range(2):
        engine.vision(picture()[None], K)
    assert device.allocated and device.graphs
    del engine
    gc.collect()
    assert device.allocated == 0 and not device.graphs


def test_threads_take_turns(engine: TensorrtEngine, onnx_engine: OnnxEngine) -> None:
    windows = [window_of(engine, color) for color in ("red", "green", "blue")]
    text, length = np.array([[2, 5]]), np.array([2])
    expected = [onnx_engine.prompt(window, text, length) for window in windows]

    def ask(i: int) -> bool:
        return all(same(engine.prompt(windows[i], text, length), expected[i]) for _ in range(30))

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(ask, range(3)))


def test_it_says_what_runs_where(engine: TensorrtEngine) -> None:
    assert str(engine.describe()) == "tensorrt (TensorRT 10.7.0.23) on cuda (Stand-in)"


def test_a_plan_that_was_never_built_is_asked_for_by_command(
    fake_bundle: Bundle, runtime: StandInLibrary, device: HostDevice, tmp_path: Path
) -> None:
    command = f"ide3d build-engine --bundle {fake_bundle.folder}"
    with pytest.raises(MissingPlanError, match=f"no plan of graph vision of bundle 'fake'.*{command}"):
        TensorrtEngine(fake_bundle, runtime.library, device, PlanStore(tmp_path / "empty"))


def test_a_plan_of_another_gpu_is_refused_by_name(
    fake_bundle: Bundle, runtime: StandInLibrary, store: PlanStore
) -> None:
    other = dataclasses.replace(GPU, multiprocessors=16)
    with pytest.raises(
        PlanMismatchError, match="built for Stand-in.*8 multiprocessors instead of .*16 multi"
    ):
        TensorrtEngine(fake_bundle, runtime.library, HostDevice(other), store)


def test_a_plan_of_another_version_is_refused_by_name(
    fake_bundle: Bundle, runtime: StandInLibrary, device: HostDevice, store: PlanStore
) -> None:
    newer = dataclasses.replace(runtime.library, version="10.9.0.34")
    with pytest.raises(PlanMismatchError, match="built by tensorrt 10.7.0.23 instead of tensorrt 10.9.0.34"):
        TensorrtEngine(fake_bundle, newer, device, store)


def test_a_plan_with_changed_bytes_is_never_given_to_the_library(
    fake_bundle: Bundle, runtime: StandInLibrary, device: HostDevice, store: PlanStore
) -> None:
    plan = next(plan for plan in store.plans() if plan.record.key.graph == "step")
    data = bytearray(plan.file.read_bytes())
    data[5] ^= 1
    plan.file.write_bytes(data)
    with pytest.raises(CorruptPlanError, match="plan .*fake-step.* is damaged.*--force"):
        TensorrtEngine(fake_bundle, runtime.library, device, store)
    assert "step" not in runtime.engines


def test_a_plan_that_the_library_refuses_carries_its_complaint(
    fake_bundle: Bundle, runtime: StandInLibrary, device: HostDevice, store: PlanStore
) -> None:
    plan = next(plan for plan in store.plans() if plan.record.key.graph == "step")
    store.write("fake", plan.record.key, b"no plan at all", built="2026", build_s=1.0)
    with pytest.raises(CorruptPlanError, match="TensorRT 10.7.0.23 does not load it: Magic tag does not"):
        TensorrtEngine(fake_bundle, runtime.library, device, store)


def test_a_plan_with_other_tensors_is_refused_with_the_difference(
    bundle_copy: Path, fake_bundle: Bundle, runtime: StandInLibrary, device: HostDevice, tmp_path: Path
) -> None:
    model = onnx.load(bundle_copy / "prefix.onnx", load_external_data=False)
    for node in model.graph.node:
        node.output[:] = ["tilt" if name == "gravity" else name for name in node.output]
    model.graph.output[-1].name = "tilt"
    (bundle_copy / "prefix.onnx").write_bytes(model.SerializeToString())
    sealed = seal_bundle(bundle_copy, describe(fake_bundle.manifest.network.vocab))
    plans = stand_in_store(tmp_path / "plans", sealed, runtime.library)
    with pytest.raises(GraphInterfaceError, match="outputs are .*fields, tilt instead of .*fields, gravity"):
        TensorrtEngine(sealed, runtime.library, device, plans)
