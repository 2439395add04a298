# SPDX-License-Identifier: Apache-2.0
"""One graph on the GPU: its plan, its buffers, and recorded launches for shapes that come back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ide3d_ros.bundle import Manifest
from ide3d_ros.engine.cuda_device import Device
from ide3d_ros.engine.errors import CudaError, EngineError, EngineMemoryError, EngineRunError
from ide3d_ros.engine.tensorrt_building import is_out_of_memory
from ide3d_ros.engine.tensorrt_library import TensorRt
from ide3d_ros.engine.tensorrt_profile import (
    Shape,
    check_lengths,
    free_lengths,
    output_shape,
    read_lengths,
)

MAX_RECORDED = 64
"""Shapes of a graph whose launch is kept recorded; answers of a robot's usual questions need about twenty."""
_MAX_SEEN = 1024

Signature = tuple[Shape, ...]


@dataclass(eq=False)
class Buffer:
    """Hold a place on the device.

    Attributes:
        address: where it begins.
        keeps: whether it is known what lies there, so that an array that comes again is not sent again.
        holds: the array that lies there, where that is known.
    """

    address: int
    keeps: bool = False
    holds: np.ndarray | None = None


class DeviceMemory:
    """Own device buffers and recorded launches until `release`."""

    def __init__(self, device: Device):
        self._device = device
        self._addresses: list[int] = []
        self._graphs: list[Any] = []

    def allocate(self, size: int, what: str) -> int:
        """Return the address of a buffer; see `Device.allocate`."""
        address = self._device.allocate(max(size, 1), what)
        self._addresses.append(address)
        return address

    def keep_graph(self, graph: Any) -> None:
        """Own a recorded launch."""
        self._graphs.append(graph)

    def drop_graph(self, graph: Any) -> None:
        """Free one recorded launch."""
        self._graphs.remove(graph)
        self._device.release_graph(graph)

    def release(self) -> None:
        """Free everything."""
        self._device.activate()
        self._device.synchronize()
        while self._graphs:
            self._device.release_graph(self._graphs.pop())
        while self._addresses:
            self._device.release(self._addresses.pop())


@dataclass(frozen=True, eq=False)
class _Recording:
    """Hold a recorded launch; the context must live as long, as TensorRT keeps what it points to there."""

    context: Any
    graph: Any


