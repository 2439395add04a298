# SPDX-License-Identifier: Apache-2.0
"""One TensorRT is found, whichever it is; and the parts that the engine calls are parts of the real ones."""

from __future__ import annotations

import inspect
import re
from types import SimpleNamespace

import pytest
import tensorrt_stand_in

from ide3d_ros.engine import cuda_device
from ide3d_ros.engine.cuda_device import CudaDevice
from ide3d_ros.engine.errors import LibraryInterfaceError, MissingRuntimeError, NoGpuError
from ide3d_ros.engine.tensorrt_library import TensorRt, load_tensorrt


class Logger:
    class Severity:
        INTERNAL_ERROR, ERROR, WARNING, INFO = range(4)


def machine_with(**versions: str):
    """Make an import function of a machine on which these libraries are installed."""

    def load(name: str) -> SimpleNamespace:
        if name not in versions:
            raise ImportError(f"No module named {name!r}")
        return SimpleNamespace(__version__=versions[name], ILogger=Logger)

    return load


def test_the_library_for_this_gpu_comes_before_the_portable_one() -> None:
    both = load_tensorrt(machine_with(tensorrt="10.3.0", tensorrt_rtx="1.7.1.116"))
    assert (str(both), both.is_portable) == ("TensorRT 10.3.0", False)
    alone = load_tensorrt(machine_with(tensorrt_rtx="1.7.1.116"))
    assert (str(alone), alone.is_portable) == ("TensorRT-RTX 1.7.1.116", True)


def test_a_machine_without_any_says_what_was_tried_and_how_to_install_one() -> None:
    with pytest.raises(
        MissingRuntimeError, match="No module named 'tensorrt'.*'tensorrt_rtx'.*python3-libnvinfer"
    ):
        load_tensorrt(machine_with())


def test_an_old_library_is_refused_with_its_version() -> None:
    with pytest.raises(MissingRuntimeError, match="tensorrt: version 8.6.2 is older than 10.1"):
        load_tensorrt(machine_with(tensorrt="8.6.2"))
    assert str(load_tensorrt(machine_with(tensorrt="11.4.0.106"))) == "TensorRT 11.4.0.106"


def test_a_library_whose_parts_are_missing_is_passed_over() -> None:
    def load(name: str) -> SimpleNamespace:
        if name == "tensorrt":
            raise OSError("libnvinfer.so.11: cannot open shared object file")
        return machine_with(tensorrt_rtx="1.7")(name)

    assert load_tensorrt(load).name == "tensorrt_rtx"


def test_complaints_are_kept_and_taken_once() -> None:
    library = load_tensorrt(machine_with(tensorrt="10.3.0"))
    library.logger.log(Logger.Severity.WARNING, "a warning")
    library.logger.log(Logger.Severity.ERROR, "first\n  line")
    library.logger.log(Logger.Severity.INTERNAL_ERROR, "second")
    assert library.take_complaints() == "first line; second"
    assert library.take_complaints() == ""


def test_what_a_binding_raises_is_an_engine_error() -> None:
    library = load_tensorrt(machine_with(tensorrt="10.3.0"))
    with pytest.raises(LibraryInterfaceError, match="TensorRT 10.3.0 does not work.*AttributeError.*Runtime"):
        with library.translating():
            library.module.Runtime(library.logger)


def test_the_real_library_keeps_its_complaints(tensorrt: TensorRt) -> None:
    tensorrt.take_complaints()
    assert tensorrt.module.Runtime(tensorrt.logger).deserialize_cuda_engine(b"no plan") is None
    assert tensorrt.take_complaints()


def test_the_stand_in_offers_nothing_that_the_real_library_lacks(tensorrt: TensorRt) -> None:
    pairs = {"Engine": "ICudaEngine", "Context": "IExecutionContext"}
    for ours, theirs in pairs.items():
        members = vars(getattr(tensorrt_stand_in, ours))
        called = {name for name in members if not name.startswith("_")} - {"graph", "library"}
        assert called <= set(dir(getattr(tensorrt.module, theirs))), ours
    for ours, theirs in (("Strategy", "ExecutionContextAllocationStrategy"), ("Mode", "TensorIOMode")):
        for member in getattr(tensorrt_stand_in, ours):
            assert hasattr(getattr(tensorrt.module, theirs), member.name)
    for member in tensorrt_stand_in.Type:
        assert hasattr(tensorrt.module.DataType, member.name)


def test_a_portable_library_has_what_the_engine_asks_of_it(tensorrt: TensorRt) -> None:
    if not tensorrt.is_portable:
        pytest.skip(f"{tensorrt} is not the portable one")
    config = dir(tensorrt.module.IRuntimeConfig)
    assert {"set_execution_context_allocation_strategy", "cuda_graph_strategy"} <= set(config)
    assert hasattr(tensorrt.module.CudaGraphStrategy, "WHOLE_GRAPH_CAPTURE")
    assert hasattr(tensorrt.module.ICudaEngine, "create_runtime_config")


def test_the_driver_calls_are_those_of_cuda_bindings() -> None:
    driver = pytest.importorskip("cuda.bindings.driver", reason="cuda-bindings is not installed")
    source = inspect.getsource(cuda_device)
    called = set(re.findall(r'"(cu[A-Z]\w+)"', source)) | set(re.findall(r"_?driver\.(\w+)", source))
    assert {"cuMemAlloc", "cuGraphLaunch", "CUresult", "CUstreamCaptureMode"} <= called
    assert [name for name in called if not hasattr(driver, name)] == []
    for kind, member in re.findall(r"\b(CU[a-z]\w+)\.(CU\w+)", source):
        assert hasattr(getattr(driver, kind), member)
    for member in re.findall(r"attribute\.(CU_DEVICE_\w+)", source):
        assert hasattr(driver.CUdevice_attribute, member)


def test_a_machine_without_a_driver_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_device, "_DRIVER_LIBRARY", "libcuda_of_nobody.so.1")
    with pytest.raises(NoGpuError, match="libcuda_of_nobody.so.1 does not load; see whether nvidia-smi"):
        CudaDevice()
