# SPDX-License-Identifier: Apache-2.0
"""An engine that counts its passes."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ide3d_ros.engine import Engine, EngineDescription, Prefix, PromptOutput, StepOutput


class CountingEngine:
    """Hand every pass to another engine and keep count.

    Attributes:
        passes: how often each graph ran.
        prefix_frames: frames of each prefix pass.
        fail: graphs that raise instead of running.
    """

    def __init__(self, engine: Engine):
        self._engine = engine
        self.passes: Counter[str] = Counter()
        self.prefix_frames: list[int] = []
        self.fail: dict[str, Exception] = {}

    def _count(self, graph: str) -> None:
        self.passes[graph] += 1
        if graph in self.fail:
            raise self.fail[graph]

    def vision(self, image: np.ndarray, intrinsics: np.ndarray, *extra: np.ndarray) -> np.ndarray:
        self._count("vision")
        return self._engine.vision(image, intrinsics, *extra)

    def prefix(self, tokens: np.ndarray) -> Prefix:
        self._count("prefix")
        self.prefix_frames.append(len(tokens))
        return self._engine.prefix(tokens)

    def prompt(self, window: Prefix, text: np.ndarray, text_length: np.ndarray) -> PromptOutput:
        self._count("prompt")
        return self._engine.prompt(window, text, text_length)

    def step(self, window: Prefix, past_key: np.ndarray, past_value: np.ndarray, token: int) -> StepOutput:
        self._count("step")
        return self._engine.step(window, past_key, past_value, token)

    def describe(self) -> EngineDescription:
        return self._engine.describe()
