# SPDX-License-Identifier: Apache-2.0
"""Choosing an engine says why, and what is missing."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from tensorrt_stand_in import HostDevice, StandInLibrary, stand_in_store

from ide3d_ros.bundle import Bundle
from ide3d_ros.engine import EngineError, select_engine, tensorrt_engine
from ide3d_ros.engine.errors import MissingRuntimeError, NoGpuError, UnknownEngineError
from ide3d_ros.engine.plan_store import PlanStore
from ide3d_ros.engine.selection import ENGINE_NAMES, why_not
from ide3d_ros.engine.tensorrt_engine import TensorrtEngine
from ide3d_ros.scene import Scene


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise NoGpuError("the driver sees none")

    monkeypatch.setattr(tensorrt_engine, "CudaDevice", none)


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give this machine a GPU, a TensorRT and an empty plan folder."""
    device = HostDevice()
    library = StandInLibrary(device).library
    monkeypatch.setattr(tensorrt_engine, "CudaDevice", lambda: device)
    monkeypatch.setattr(tensorrt_engine, "load_tensorrt", lambda: library)
    monkeypatch.setenv("IDE3D_PLANS", str(tmp_path / "plans"))
    return tmp_path / "plans"


@pytest.mark.usefixtures("without_gpu")
def test_auto_takes_onnx_where_there_is_no_gpu_and_says_why(fake_bundle: Bundle) -> None:
    selection = select_engine(fake_bundle, threads=1)
    assert selection.engine.describe().engine == "onnx"
    assert "auto" in selection.reason and "onnxruntime" in selection.reason
    assert selection.reason.endswith(
        "as tensorrt does not run here: there is no NVIDIA GPU that CUDA can use: the driver sees none"
    )
    assert not selection.is_fallback


def test_auto_takes_tensorrt_where_its_plans_are(fake_bundle: Bundle, plans: Path) -> None:
    library = tensorrt_engine.load_tensorrt()
    stand_in_store(plans, fake_bundle, library)
    selection = select_engine(fake_bundle)
    assert isinstance(selection.engine, TensorrtEngine)
    assert selection.reason == f"engine {selection.engine.describe()}: chosen by 'auto'"
    assert not selection.is_fallback


def test_auto_falls_back_from_tensorrt_without_plans_with_the_command(
    fake_bundle: Bundle, plans: Path
) -> None:
    selection = select_engine(fake_bundle)
    assert selection.engine.describe().engine == "onnx"
    assert selection.is_fallback
    assert f"no plan of graph vision of bundle 'fake' lies in {plans}" in selection.reason
    assert f"ide3d build-engine --bundle {fake_bundle.folder}" in selection.reason


def test_auto_falls_back_from_a_library_that_breaks_its_word(
    fake_bundle: Bundle, plans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tensorrt_engine.load_tensorrt()
    stand_in_store(plans, fake_bundle, library)
    monkeypatch.delattr(library.module, "Runtime")
    selection = select_engine(fake_bundle)
    assert selection.is_fallback and "TensorRT 10.7.0.23 does not work as expected" in selection.reason


def test_a_scene_says_once_that_it_fell_back(
    fake_bundle: Bundle, plans: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        Scene.open(fake_bundle.folder)
    (record,) = caplog.records
    assert "tensorrt does not run here: no plan" in record.getMessage()


def test_every_engine_says_what_keeps_it(fake_bundle: Bundle, plans: Path) -> None:
    found = why_not(fake_bundle)
    assert list(found) == list(ENGINE_NAMES[1:])
    assert found["onnx"] is None
    assert "no plan of graph vision" in str(found["tensorrt"])


def test_an_engine_asked_for_by_name_says_so(fake_bundle: Bundle) -> None:
    assert "asked for by name" in select_engine(fake_bundle, "onnx", threads=1).reason


def test_an_engine_asked_for_by_name_has_no_fallback(fake_bundle: Bundle, plans: Path) -> None:
    with pytest.raises(EngineError, match="no plan of graph vision"):
        select_engine(fake_bundle, "tensorrt")
    assert not PlanStore(plans).plans()  # nothing was built


def test_threads_reach_the_engine(fake_bundle: Bundle) -> None:
    assert select_engine(fake_bundle, "onnx", threads=1).engine.describe().threads == 1


def test_an_unknown_engine_lists_the_known_ones(fake_bundle: Bundle) -> None:
    with pytest.raises(UnknownEngineError, match="'warp'; choose one of: auto, tensorrt, .*onnx"):
        select_engine(fake_bundle, "warp")


def test_a_missing_runtime_names_the_package_and_the_command(
    fake_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "ide3d_ros.engine.onnx_engine", raising=False)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # what an absent package looks like to `import`
    with pytest.raises(
        MissingRuntimeError, match="needs the Python package onnxruntime.*pip install onnxruntime"
    ):
        select_engine(fake_bundle, "onnx")


def test_every_failure_is_an_engine_error() -> None:
    for kind in (MissingRuntimeError, UnknownEngineError, NoGpuError):
        assert issubclass(kind, EngineError)
