# SPDX-License-Identifier: Apache-2.0
"""A training run as a scene, straight from its checkpoint: torch runs it, nothing is exported."""

from __future__ import annotations

from pathlib import Path

from ide3d_ros.bundle import UnsealedBundle
from ide3d_ros.bundle.sealing import TOKENIZER_FILE
from ide3d_ros.engine.torch_engine import TorchEngine
from ide3d_ros.network import Ide3dNetwork
from ide3d_ros.scene import Scene
from ide3d_training.export.bundle_writing import describe_network
from ide3d_training.export.cli import load_averaged


def open_run(run: Path) -> Scene:
    """Open the averaged weights of a run's last checkpoint.

    Raises:
        FileNotFoundError: if the run has no checkpoint.
    """
    network, state = load_averaged(run)
    return network_scene(network, state["step"], run / TOKENIZER_FILE)


def network_scene(network: Ide3dNetwork, step: int, tokenizer_file: Path) -> Scene:
    """Make a scene of a network in memory, trained for some steps, in evaluation mode."""
    description = describe_network(network, "run", {"steps": step})
    return Scene(UnsealedBundle(description, tokenizer_file), TorchEngine(network))
