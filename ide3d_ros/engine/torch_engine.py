# SPDX-License-Identifier: Apache-2.0
"""The torch engine: a network in memory, run as it is, without an export."""

from __future__ import annotations

import numpy as np
import torch

from ide3d_ros.bundle.interface import DYNAMIC, TensorInterface, graph_interface
from ide3d_ros.engine.errors import EngineRunError
from ide3d_ros.engine.protocol import EngineDescription, Prefix, PromptOutput, StepOutput
from ide3d_ros.network import Ide3dNetwork
from ide3d_ros.network.graphs import graph_modules


class TorchEngine:
    """Run a network with torch, on the device that its weights lie on.

    The network stays the caller's: weights that change (training goes on) change what this engine says.

    Args:
        network: float32, in evaluation mode whenever a pass runs.
        threads: CPU threads of torch in this whole process; None leaves them as they are.

    Raises:
        ValueError: if the network is not float32, or threads is below 1.
    """

    def __init__(self, network: Ide3dNetwork, *, threads: int | None = None):
        other = {p.dtype for p in network.parameters()} - {torch.float32}
        if other:
            raise ValueError(f"the network holds {', '.join(map(str, other))}; call network.float() first")
        if threads is not None:
            if threads < 1:
                raise ValueError(f"threads is {threads}; give 1 or more, or None for what torch has set")
            torch.set_num_threads(threads)
        self._network = network
        self._graphs = graph_modules(network)
        config = network.config
        self._sizes = {
            "width": config.width,
            "height": config.height,
            "tokens": config.tokens,
            "dim": config.dim,
            "layers": config.language_layers,
            "kv_heads": config.kv_heads,
            "head_dim": config.head_dim,
        }

    def vision(self, image: np.ndarray, intrinsics: np.ndarray, *extra: np.ndarray) -> np.ndarray:
        """Encode frames; see `Engine.vision`."""
        (tokens,) = self._run("vision", image, intrinsics, *extra)
        return tokens

    def prefix(self, tokens: np.ndarray) -> Prefix:
        """Turn tokens into what questions read; see `Engine.prefix`."""
        return Prefix(*self._run("prefix", tokens))

    def prompt(self, window: Prefix, text: np.ndarray, text_length: np.ndarray) -> PromptOutput:
        """Read a batch of prompts; see `Engine.prompt`."""
        self._check_ids("prompt", text)
        if text_length.size and not 1 <= text_length.min() <= text_length.max() <= text.shape[-1]:
            raise EngineRunError(
                "prompt", f"text_length {text_length.tolist()} is not within 1..{text.shape[-1]}"
            )
        feeds = window.key, window.value, window.pointer_key, text, text_length
        return PromptOutput(*self._run("prompt", *feeds))

    def step(self, window: Prefix, past_key: np.ndarray, past_value: np.ndarray, token: int) -> StepOutput:
        """Append one token to an answer; see `Engine.step`."""
        ids = np.array([[token]], np.int64)
        self._check_ids("step", ids)
        return StepOutput(*self._run("step", window.key, window.value, past_key, past_value, ids))

    def describe(self) -> EngineDescription:
        """Say what runs here."""
        device = self._device.type
        threads = torch.get_num_threads() if device == "cpu" else 0
        return EngineDescription("torch", f"torch {torch.__version__}", device, threads)

    @property
    def _device(self) -> torch.device:
        return self._network.queries.device

    def _run(self, graph: str, *arrays: np.ndarray) -> list[np.ndarray]:
        if self._network.training:
            raise EngineRunError(
                graph, "the network is in training mode; call network.eval() before it is asked"
            )
        self._check_tensors(graph, arrays)
        try:
            with torch.inference_mode():
                # Copied where they cannot be written to: torch knows no read-only tensors, and warns.
                inputs = [torch.from_numpy(np.require(a, requirements="CW")) for a in arrays]
                outputs = self._graphs[graph](*(tensor.to(self._device) for tensor in inputs))
                outputs = outputs if isinstance(outputs, tuple) else (outputs,)
                return [tensor.cpu().numpy() for tensor in outputs]
        except Exception as error:  # torch's exceptions share no base class
            raise EngineRunError(graph, str(error).strip().splitlines()[0]) from error

    def _check_tensors(self, graph: str, arrays: tuple[np.ndarray, ...]) -> None:
        """Compare inputs with the graph's interface: types, fixed lengths, and free ones with each other."""
        free: dict[str, int] = {}
        config = self._network.config
        interface = graph_interface(graph, config.box_source, config.extra_inputs)
        for tensor, array in zip(interface.inputs, arrays, strict=True):
            fits = array.dtype == tensor.dtype and len(array.shape) == len(tensor.shape)
            for symbol, length in zip(tensor.shape, array.shape, strict=False):
                wanted = free.setdefault(symbol, length) if symbol in DYNAMIC else self._length(symbol)
                fits = fits and length == wanted
            if not fits:
                raise EngineRunError(graph, self._spell(tensor, array, free))

    def _length(self, symbol: int | str) -> int:
        return symbol if isinstance(symbol, int) else self._sizes[symbol]

    def _spell(self, tensor: TensorInterface, array: np.ndarray, free: dict[str, int]) -> str:
        wanted = [
            f"{s}={free[s]}" if s in free else s if s in DYNAMIC else self._length(s) for s in tensor.shape
        ]
        shape = ", ".join(map(str, wanted))
        return f"input {tensor.name} is {array.dtype} {list(array.shape)} instead of {tensor.dtype} [{shape}]"

    def _check_ids(self, graph: str, ids: np.ndarray) -> None:
        """Refuse ids that the embedding has no row for: on a GPU they would end the whole process's CUDA."""
        vocabulary = self._network.config.vocabulary
        if ids.size and not 0 <= ids.min() <= ids.max() < vocabulary:
            raise EngineRunError(
                graph, f"token ids {ids.min()}..{ids.max()} are not within 0..{vocabulary - 1}"
            )
