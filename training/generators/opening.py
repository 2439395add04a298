# SPDX-License-Identifier: Apache-2.0
"""Open the run of a generator, and put its weights where a network reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ide3d_ros.network import Ide3dNetwork
from ide3d_ros.network.branches.generator import GeneratorBranch
from ide3d_training.checkpoint import load_checkpoint
from ide3d_training.config import ConfigError, TrainConfig

FORMAT = "ide3d-generator"
"""What a checkpoint of such a run calls itself."""


def open_generator(run: Path) -> dict[str, Any]:
    """Return the checkpoint of a finished run of `ide3d-generator train`.

    Raises:
        ConfigError: if there is none, or the run did not reach its end.
    """
    state = load_checkpoint(run)
    if state is None:
        raise ConfigError(
            f"generator: no checkpoint in {run}; train one: ide3d-generator train --rooms DIR --output {run}"
        )
    if state.get("format") != FORMAT:
        raise ConfigError(
            f"generator: {run} holds the run of another program; give the directory of a run of "
            "ide3d-generator train"
        )
    if state["step"] < state["steps"]:
        raise ConfigError(
            f"generator: {run} stopped at step {state['step']} of {state['steps']}; start its command again, "
            "which goes on from there"
        )
    return state


def find_generator(config: TrainConfig, state: dict[str, Any] | None) -> dict[str, Any] | None:
    """Find the generator that a run reads.

    Args:
        config: of the run.
        state: the run's own checkpoint, which holds the generator too; None for a run that begins.

    Returns:
        its "network_config", and its "network" weights where the run begins; None for a run without one.

    Raises:
        ConfigError: if there is none where the network reads one, or one that it does not read.
    """
    reads = config.network.get("branch") == "generator"
    if bool(config.generator) != reads:
        raise ConfigError(
            "network.branch generator reads a frozen generator; set generator to a run of: ide3d-generator "
            "train --rooms DIR --output RUN"
            if reads
            else "generator is set, but no network.branch reads it; set network.branch to generator"
        )
    if not reads:
        return None
    if state is not None:
        sizes = state["network_config"].get("branch_options", {}).get("generator", {})
        return {"network_config": sizes}
    return open_generator(Path(config.generator))


def install_generator(network: Ide3dNetwork, weights: dict[str, torch.Tensor]) -> None:
    """Copy a generator's weights into the branch that reads it.

    Args:
        network: whose branch is `generator`, with the sizes of that run; changed in place.
        weights: of the run.
    """
    branch: GeneratorBranch = network.vision.branch
    with torch.no_grad():
        for name, values in branch.frozen.state_dict().items():
            if name.startswith(("encoder.", "trunk.")):  # what is left is the noise, which is the branch's
                values.copy_(weights[name])
