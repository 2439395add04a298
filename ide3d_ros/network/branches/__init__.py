# SPDX-License-Identifier: Apache-2.0
"""What some presets add to the visual tokens, one module each; `rgb` and `ide3d` have none.

A branch stays in the network when it is exported: what it costs, it costs on the robot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn

from ide3d_ros.network.branches.camera_position import CameraPositionBranch
from ide3d_ros.network.branches.generator import GeneratorBranch
from ide3d_ros.network.branches.local import LocalBranch
from ide3d_ros.network.branches.second_encoder import SecondEncoderBranch
from ide3d_ros.network.branches.world_position import WorldPositionBranch

if TYPE_CHECKING:
    from ide3d_ros.network.config import NetworkConfig


class Branch(Protocol):
    """Change the visual tokens of frames, each by itself."""

    def __call__(
        self,
        tokens: torch.Tensor,
        images: torch.Tensor,
        intrinsics: torch.Tensor,
        extra: tuple[torch.Tensor, ...],
    ) -> torch.Tensor:
        """Return new tokens.

        Args:
            tokens: (F, N, dim) out of the projector, row by row.
            images: (F, H, W, 3) uint8 RGB.
            intrinsics: (F, 3, 3) float32.
            extra: what `NetworkConfig.extra_inputs` names, in that order.

        Returns:
            (F, N, dim).
        """
        ...


BRANCHES: dict[str, Callable[[NetworkConfig], nn.Module]] = {
    "camera_position": CameraPositionBranch,
    "generator": GeneratorBranch,
    "local": LocalBranch,
    "second_encoder": SecondEncoderBranch,
    "world_position": WorldPositionBranch,
}
"""Builders by the name in `NetworkConfig.branch`."""


def build_branch(config: NetworkConfig) -> nn.Module | None:
    """Build the branch that a config names, with random weights; None where it names none.

    Raises:
        ValueError: if no branch has that name.
    """
    if not config.branch:
        return None
    if config.branch not in BRANCHES:
        raise ValueError(f"branch is {config.branch!r}; use one of: {', '.join(BRANCHES) or 'none yet'}")
    return BRANCHES[config.branch](config)
