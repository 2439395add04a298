# SPDX-License-Identifier: Apache-2.0
"""The onnx engine: onnxruntime on the CPU, or on CUDA where its provider is present."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from ide3d_ros.bundle import Bundle
from ide3d_ros.bundle.manifest import GraphFile
from ide3d_ros.engine.bindings import Binding, find_differences
from ide3d_ros.engine.cores import usable_cores
from ide3d_ros.engine.errors import EngineRunError, GraphError, GraphInterfaceError
from ide3d_ros.engine.protocol import EngineDescription, Prefix, PromptOutput, StepOutput

_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")  # the first that is present runs
_SHARED_STEP_WIDTH = 512
"""Token width from which a step uses several threads. Below it one token's products are done before a second
thread is awake: at width 192 two took a fifth longer than one on a quiet machine, and more on a busy one."""
_TYPES = {"tensor(float)": "float32", "tensor(int64)": "int64", "tensor(uint8)": "uint8"}


class OnnxEngine:
    """Run a bundle's graphs with onnxruntime.

    Args:
        bundle: an opened bundle.
        threads: CPU threads of one pass; None = one for each core this process may use (`usable_cores`).
            A step of a narrow network takes one.

    Raises:
        GraphError: if a graph does not load.
        GraphInterfaceError: if a graph's tensors are not those of the manifest.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None):
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; give 1 or more, or None for one a core")
        self._threads = threads or usable_cores()
        self._vision_inputs = [one.name for one in bundle.manifest.graphs.vision.inputs]
        narrow = bundle.manifest.network.dim < _SHARED_STEP_WIDTH
        self._sessions = {
            name: self._load(
                name, bundle.graph_file(name), spec, 1 if name == "step" and narrow else self._threads
            )
            for name, spec in bundle.manifest.graphs.by_name().items()
        }

    def vision(self, image: np.ndarray, intrinsics: np.ndarray, *extra: np.ndarray) -> np.ndarray:
        """Encode frames; see `Engine.vision`."""
        feeds = zip(self._vision_inputs, (image, intrinsics, *extra), strict=True)
        (tokens,) = self._run("vision", dict(feeds))
        return tokens

    def prefix(self, tokens: np.ndarray) -> Prefix:
        """Turn tokens into what questions read; see `Engine.prefix`."""
        return Prefix(*self._run("prefix", {"tokens": tokens}))

    def prompt(self, window: Prefix, text: np.ndarray, text_length: np.ndarray) -> PromptOutput:
        """Read a batch of prompts; see `Engine.prompt`."""
        feeds = {
            "key": window.key,
            "value": window.value,
            "pointer_key": window.pointer_key,
            "text": text,
            "text_length": text_length,
        }
        return PromptOutput(*self._run("prompt", feeds))

    def step(self, window: Prefix, past_key: np.ndarray, past_value: np.ndarray, token: int) -> StepOutput:
        """Append one token to an answer; see `Engine.step`."""
        feeds = {
            "key": window.key,
            "value": window.value,
            "past_key": past_key,
            "past_value": past_value,
            "token": np.array([[token]], np.int64),
        }
        return StepOutput(*self._run("step", feeds))

    def describe(self) -> EngineDescription:
        """Say what runs here; the device is the one that onnxruntime really took."""
        provider = self._sessions["vision"].get_providers()[0]
        device = provider.removesuffix("ExecutionProvider").lower()
        threads = self._threads if device == "cpu" else 0
        return EngineDescription("onnx", f"onnxruntime {onnxruntime.__version__}", device, threads)

    def _load(self, name: str, file: Path, spec: GraphFile, threads: int) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Idle threads sleep. Spinning ones save microseconds on an empty machine; on a robot that runs other
        # things too they take the cores from the very pass they wait for (3 times slower on two busy cores).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # A plan of buffers helps when shapes repeat; prompts and windows change, and it doubles the peak.
        options.enable_mem_pattern = False
        options.log_severity_level = 3  # errors only: they reach the caller as exceptions anyway
        present = onnxruntime.get_available_providers()
        try:
            session = onnxruntime.InferenceSession(
                str(file), options, providers=[provider for provider in _PROVIDERS if provider in present]
            )
        except Exception as error:  # onnxruntime's exceptions share no base class
            raise GraphError(name, file, _first_line(error)) from error
        differences = [
            *find_differences("input", spec.inputs, _bindings(session.get_inputs())),
            *find_differences("output", spec.outputs, _bindings(session.get_outputs())),
        ]
        if differences:
            raise GraphInterfaceError(name, file, differences)
        return session

    def _run(self, graph: str, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        try:
            return self._sessions[graph].run(None, feeds)
        except Exception as error:  # as above
            raise EngineRunError(graph, _first_line(error)) from error


def _bindings(tensors: list[onnxruntime.NodeArg]) -> list[Binding]:
    return [Binding(one.name, _TYPES.get(one.type, one.type), tuple(one.shape)) for one in tensors]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
