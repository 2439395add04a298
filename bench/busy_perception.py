# SPDX-License-Identifier: Apache-2.0
"""The perception node with an engine that is slowed down, as a larger model would be.

The environment variables IDE3D_BENCH_VISION_MS and IDE3D_BENCH_STEP_MS say how long a frame and a token take
at least.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

import numpy as np

from ide3d_ros.bundle import open_bundle
from ide3d_ros.engine import EngineDescription, PromptOutput, select_engine
from ide3d_ros.engine.protocol import Prefix, StepOutput
from ide3d_ros.nodes.parameters import ParameterSet
from ide3d_ros.nodes.perception import PerceptionNode
from ide3d_ros.nodes.running import run_node
from ide3d_ros.scene import Scene


class SlowedEngine:
    """Wait before the real engine's frames and tokens."""

    def __init__(self, engine: object, vision_s: float, step_s: float) -> None:
        """Slow an engine down by so many seconds a frame and a token."""
        self._engine, self._vision_s, self._step_s = engine, vision_s, step_s

    def vision(self, image: np.ndarray, intrinsics: np.ndarray, *extra: np.ndarray) -> np.ndarray:
        """Encode frames, slowly."""
        time.sleep(self._vision_s)
        return self._engine.vision(image, intrinsics, *extra)

    def prefix(self, tokens: np.ndarray) -> Prefix:
        """Make prefixes."""
        return self._engine.prefix(tokens)

    def prompt(self, window: Prefix, text: np.ndarray, text_length: np.ndarray) -> PromptOutput:
        """Read prompts."""
        return self._engine.prompt(window, text, text_length)

    def step(self, window: Prefix, past_key: np.ndarray, past_value: np.ndarray, token: int) -> StepOutput:
        """Append a token, slowly."""
        time.sleep(self._step_s)
        return self._engine.step(window, past_key, past_value, token)

    def describe(self) -> EngineDescription:
        """Say what runs."""
        return self._engine.describe()


def open_slowed(parameters: ParameterSet, cameras: Sequence[str]) -> Mapping[str, Scene]:
    """Open the bundle behind a slowed engine."""
    bundle = open_bundle(parameters["model.bundle"])
    vision_s, step_s = (float(os.environ[f"IDE3D_BENCH_{name}_MS"]) / 1e3 for name in ("VISION", "STEP"))
    engine = SlowedEngine(select_engine(bundle).engine, vision_s, step_s)
    return {camera: Scene(bundle, engine) for camera in cameras}


def main() -> None:
    """Run the node."""
    run_node(lambda: PerceptionNode(open_slowed), None)
