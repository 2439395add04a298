# SPDX-License-Identifier: Apache-2.0
"""A GPU of host memory and a TensorRT that runs plans with onnxruntime, where no GPU is.

A plan of this library names an ONNX file. What the engine does around TensorRT is all real: plans come out of
a plan store, shapes are set, arrays are copied to addresses and back, launches are recorded and played again.
The stand-in refuses what a GPU would punish: a copy or a pass outside a buffer, two passes at once, and a
recording whose context was given other shapes since.
"""

from __future__ import annotations

import ctypes
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime

from ide3d_ros.bundle import Bundle
from ide3d_ros.engine.cuda_device import Gpu
from ide3d_ros.engine.errors import CudaError, EngineMemoryError
from ide3d_ros.engine.plan_key import key_of
from ide3d_ros.engine.plan_store import PlanStore
from ide3d_ros.engine.tensorrt_library import TensorRt

GPU = Gpu("Stand-in", (8, 7), 8)
SCRATCH = 4096


class HostDevice:
    """Keep device memory in host memory.

    Attributes:
        uploads: bytes of each copy to the device, in order.
        launches: how often a recorded launch was played.
        limit: bytes that can be allocated.
        can_record: whether launches can be recorded.
        can_copy: whether copies to the device succeed.
    """

    def __init__(self, gpu: Gpu = GPU, limit: int = 1 << 30):
        self.gpu, self.stream, self.limit = gpu, 7, limit
        self.uploads: list[int] = []
        self.launches = 0
        self.can_record = self.can_copy = True
        self._user: int | None = None
        self.graphs: list[list[Callable[[], None]]] = []
        self.recording: list[Callable[[], None]] | None = None
        self._memory: dict[int, np.ndarray] = {}

    @property
    def allocated(self) -> int:
        return sum(len(one) for one in self._memory.values())

    def activate(self) -> None:
        pass

    def free_bytes(self) -> int:
        return self.limit - self.allocated

    def allocate(self, size: int, what: str) -> int:
        if size > self.free_bytes():
            raise EngineMemoryError(what, f"{size} bytes are wanted and {self.free_bytes()} are free")
        memory = np.full(size, 0xAA, np.uint8)
        self._memory[memory.ctypes.data] = memory
        return memory.ctypes.data

    def release(self, address: int) -> None:
        del self._memory[address]

    def upload(self, address: int, array: np.ndarray) -> None:
        self.check(address, array.nbytes)
        assert array.flags.c_contiguous
        # From its first copy until it waits, a pass has the stream and the buffers to itself.
        assert self._user in (None, threading.get_ident()), "two passes at once"
        self._user = threading.get_ident()
        time.sleep(0)
        if not self.can_copy:
            raise CudaError("cuMemcpyHtoDAsync", "unspecified launch failure")
        self.uploads.append(array.nbytes)
        ctypes.memmove(address, array.ctypes.data, array.nbytes)

    def download(self, array: np.ndarray, address: int) -> None:
        self.check(address, array.nbytes)
        ctypes.memmove(array.ctypes.data, address, array.nbytes)

    def synchronize(self) -> None:
        self._user = None

    def capture(self, enqueue: Callable[[], None]) -> Any:
        if not self.can_record:
            raise CudaError("cuStreamEndCapture", "operation not permitted when stream is capturing")
        self.recording = []
        enqueue()
        recorded, self.recording = self.recording, None
        self.graphs.append(recorded)
        return recorded

    def launch(self, graph: list[Callable[[], None]]) -> None:
        self.launches += 1
        for call in graph:
            call()

    def release_graph(self, graph: Any) -> None:
        self.graphs.remove(graph)

    def check(self, address: int, size: int) -> None:
        assert size <= len(self._memory[address]), f"{size} bytes in a buffer of {len(self._memory[address])}"


class Strategy(Enum):
    USER_MANAGED = 1


class Mode(Enum):
    INPUT = 1
    OUTPUT = 2


class Type(Enum):
    FLOAT = "tensor(float)"
    HALF = "tensor(float16)"
    INT64 = "tensor(int64)"
    INT32 = "tensor(int32)"
    INT8 = "tensor(int8)"
    UINT8 = "tensor(uint8)"
    BOOL = "tensor(bool)"


