# SPDX-License-Identifier: Apache-2.0
"""The trained geometry network as a teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel

from ide3d_ros.network.geometry_network import GeometryConfig, GeometryNetwork
from ide3d_training.checkpoint import load_checkpoint
from ide3d_training.config import TrainConfig
from ide3d_training.schedule import choose_precision
from ide3d_training.teachers.protocol import TeacherError, weights_digest

FORMAT = "ide3d-geometry-teacher"
"""What a checkpoint of such a run calls itself."""


class GeometryTeacher:
    """The averaged weights of a run, frozen; its tokens are the network's last layer.

    Args:
        run: directory of a run of `ide3d-teacher train`.
        precision: "float32", "bfloat16", or "auto": the faster one.

    Attributes:
        errors: what the run last measured on its held-out rooms.

    Raises:
        TeacherError: if there is no such run.
    """

    name = "geometry"

    def __init__(self, run: Path, precision: str = "auto"):
        state = load_checkpoint(run)
        if state is None:
            raise TeacherError(
                f"no checkpoint in {run}; train a teacher: ide3d-teacher train --rooms DIR --output {run}"
            )
        if state.get("format") != FORMAT:
            raise TeacherError(
                f"{run} holds the run of another program; give the directory of a run of ide3d-teacher train"
            )
        config = GeometryConfig.from_dict(state["network_config"])
        average = AveragedModel(GeometryNetwork(config))
        average.load_state_dict(state["average"])
        self.network = average.module.eval().requires_grad_(False)
        self.channels = config.dim
        self.errors: dict[str, float] = state["errors"]
        self.digest = weights_digest(self.network.state_dict())
        self._precision = choose_precision(precision)

    def tokens(self, frames: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
        """See `Teacher.tokens`.

        Raises:
            TeacherError: if the frames are not of the size it was trained at.
        """
        config = self.network.config
        height, width = frames.shape[2:4]
        if (height, width) != (config.height, config.width):
            raise TeacherError(
                f"frames of {width}x{height} pixels, but this teacher was trained at "
                f"{config.width}x{config.height}: render rooms of that size or train a teacher for this one"
            )
        autocast = torch.autocast("cpu", self._precision, enabled=self._precision != torch.float32)
        with torch.no_grad(), autocast:
            tokens = self.network.look(frames, intrinsics)
        return tokens.unflatten(2, config.grid)


def find_encoder(config: TrainConfig, state: dict[str, Any] | None) -> dict[str, Any] | None:
    """Find the second encoder that a run's network carries along.

    Args:
        config: of the run.
        state: the run's own checkpoint, which holds the encoder too; None for a run that begins.

    Returns:
        its "network_config", and its "network" weights where the run begins; None for a run without one.

    Raises:
        TeacherError: if the run begins, and there is no such encoder.
    """
    if not config.second_encoder:
        return None
    if state is not None:
        return {"network_config": state["network_config"].get("branch_options", {}).get("encoder", {})}
    network = GeometryTeacher(Path(config.second_encoder)).network
    return {"network_config": network.config.to_dict(), "network": network.state_dict()}
