# SPDX-License-Identifier: Apache-2.0
"""Open a training run for the probes: its network, one with random weights, and its validator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.config import Validator
from ide3d_training.evaluate.probe_frames import ProbeFrame
from ide3d_training.evaluate.probes import extra_tensors
from ide3d_training.export.cli import load_averaged
from ide3d_training.objectives.levels import LevelTap
from ide3d_training.objectives.validator import GeometryValidator


@dataclass(frozen=True)
class ProbedRun:
    """Hold what is probed of one training run.

    Attributes:
        name: of its directory.
        preset: of its configuration.
        step: of its checkpoint.
        network: averaged weights, frozen; what a bundle of this run consists of.
        state: the checkpoint.
    """

    name: str
    preset: str
    step: int
    network: Ide3dNetwork
    state: dict[str, Any]

    @classmethod
    def open(cls, directory: Path) -> ProbedRun:
        """Load a run's last checkpoint.

        Raises:
            FileNotFoundError: if the run has none.
        """
        network, state = load_averaged(directory)
        return cls(directory.resolve().name, state["train_config"]["preset"], state["step"], network, state)

    def untrained(self) -> Ide3dNetwork:
        """Build the same network with random weights: what the sizes alone give a linear probe."""
        torch.manual_seed(self.state["train_config"]["seed"])
        return Ide3dNetwork(self.network.config).eval()

    @torch.no_grad()
    def validated_depth(self, frames: Sequence[ProbeFrame]) -> list[np.ndarray] | None:
        """Decode depth as the run's own validator does; None for a run that was trained without one.

        Returns:
            (h, w) metres of each frame, at the network image's size over the validator's stride.
        """
        weights = self.state["training_only"].get("validator")
        if weights is None:
            return None
        # The validator was trained together with the weights themselves, not with their average.
        network = Ide3dNetwork(NetworkConfig.from_dict(self.state["network_config"])).eval()
        network.load_state_dict(self.state["network"])
        options = Validator(**self.state["train_config"]["validator"])
        validator = GeometryValidator(network.config, options).eval()
        validator.load_state_dict(weights)
        tap = LevelTap(network.vision.encoder.layers, options.levels)
        decoded = []
        for frame in frames:
            intrinsics = torch.from_numpy(frame.intrinsics)[None]
            network.vision(
                torch.from_numpy(frame.image)[None], intrinsics, extra_tensors([frame], network.config)
            )
            depth, _ = validator(tap.take(), intrinsics)
            decoded.append(depth[0].numpy())
        return decoded
