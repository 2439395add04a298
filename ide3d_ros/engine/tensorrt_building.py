# SPDX-License-Identifier: Apache-2.0
"""Build a graph's plan: parse the ONNX file, compare it with the manifest, let TensorRT compile it.

Networks are strongly typed: every precision is the ONNX file's own. TensorRT builds for the GPU of this
machine; TensorRT-RTX needs none and builds for the compute capabilities that it is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ide3d_ros.bundle import Bundle, Manifest
from ide3d_ros.engine.bindings import Binding, find_differences
from ide3d_ros.engine.errors import (
    EngineError,
    EngineMemoryError,
    GraphError,
    GraphInterfaceError,
    PlanBuildError,
    UnsupportedOperatorError,
)
from ide3d_ros.engine.tensorrt_library import TensorRt
from ide3d_ros.engine.tensorrt_profile import input_profiles

Watch = Callable[[str, int, int], None]
"""Is told the phase of a build, how many of its steps are done, and how many there are."""

_NO_MEMORY = re.compile(r"out ?of ?memory|outofmemory|insufficient memory|bad_alloc", re.IGNORECASE)
_NO_OPERATOR = re.compile(
    r"not supported|unsupported|cannot compile operation|could not find any implementation|no importer",
    re.IGNORECASE,
)


def build_plan(
    library: TensorRt,
    bundle: Bundle,
    graph: str,
    *,
    compute_capabilities: Sequence[str] = (),
    watch: Watch = lambda _phase, _done, _of: None,
) -> bytes:
    """Build the plan of one graph; this takes seconds with TensorRT-RTX and up to an hour with TensorRT.

    The library may crash, and takes memory: let a process of its own do this, as `ide3d build-engine` does.

    Args:
        library: that builds.
        bundle, graph: what is built.
        compute_capabilities: to build for, such as "8.9", with TensorRT-RTX alone; none for 8.0 and later.
        watch: is told how far the build is, on this thread.

    Raises:
        GraphError: if the ONNX file does not parse.
        UnsupportedOperatorError: if it has an operator that the library does not know.
        GraphInterfaceError: if its tensors are not those of the manifest.
        EngineMemoryError: if the memory does not suffice.
        PlanBuildError: if the build fails for another cause.
        ValueError: if a compute capability is none that the library builds for.
    """
    trt, file = library.module, bundle.graph_file(graph)
    capabilities = [_capability(library, number) for number in compute_capabilities]
    library.take_complaints()
    builder = trt.Builder(library.logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, library.logger)
    if not parser.parse_from_file(str(file)):
        raise _parse_error(library, parser, graph, file)
    _compare(trt, network, bundle.manifest, graph, file)
    _let_attention_decompose(trt, network)

    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)  # on by default: float32 with the mantissa of float16
    profile = builder.create_optimization_profile()
    for name, shapes in input_profiles(bundle.manifest, graph).items():
        profile.set_shape(name, shapes.least, shapes.usual, shapes.greatest)
    config.add_optimization_profile(profile)
    if capabilities:
        config.num_compute_capabilities = len(capabilities)
        for i, capability in enumerate(capabilities):
            config.set_compute_capability(capability, i)
    monitor = _make_monitor(trt, watch)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise _build_error(library, graph, file)
    return bytes(plan)


def known_capabilities(library: TensorRt) -> tuple[str, ...]:
    """List the compute capabilities that a portable library builds for, such as "8.9"; none for another."""
    members = getattr(library.module, "ComputeCapability", None) if library.is_portable else None
    names = getattr(members, "__members__", {})
    numbers = [name.removeprefix("SM") for name in names if re.fullmatch(r"SM\d{2,3}", name)]
    return tuple(f"{number[:-1]}.{number[-1]}" for number in sorted(numbers, key=int))


def _capability(library: TensorRt, number: str) -> Any:
    known = known_capabilities(library)
    if not known:
        raise ValueError(
            f"{library} builds for the GPU of this machine alone; compute capabilities are for TensorRT-RTX"
        )
    if number not in known:
        raise ValueError(
            f"{library} does not build for compute capability {number}; it knows {', '.join(known)}"
        )
    return library.module.ComputeCapability.__members__[f"SM{number.replace('.', '')}"]


def _parse_error(library: TensorRt, parser: Any, graph: str, file: Path) -> EngineError:
    errors = [parser.get_error(i) for i in range(parser.num_errors)]
    library.take_complaints()
    if not errors:
        return GraphError(graph, file, f"{library} cannot parse it")
    first = errors[0]
    cause = " ".join(str(first.desc()).split())
    operator = first.node_operator()
    if operator:
        cause = f"operator {operator} (node {first.node_name() or first.node()}): {cause}"
        return UnsupportedOperatorError(graph, file, str(library), cause)
    return GraphError(graph, file, cause)


def _compare(trt: Any, network: Any, manifest: Manifest, graph: str, file: Path) -> None:
    spec = manifest.graphs.by_name()[graph]
    inputs = [network.get_input(i) for i in range(network.num_inputs)]
    outputs = [network.get_output(i) for i in range(network.num_outputs)]
    differences = [
        *find_differences("input", spec.inputs, [_binding(trt, one) for one in inputs]),
        *find_differences("output", spec.outputs, [_binding(trt, one) for one in outputs]),
    ]
    if differences:
        raise GraphInterfaceError(graph, file, differences)


def _binding(trt: Any, tensor: Any) -> Binding:
    return Binding(tensor.name, dtype_name(trt, tensor.dtype), free_shape(tensor.shape))


def free_shape(shape: Sequence[int]) -> tuple[int | None, ...]:
    """Turn TensorRT's -1 for a free length into None."""
    return tuple(None if n < 0 else n for n in shape)


