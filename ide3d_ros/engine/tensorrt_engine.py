# SPDX-License-Identifier: Apache-2.0
"""The tensorrt engine: plans from the plan store, run on the GPU by TensorRT 10, 11 or TensorRT-RTX.

Nothing is built here: `ide3d build-engine` does that, and a plan that is missing or was built for something
else is refused.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np

from ide3d_ros.bundle import Bundle
from ide3d_ros.bundle.manifest import GraphFile
from ide3d_ros.engine.bindings import Binding, find_differences
from ide3d_ros.engine.cuda_device import CudaDevice, Device
from ide3d_ros.engine.errors import CorruptPlanError, EngineMemoryError, GraphInterfaceError
from ide3d_ros.engine.plan_store import PlanStore, StoredPlan, build_command
from ide3d_ros.engine.protocol import EngineDescription, Prefix, PromptOutput, StepOutput
from ide3d_ros.engine.tensorrt_building import dtype_name, free_shape, is_out_of_memory
from ide3d_ros.engine.tensorrt_library import TensorRt, load_tensorrt
from ide3d_ros.engine.tensorrt_pass import Buffer, DeviceMemory, GraphPass, scratch_bytes
from ide3d_ros.engine.tensorrt_profile import MAX_PROMPTS, greatest_bytes, input_profiles

_WINDOW = ("key", "value", "pointer_key")
"""Inputs of prompt and step that change with the window alone; the two share buffers, and it is sent once."""


class TensorrtEngine:
    """Run a bundle's plans with TensorRT.

    Buffers for the greatest shapes are allocated at the start, so that a robot which starts has the memory
    that it will ever need. One pass runs at a time.

    Args:
        bundle: an opened bundle.
        library: the TensorRT to use.
        device: the GPU to use.
        store: where the plans lie.

    Raises:
        MissingPlanError: if a graph has no plan.
        PlanMismatchError: if its plan was built for something else.
        CorruptPlanError: if its plan is damaged.
        GraphInterfaceError: if the plan's tensors are not those of the manifest.
        EngineMemoryError: if the GPU's memory does not suffice.
        EngineRunError: if a graph does not run here.
        LibraryInterfaceError: if the library is not the one that it seems to be.
    """

    def __init__(self, bundle: Bundle, library: TensorRt, device: Device, store: PlanStore):
        self._library, self._device = library, device
        self._lock = threading.Lock()
        device.activate()
        graphs = bundle.manifest.graphs.by_name()
        self._vision_inputs = [one.name for one in graphs["vision"].inputs]
        found = {graph: store.find(bundle, graph, library, device.gpu) for graph in graphs}
        with library.translating():
            # The runtime must outlive its engines, and these their contexts.
            self._runtime = library.module.Runtime(library.logger)
            self._plans = {graph: self._load(bundle, graph, plan, store) for graph, plan in found.items()}
        memory = DeviceMemory(device)
        self._finalizer = weakref.finalize(self, memory.release)
        self._finalizer.atexit = False  # the driver may be gone by then, and takes its memory with it
        try:
            with library.translating():
                self._passes = self._make_passes(bundle, memory)
            self._try_out(bundle)
        except Exception:
            self._finalizer()
            raise

    def vision(self, image: np.ndarray, intrinsics: np.ndarray, *extra: np.ndarray) -> np.ndarray:
        """Encode frames; see `Engine.vision`."""
        feeds = zip(self._vision_inputs, (image, intrinsics, *extra), strict=True)
        (tokens,) = self._run("vision", **dict(feeds))
        return tokens

    def prefix(self, tokens: np.ndarray) -> Prefix:
        """Turn tokens into what questions read; see `Engine.prefix`."""
        return Prefix(*self._run("prefix", tokens=tokens))

    def prompt(self, window: Prefix, text: np.ndarray, text_length: np.ndarray) -> PromptOutput:
        """Read a batch of prompts, as many at once as a plan serves; see `Engine.prompt`."""
        parts = [
            self._run(
                "prompt",
                key=window.key,
                value=window.value,
                pointer_key=window.pointer_key,
                text=text[start : start + MAX_PROMPTS],
                text_length=text_length[start : start + MAX_PROMPTS],
            )
            for start in range(0, len(text), MAX_PROMPTS)
        ]
        if len(parts) == 1:
            return PromptOutput(*parts[0])
        return PromptOutput(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def step(self, window: Prefix, past_key: np.ndarray, past_value: np.ndarray, token: int) -> StepOutput:
        """Append one token to an answer; see `Engine.step`."""
        outputs = self._run(
            "step",
            key=window.key,
            value=window.value,
            past_key=past_key,
            past_value=past_value,
            token=np.array([[token]], np.int64),
        )
        return StepOutput(*outputs)

    def describe(self) -> EngineDescription:
        """Say what runs here."""
        return EngineDescription("tensorrt", str(self._library), f"cuda ({self._device.gpu.name})", 0)

    def _run(self, graph: str, **feeds: np.ndarray) -> list[np.ndarray]:
        with self._lock:
            self._device.activate()  # for the thread that calls
            with self._library.translating():
                return self._passes[graph].run(feeds)

    def _try_out(self, bundle: Bundle) -> None:
        """Run every graph once, so that one which cannot run is found while another engine can be taken."""
        for graph, spec in bundle.manifest.graphs.by_name().items():
            least = input_profiles(bundle.manifest, graph)
            shapes = {
                one.name: least[one.name].least if one.name in least else one.shape for one in spec.inputs
            }
            # Ones: a text has one token at least.
            self._run(graph, **{one.name: np.ones(shapes[one.name], one.dtype) for one in spec.inputs})

    def _load(self, bundle: Bundle, graph: str, plan: StoredPlan, store: PlanStore) -> Any:
        """Deserialise a plan and compare its tensors with the manifest's."""
        self._library.take_complaints()
        engine = self._runtime.deserialize_cuda_engine(store.read(plan, bundle))
        if engine is None:
            cause = self._library.take_complaints() or "it gives no cause"
            if is_out_of_memory(cause):
                raise EngineMemoryError(f"the plan of graph {graph}", cause)
            cause = f"{self._library} does not load it: {cause}"
            raise CorruptPlanError(plan.file, cause, build_command(bundle))
        differences = self._differences(engine, bundle.manifest.graphs.by_name()[graph])
        if differences:
            raise GraphInterfaceError(graph, plan.file, differences)
        return engine

    def _differences(self, engine: Any, spec: GraphFile) -> list[str]:
        """Compare a deserialised plan's tensors with the manifest's."""
        trt = self._library.module
        sides: dict[Any, list[Binding]] = {trt.TensorIOMode.INPUT: [], trt.TensorIOMode.OUTPUT: []}
        for name in (engine.get_tensor_name(i) for i in range(engine.num_io_tensors)):
            dtype, shape = engine.get_tensor_dtype(name), engine.get_tensor_shape(name)
            sides[engine.get_tensor_mode(name)].append(
                Binding(name, dtype_name(trt, dtype), free_shape(shape))
            )
        return [
            *find_differences("input", spec.inputs, sides[trt.TensorIOMode.INPUT]),
            *find_differences("output", spec.outputs, sides[trt.TensorIOMode.OUTPUT]),
        ]

    def _make_passes(self, bundle: Bundle, memory: DeviceMemory) -> dict[str, GraphPass]:
        """Allocate every buffer and make the passes; scratch memory is one for all, as one runs at a time."""
        scratch = memory.allocate(max(map(scratch_bytes, self._plans.values())), "scratch memory")
        shared: dict[str, Buffer] = {}
        passes = {}
        for graph, engine in self._plans.items():
            inputs = {tensor.name for tensor in bundle.manifest.graphs.by_name()[graph].inputs}
            buffers = {}
            for name, size in greatest_bytes(bundle.manifest, graph).items():
                keeps = name in _WINDOW and name in inputs
                buffer = shared.get(name) if keeps else None
                if buffer is None:
                    buffer = Buffer(memory.allocate(size, f"{name} of graph {graph}"), keeps)
                if keeps:
                    shared[name] = buffer
                buffers[name] = buffer
            passes[graph] = GraphPass(
                graph,
                engine,
                bundle.manifest,
                self._library,
                self._device,
                memory,
                buffers=buffers,
                scratch=scratch,
            )
        return passes


def start_tensorrt(bundle: Bundle) -> TensorrtEngine:
    """Start the engine with what this machine has.

    Raises:
        AbsentEngineError: if the machine has no GPU or no TensorRT.
        PlanError: if a plan is missing or cannot be used.
        EngineError: for everything else that can be wrong.
    """
    device = CudaDevice()
    return TensorrtEngine(bundle, load_tensorrt(), device, PlanStore())
