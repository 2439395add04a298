# SPDX-License-Identifier: Apache-2.0
"""Damage to the bundle, an engine that does not start and a GPU that nothing uses are found."""

from __future__ import annotations

from pathlib import Path

from ide3d_ros.bundle import Bundle
from ide3d_ros.cli.doctor import model
from ide3d_ros.cli.doctor.findings import Level
from ide3d_ros.engine.errors import MissingPlanError, NoGpuError
from ide3d_ros.scene import Scene


def none(name: str) -> object:
    raise ImportError(f"No module named {name!r}")


def test_whole_bundle_is_opened_and_run(fake_bundle: Bundle) -> None:
    finding, bundle = model.check_bundle(str(fake_bundle.folder))
    assert finding.level is Level.OK and bundle is not None
    engine = model.check_engine(bundle)
    assert engine.level is Level.OK and "onnx" in engine.text


def test_damaged_bundle_is_found_and_not_run(bundle_copy: Path) -> None:
    weights = bundle_copy / "weights.bin"
    data = bytearray(weights.read_bytes())
    data[0] ^= 1
    weights.write_bytes(data)
    finding, bundle = model.check_bundle(str(bundle_copy))
    assert finding.level is Level.FAIL and "weights.bin" in finding.text and finding.fix
    assert bundle is None
    assert model.check_engine(bundle).level is Level.SKIP


def test_engine_that_does_not_start_is_found(fake_bundle: Bundle) -> None:
    def broken(folder: Path) -> Scene:
        raise RuntimeError("libonnxruntime.so: cannot open shared object file")

    finding = model.check_engine(fake_bundle, open_scene=broken)
    assert finding.level is Level.FAIL and "libonnxruntime.so" in finding.text and finding.fix


def test_engine_that_fails_in_use_is_found(fake_bundle: Bundle) -> None:
    def without_frames(folder: Path) -> Scene:
        scene = Scene.open(folder)
        scene.add_frame = lambda *_, **__: None
        return scene

    finding = model.check_engine(fake_bundle, open_scene=without_frames)
    assert finding.level is Level.FAIL and "NO_FRAMES" in finding.text


def test_gpu_that_nothing_uses_is_found() -> None:
    gpu, cpu_only = [Path("/dev/nvidia0")], ["CPUExecutionProvider"]
    assert model.check_gpu(gpu_files=[], providers=cpu_only, load=none).level is Level.OK
    idle = model.check_gpu(gpu_files=gpu, providers=cpu_only, load=none)
    assert idle.level is Level.WARN and "onnxruntime-gpu" in idle.fix
    used = model.check_gpu(gpu_files=gpu, providers=["CUDAExecutionProvider", *cpu_only], load=none)
    assert used.level is Level.OK


def test_tensorrt_is_named_where_it_is_installed() -> None:
    class TensorRt:
        __version__ = "10.7"

        class ILogger:
            pass

    found = model.check_gpu(
        gpu_files=[Path("/dev/nvidia0")], providers=["CUDAExecutionProvider"], load=lambda _: TensorRt
    )
    assert "TensorRT 10.7" in found.text


def test_tensorrt_alone_makes_use_of_a_gpu() -> None:
    class TensorRtRtx:
        __version__ = "1.7"

        class ILogger:
            pass

    def load(name: str) -> type:
        return TensorRtRtx if name == "tensorrt_rtx" else none(name)

    found = model.check_gpu(gpu_files=[Path("/dev/nvidia0")], providers=["CPUExecutionProvider"], load=load)
    assert (found.level, found.text) == (Level.OK, "TensorRT-RTX 1.7")


def test_every_engine_is_named_with_what_keeps_it(fake_bundle: Bundle) -> None:
    absent = NoGpuError("the driver sees none")
    finding = model.check_engines(fake_bundle, start_all=lambda _: {"tensorrt": absent, "onnx": None})
    assert finding.level is Level.OK
    assert finding.text == f"tensorrt: {absent.cause}; onnx: runs"


def test_an_engine_that_lacks_its_plans_alone_is_found_with_the_command(fake_bundle: Bundle) -> None:
    missing = MissingPlanError("fake", "vision", Path("plans"), "ide3d build-engine --bundle fake")
    finding = model.check_engines(fake_bundle, start_all=lambda _: {"tensorrt": missing, "onnx": None})
    assert finding.level is Level.WARN and "no plan of graph vision" in finding.text
    assert finding.fix == f"ide3d build-engine --bundle {fake_bundle.folder}"


def test_engines_are_not_started_without_a_bundle() -> None:
    assert model.check_engines(None).level is Level.SKIP