def dtype_name(trt: Any, dtype: Any) -> str:
    """Return numpy's name of a TensorRT type, or TensorRT's own where numpy has none."""
    names = {
        trt.DataType.FLOAT: "float32",
        trt.DataType.HALF: "float16",
        trt.DataType.INT64: "int64",
        trt.DataType.INT32: "int32",
        trt.DataType.INT8: "int8",
        trt.DataType.UINT8: "uint8",
        trt.DataType.BOOL: "bool",
    }
    return names.get(dtype, str(dtype))


def is_out_of_memory(complaint: str) -> bool:
    """Say whether the library complains about memory; it has no code for that in Python."""
    return _NO_MEMORY.search(complaint) is not None


def _let_attention_decompose(trt: Any, network: Any) -> None:
    """Allow attention for which there is no kernel of its own (float32, say) to be built of several."""
    kind = getattr(trt.LayerType, "ATTENTION_INPUT", None)  # from opset 23, in newer versions of the library
    for i in range(network.num_layers if kind is not None else 0):
        layer = network.get_layer(i)
        if layer.type == kind:
            layer.__class__ = trt.IAttentionInputLayer  # the binding hands out the base class
            layer.attention.decomposable = True


def _make_monitor(trt: Any, watch: Watch) -> Any:
    class Monitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase: str, _parent: str | None, steps: int) -> None:
            self._steps[phase] = steps
            watch(phase, 0, steps)

        def step_complete(self, phase: str, step: int) -> bool:
            watch(phase, step + 1, self._steps.get(phase, 0))
            return True  # go on

        def phase_finish(self, phase: str) -> None:
            self._steps.pop(phase, None)

    return Monitor()


def _build_error(library: TensorRt, graph: str, file: Path) -> EngineError:
    cause = library.take_complaints() or "it gives no cause"
    if is_out_of_memory(cause):
        return EngineMemoryError(f"building the plan of graph {graph}", cause)
    if _NO_OPERATOR.search(cause):
        return UnsupportedOperatorError(graph, file, str(library), cause)
    return PlanBuildError(graph, file, str(library), cause)