class Context:
    """Run an ONNX graph over addresses."""

    def __init__(self, engine: Engine):
        self._engine, self._addresses, self._shapes, self._version = engine, {}, {}, 0
        self._lent = 0

    def set_device_memory(self, address: int, size: int) -> None:
        self._engine.device.check(address, size)
        self._lent = size

    def set_tensor_address(self, name: str, address: int) -> None:
        self._addresses[name] = address

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        wanted = self._engine.tensors[name].shape
        fits = len(shape) == len(wanted) and all(
            n == m or not isinstance(m, int) for n, m in zip(shape, wanted, strict=True)
        )
        if fits:
            self._shapes[name] = shape
            self._version += 1
        return fits

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._run()[name].shape  # onnxruntime knows no other way to tell

    def execute_async_v3(self, stream: int) -> bool:
        assert stream == self._engine.device.stream and self._lent
        if self._engine.complaint:
            self._engine.library.complaints.append(self._engine.complaint)
            return False
        version = self._version

        def call() -> None:
            assert self._version == version, "the context's shapes have changed since it was recorded"
            self._engine.library.passes[self._engine.graph] += 1
            for name, array in self._run().items():
                self._engine.device.check(self._addresses[name], array.nbytes)
                ctypes.memmove(self._addresses[name], np.ascontiguousarray(array).ctypes.data, array.nbytes)

        if self._engine.device.recording is not None:
            self._engine.device.recording.append(call)
        else:
            call()
        return True

    def _run(self) -> dict[str, np.ndarray]:
        feeds = {}
        for tensor in self._engine.session.get_inputs():
            dtype = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(uint8)": np.uint8}
            array = np.empty(self._shapes[tensor.name], dtype[tensor.type])
            self._engine.device.check(self._addresses[tensor.name], array.nbytes)
            ctypes.memmove(array.ctypes.data, self._addresses[tensor.name], array.nbytes)
            feeds[tensor.name] = array
        names = [tensor.name for tensor in self._engine.session.get_outputs()]
        return dict(zip(names, self._engine.session.run(names, feeds), strict=True))


class Engine:
    """Hold a deserialised plan."""

    device_memory_size_v2 = SCRATCH

    def __init__(self, library: StandInLibrary, plan: dict[str, str]):
        self.library, self.device, self.graph = library, library.device, plan["graph"]
        self.complaint = ""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(plan["onnx"], options)
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        self.tensors = {one.name: one for one in (*inputs, *outputs)}
        self._modes = {one.name: Mode.INPUT for one in inputs} | {one.name: Mode.OUTPUT for one in outputs}
        self.num_io_tensors = len(self.tensors)

    def get_tensor_name(self, i: int) -> str:
        return list(self.tensors)[i]

    def get_tensor_mode(self, name: str) -> Mode:
        return self._modes[name]

    def get_tensor_dtype(self, name: str) -> Type:
        return Type(self.tensors[name].type)

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(n if isinstance(n, int) else -1 for n in self.tensors[name].shape)

    def create_execution_context(self, strategy: Strategy) -> Context:
        assert strategy is Strategy.USER_MANAGED
        self.library.contexts += 1
        return Context(self)


class StandInLibrary:
    """Make the parts of TensorRT 10.7 that run plans.

    Attributes:
        passes: how often each graph ran.
        contexts: how many were made.
        engines: deserialised so far, by graph.
    """

    def __init__(self, device: HostDevice):
        self.device, self.passes, self.contexts = device, Counter(), 0
        self.complaints: deque[str] = deque()
        self.engines: dict[str, Engine] = {}
        module = SimpleNamespace(
            Runtime=lambda _logger: SimpleNamespace(deserialize_cuda_engine=self._deserialize),
            ExecutionContextAllocationStrategy=Strategy,
            TensorIOMode=Mode,
            DataType=Type,
        )
        self.library = TensorRt(module, "tensorrt", "10.7.0.23", None, self.complaints)

    def _deserialize(self, data: bytes) -> Engine | None:
        try:
            engine = Engine(self, json.loads(data))
        except ValueError:
            self.complaints.append("Magic tag does not match")
            return None
        self.engines[engine.graph] = engine
        return engine


def write_plans(bundle: Bundle, library: TensorRt, gpu: Gpu, store: PlanStore) -> None:
    """Fill a store with what the stand-in takes for a bundle's plans."""
    for graph in bundle.manifest.graphs.by_name():
        data = json.dumps({"graph": graph, "onnx": str(bundle.graph_file(graph))}).encode()
        key = key_of(bundle.manifest, graph, library, gpu)
        store.write(bundle.name, key, data, built="2026-01-01T00:00:00Z", build_s=1.0)


def stand_in_store(folder: Path, bundle: Bundle, library: TensorRt, gpu: Gpu = GPU) -> PlanStore:
    """Make a store in a folder and fill it."""
    store = PlanStore(folder)
    write_plans(bundle, library, gpu, store)
    return store
