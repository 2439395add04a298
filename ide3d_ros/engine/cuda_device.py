# SPDX-License-Identifier: Apache-2.0
"""The GPU's memory, stream and graphs, as much of CUDA as the tensorrt engine needs.

It speaks to the driver through cuda-bindings, NVIDIA's own Python package: that needs the driver alone and no
CUDA toolkit, so that the same code serves a workstation and a Jetson. TensorRT works in the device's primary
context; so does this.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ide3d_ros.engine.errors import CudaError, EngineMemoryError, MissingRuntimeError, NoGpuError

_DRIVER_LIBRARY = "libcuda.so.1"
_MIB = 1 << 20


@dataclass(frozen=True)
class Gpu:
    """Name a GPU by what a plan depends on.

    Attributes:
        name: of the model, as the driver gives it.
        compute_capability: major and minor number.
        multiprocessors: models of one name (Orin, say) differ in it.
    """

    name: str
    compute_capability: tuple[int, int]
    multiprocessors: int

    def __str__(self) -> str:
        major, minor = self.compute_capability
        return f"{self.name}, compute capability {major}.{minor}, {self.multiprocessors} multiprocessors"


class Device(Protocol):
    """One GPU with one stream, on which everything runs in order. Addresses are plain numbers."""

    gpu: Gpu
    stream: int

    def activate(self) -> None:
        """Make the device the calling thread's own."""

    def free_bytes(self) -> int:
        """Return the device memory that is free."""

    def allocate(self, size: int, what: str) -> int:
        """Return the address of `size` bytes; raises EngineMemoryError, which names what they were for."""

    def release(self, address: int) -> None:
        """Free what `allocate` gave."""

    def upload(self, address: int, array: np.ndarray) -> None:
        """Queue a copy of a contiguous array to the device."""

    def download(self, array: np.ndarray, address: int) -> None:
        """Queue a copy from the device into a contiguous array; it is there after `synchronize`."""

    def synchronize(self) -> None:
        """Wait until everything queued is done."""

    def capture(self, enqueue: Callable[[], None]) -> Any:
        """Record what a function queues, without running it, as a graph; raises CudaError."""

    def launch(self, graph: Any) -> None:
        """Queue a recorded graph."""

    def release_graph(self, graph: Any) -> None:
        """Free a recorded graph."""


class CudaDevice:
    """The first GPU that this process may use; CUDA_VISIBLE_DEVICES chooses another.

    Raises:
        NoGpuError: if there is no driver, or it sees no GPU.
        MissingRuntimeError: if cuda-bindings does not load.
        CudaError: if the driver refuses to work.
    """

    def __init__(self) -> None:
        try:
            ctypes.CDLL(_DRIVER_LIBRARY)  # at once, where the package below would search first
        except OSError as error:
            raise NoGpuError(f"the driver's library {_DRIVER_LIBRARY} does not load") from error
        try:
            from cuda.bindings import driver

            status, *_ = driver.cuInit(0)
        except Exception as error:  # a package for another CUDA raises what it likes
            raise MissingRuntimeError(
                "tensorrt",
                "cuda-bindings",
                str(error),
                "python3 -m pip install cuda-bindings (with CUDA 12: 'cuda-bindings==12.*')",
            ) from error
        self._driver = driver
        if status != driver.CUresult.CUDA_SUCCESS:
            raise NoGpuError(f"the driver says {self._explain(status)}")
        if self._call("cuDeviceGetCount") == 0:
            raise NoGpuError("the driver sees none")
        device = self._call("cuDeviceGet", 0)
        attribute = driver.CUdevice_attribute
        self.gpu = Gpu(
            self._call("cuDeviceGetName", 128, device).split(b"\0")[0].decode(errors="replace"),
            (
                self._call(
                    "cuDeviceGetAttribute", attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device
                ),
                self._call(
                    "cuDeviceGetAttribute", attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device
                ),
            ),
            self._call("cuDeviceGetAttribute", attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device),
        )
        self._context = self._call("cuDevicePrimaryCtxRetain", device)
        self.activate()
        self._stream = self._call("cuStreamCreate", driver.CUstream_flags.CU_STREAM_NON_BLOCKING.value)
        self.stream = int(self._stream)

    def activate(self) -> None:
        """See `Device.activate`."""
        self._call("cuCtxSetCurrent", self._context)

    def free_bytes(self) -> int:
        """See `Device.free_bytes`."""
        return self._call("cuMemGetInfo")[0]

    def allocate(self, size: int, what: str) -> int:
        """See `Device.allocate`."""
        status, address = self._driver.cuMemAlloc(size)
        if status == self._driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
            raise EngineMemoryError(
                what, f"{size / _MIB:.0f} MiB are wanted and {self.free_bytes() / _MIB:.0f} MiB are free"
            )
        self._check("cuMemAlloc", status)
        return int(address)

    def release(self, address: int) -> None:
        """See `Device.release`."""
        self._call("cuMemFree", address)

    def upload(self, address: int, array: np.ndarray) -> None:
        """See `Device.upload`."""
        self._call("cuMemcpyHtoDAsync", address, array.ctypes.data, array.nbytes, self._stream)

    def download(self, array: np.ndarray, address: int) -> None:
        """See `Device.download`."""
        self._call("cuMemcpyDtoHAsync", array.ctypes.data, address, array.nbytes, self._stream)

    def synchronize(self) -> None:
        """See `Device.synchronize`."""
        self._call("cuStreamSynchronize", self._stream)

    def capture(self, enqueue: Callable[[], None]) -> Any:
        """See `Device.capture`."""
        mode = self._driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._call("cuStreamBeginCapture", self._stream, mode)
        try:
            enqueue()
        finally:  # the stream must be left as it was, whatever happened
            status, recorded = self._driver.cuStreamEndCapture(self._stream)
        self._check("cuStreamEndCapture", status)
        try:
            return self._call("cuGraphInstantiate", recorded, 0)
        finally:
            self._call("cuGraphDestroy", recorded)

    def launch(self, graph: Any) -> None:
        """See `Device.launch`."""
        self._call("cuGraphLaunch", graph, self._stream)

    def release_graph(self, graph: Any) -> None:
        """See `Device.release_graph`."""
        self._call("cuGraphExecDestroy", graph)

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call the driver; return its result, a tuple of them, or None."""
        status, *values = getattr(self._driver, name)(*arguments)
        self._check(name, status)
        return values[0] if len(values) == 1 else tuple(values) or None

    def _check(self, name: str, status: Any) -> None:
        if status == self._driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
            raise EngineMemoryError(name, self._explain(status))
        if status != self._driver.CUresult.CUDA_SUCCESS:
            raise CudaError(name, self._explain(status))

    def _explain(self, status: Any) -> str:
        found, text = self._driver.cuGetErrorString(status)
        return text.decode() if found == self._driver.CUresult.CUDA_SUCCESS and text else str(status)