class GraphPass:
    """Run one graph. Not safe to call from several threads: all passes share a stream and scratch memory.

    TensorRT launches dozens of kernels for a pass, which takes the CPU longer than the GPU needs for a step
    of a small network. So a shape that comes a second time is recorded as a CUDA graph, with a context of its
    own as TensorRT wants it, and launched at once from then on. TensorRT-RTX does the same by itself.

    Args:
        graph: name.
        plan: a deserialised engine of TensorRT's.
        manifest: of the bundle.
        library: the plan's.
        device: that runs it.
        memory: owner of recorded launches.
        buffers: of all inputs and outputs by name, each large enough for the greatest shape; passes may
            share those that keep an input.
        scratch: address of `scratch_bytes(plan)` that no other pass uses at the same time.
    """

    def __init__(
        self,
        graph: str,
        plan: Any,
        manifest: Manifest,
        library: TensorRt,
        device: Device,
        memory: DeviceMemory,
        *,
        buffers: Mapping[str, Buffer],
        scratch: int,
    ):
        self._graph, self._plan, self._library = graph, plan, library
        self._device, self._memory = device, memory
        self._spec = manifest.graphs.by_name()[graph]
        self._tokens, self._allowed = manifest.network.tokens, free_lengths(manifest)
        self._buffers, self._scratch = buffers, scratch
        self._context = self._make_context()
        self._seen: OrderedDict[Signature, None] = OrderedDict()
        self._recorded: OrderedDict[Signature, _Recording | None] = OrderedDict()

    def run(self, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Run the graph.

        Args:
            feeds: an array for each input; none is ever written again, so that the same one holds the same.

        Returns:
            The outputs in the manifest's order.

        Raises:
            EngineRunError: if an array does not fit the graph, or the pass fails.
            EngineMemoryError: if the device's memory does not suffice.
            CudaError: if the device fails.
        """
        lengths = self._check(feeds)
        sent = []  # a copy that is under way needs its array
        for tensor in self._spec.inputs:
            buffer, array = self._buffers[tensor.name], feeds[tensor.name]
            if buffer.holds is array:
                continue
            buffer.holds = None  # until the copy is on its way
            sent.append(np.ascontiguousarray(array))
            self._device.upload(buffer.address, sent[-1])
            if buffer.keeps:
                buffer.holds = array
        shapes = {name: array.shape for name, array in feeds.items()}
        outputs = [
            np.empty(output_shape(tensor, lengths, self._tokens), tensor.dtype)
            for tensor in self._spec.outputs
        ]
        self._launch(shapes, outputs)
        for tensor, output in zip(self._spec.outputs, outputs, strict=True):
            self._device.download(output, self._buffers[tensor.name].address)
        self._device.synchronize()
        return outputs

    def _check(self, feeds: Mapping[str, np.ndarray]) -> dict[str, int]:
        for tensor in self._spec.inputs:
            if feeds[tensor.name].dtype != tensor.dtype:
                found = feeds[tensor.name].dtype
                raise EngineRunError(self._graph, f"{tensor.name} is {found} instead of {tensor.dtype}")
        try:
            lengths = read_lengths(
                self._graph, self._spec.inputs, {name: array.shape for name, array in feeds.items()}
            )
            check_lengths(lengths, self._allowed)
        except ValueError as error:
            raise EngineRunError(self._graph, str(error)) from error
        return lengths

    def _launch(self, shapes: Mapping[str, Shape], outputs: list[np.ndarray]) -> None:
        signature = tuple(shapes[tensor.name] for tensor in self._spec.inputs)
        recording = self._recorded.get(signature)
        if recording is not None:
            self._recorded.move_to_end(signature)
            self._device.launch(recording.graph)
            return
        returns = signature in self._seen and signature not in self._recorded
        self._seen[signature] = None
        if len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        if returns and not self._library.is_portable:
            self._record(signature, shapes, outputs)
        else:
            self._enqueue(self._context, shapes, outputs)

    def _enqueue(self, context: Any, shapes: Mapping[str, Shape], outputs: list[np.ndarray]) -> None:
        for name, shape in shapes.items():
            if not context.set_input_shape(name, shape):
                raise self._failure(f"{name} cannot have shape {list(shape)}")
        for tensor, output in zip(self._spec.outputs, outputs, strict=True):
            planned = tuple(context.get_tensor_shape(tensor.name))
            if planned != output.shape:  # it would write past the end of a buffer
                raise self._failure(f"{tensor.name} would have shape {planned} instead of {output.shape}")
        self._execute(context)

    def _execute(self, context: Any) -> None:
        if not context.execute_async_v3(self._device.stream):
            raise self._failure("TensorRT did not start it")

    def _record(self, signature: Signature, shapes: Mapping[str, Shape], outputs: list[np.ndarray]) -> None:
        """Run a shape in a context of its own, then record what it launches.

        A graph that cannot be recorded (loops, say), or has no memory left for it, runs as before.
        """
        self._recorded[signature] = None
        try:
            context = self._make_context()
        except EngineMemoryError:
            self._enqueue(self._context, shapes, outputs)
            return
        # Once without recording: TensorRT and the driver put off work until the first launch.
        self._enqueue(context, shapes, outputs)
        try:
            recorded = self._device.capture(lambda: self._execute(context))
        except (CudaError, EngineMemoryError, EngineRunError):
            return
        self._memory.keep_graph(recorded)
        self._recorded[signature] = _Recording(context, recorded)
        if len(self._recorded) > MAX_RECORDED:
            _, oldest = self._recorded.popitem(last=False)
            if oldest is not None:
                self._device.synchronize()
                self._memory.drop_graph(oldest.graph)

    def _make_context(self) -> Any:
        trt = self._library.module
        lent = trt.ExecutionContextAllocationStrategy.USER_MANAGED
        if self._library.is_portable:
            config = self._plan.create_runtime_config()
            config.set_execution_context_allocation_strategy(lent)
            if hasattr(trt, "CudaGraphStrategy"):
                config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
            context = self._plan.create_execution_context(config)
        else:
            context = self._plan.create_execution_context(lent)
        if context is None:
            cause = self._library.take_complaints() or "TensorRT makes no execution context"
            raise EngineMemoryError(f"graph {self._graph}", cause)
        context.set_device_memory(self._scratch, scratch_bytes(self._plan))
        for name, buffer in self._buffers.items():
            context.set_tensor_address(name, buffer.address)
        return context

    def _failure(self, otherwise: str) -> EngineError:
        complaints = self._library.take_complaints()
        if is_out_of_memory(complaints):
            return EngineMemoryError(f"a pass of graph {self._graph}", complaints)
        return EngineRunError(self._graph, f"{otherwise} ({complaints})" if complaints else otherwise)


def scratch_bytes(plan: Any) -> int:
    """Return the scratch memory that a pass of a deserialised engine needs."""
    return int(plan.device_memory_size_v2)
