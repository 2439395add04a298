# SPDX-License-Identifier: Apache-2.0
"""What every engine offers: a bundle's four graphs as functions over numpy arrays.

F frames in the window, N tokens a frame, D token width, L layers, H key/value heads, d head width, P field
size, B prompts in the batch, T text tokens of the longest prompt, K box queries, V vocabulary. float32
unless said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True, eq=False)
class Prefix:
    """Hold what frames contribute to every question about them; frame i never depends on frame j.

    Attributes:
        key, value: (F, L, H, N, d) of the visual tokens.
        pointer_key: (F, N, D) what box queries compare themselves with.
        fields: (F, N, P) what each token says about the thing that it lies on, laid out by `BoxCode`.
        gravity: (F, 2) pitch and roll of each camera, radians.
    """

    key: np.ndarray
    value: np.ndarray
    pointer_key: np.ndarray
    fields: np.ndarray
    gravity: np.ndarray

    @property
    def bytes(self) -> int:
        """Memory held, bytes."""
        return sum(a.nbytes for a in (self.key, self.value, self.pointer_key, self.fields, self.gravity))


@dataclass(frozen=True, eq=False)
class PromptOutput:
    """Hold what a batch of prompts yields.

    Attributes:
        logits: (B, V) of the token after each prompt.
        pointer: (B, K, F * N + 1) log-probabilities over the window's tokens, oldest frame first; the last
            is "none".
        text_key, text_value: (B, L, H, T, d) of the text, for `step`.
        query_box: (B, K, SIZE) boxes that the queries state, laid out by `geometry.query_code`; None from a
            bundle whose tokens state them.
    """

    logits: np.ndarray
    pointer: np.ndarray
    text_key: np.ndarray
    text_value: np.ndarray
    query_box: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class StepOutput:
    """Hold what one more token of an answer yields.

    Attributes:
        logits: (1, V) of the token after it.
        text_key, text_value: (1, L, H, t + 1, d) of prompt and answer so far.
    """

    logits: np.ndarray
    text_key: np.ndarray
    text_value: np.ndarray


@dataclass(frozen=True)
class EngineDescription:
    """Say what runs a bundle, for logs and diagnostics.

    Attributes:
        engine: name of the engine, for example "onnx".
        runtime: library and version.
        device: where the graphs run, for example "cpu" or "cuda".
        threads: CPU threads of one pass; 0 where the device is not a CPU.
    """

    engine: str
    runtime: str
    device: str
    threads: int

    def __str__(self) -> str:
        threads = f", {self.threads} threads" if self.threads else ""
        return f"{self.engine} ({self.runtime}) on {self.device}{threads}"


@runtime_checkable
class Engine(Protocol):
    """Run the graphs of one bundle. Safe to call from several threads; every fault is an `EngineError`."""

    def vision(self, image: np.ndarray, intrinsics: np.ndarray, *extra: np.ndarray) -> np.ndarray:
        """Encode frames.

        Args:
            image: (F, height, width, 3) uint8 RGB at the network size.
            intrinsics: (F, 3, 3) pinhole matrices of that size, pixels.
            extra: what the bundle's manifest lists as `extra_inputs`, in that order; see
                `interface.EXTRA_TENSORS`.

        Returns:
            (F, N, D) tokens.
        """
        ...

    def prefix(self, tokens: np.ndarray) -> Prefix:
        """Turn the tokens (F, N, D) of frames into what questions read."""
        ...

    def prompt(self, window: Prefix, text: np.ndarray, text_length: np.ndarray) -> PromptOutput:
        """Read a batch of prompts behind a window.

        Args:
            window: the prefixes of its frames, concatenated, oldest first.
            text: (B, T) int64 token ids, padded on the right.
            text_length: (B,) int64 tokens of each prompt.
        """
        ...

    def step(self, window: Prefix, past_key: np.ndarray, past_value: np.ndarray, token: int) -> StepOutput:
        """Append one token to an answer.

        Args:
            window: the same window as the prompt's.
            past_key, past_value: (1, L, H, t, d) of prompt and answer so far.
            token: id of the new token.
        """
        ...

    def describe(self) -> EngineDescription:
        """Say what runs here."""
        ...
