# SPDX-License-Identifier: Apache-2.0
"""An engine that notes how long each pass takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from ide3d_ros.engine import Engine, EngineDescription, Prefix, PromptOutput, StepOutput

Output = TypeVar("Output")


class TimedEngine:
    """Hand every pass to another engine and note its time.

    Attributes:
        times: milliseconds of each pass, by graph, in the order in which they ran.
    """

    def __init__(self, engine: Engine) -> None:
        """Time an engine."""
        self._engine = engine
        self.times: dict[str, list[float]] = {"vision": [], "prefix": [], "prompt": [], "step": []}

    def vision(self, image: np.ndarray, intrinsics: np.ndarray, *extra: np.ndarray) -> np.ndarray:
        """Encode frames; see `Engine.vision`."""
        return self._timed("vision", lambda: self._engine.vision(image, intrinsics, *extra))

    def prefix(self, tokens: np.ndarray) -> Prefix:
        """Turn tokens into what questions read; see `Engine.prefix`."""
        return self._timed("prefix", lambda: self._engine.prefix(tokens))

    def prompt(self, window: Prefix, text: np.ndarray, text_length: np.ndarray) -> PromptOutput:
        """Read a batch of prompts; see `Engine.prompt`."""
        return self._timed("prompt", lambda: self._engine.prompt(window, text, text_length))

    def step(self, window: Prefix, past_key: np.ndarray, past_value: np.ndarray, token: int) -> StepOutput:
        """Append one token to an answer; see `Engine.step`."""
        return self._timed("step", lambda: self._engine.step(window, past_key, past_value, token))

    def describe(self) -> EngineDescription:
        """Say what runs."""
        return self._engine.describe()

    def _timed(self, graph: str, run: Callable[[], Output]) -> Output:
        begin = time.perf_counter()
        output = run()
        self.times[graph].append(1e3 * (time.perf_counter() - begin))
        return output
