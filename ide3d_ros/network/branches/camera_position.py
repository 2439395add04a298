# SPDX-License-Identifier: Apache-2.0
"""Explicit 3D positions in the camera's own frame: what `world_position` is to boxes in the world.

Boxes are stated in the optical frame of their image, and each frame is read by itself, so a token that knows
its place in the world would have to know the camera's too. In the camera's frame it needs no pose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from ide3d_ros.network.branches.positions import CellPositions

if TYPE_CHECKING:
    from ide3d_ros.network.config import NetworkConfig

LOWEST, HIGHEST = (-10.0, -10.0, 0.0), (10.0, 10.0, 20.0)


class CameraPositionBranch(nn.Module):
    """Add the encoding of the mean point of each token's cell; to cells without depth add nothing.

    Args:
        config: sizes and options; see `CellPositions`.
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.cells = CellPositions(config, LOWEST, HIGHEST)

    def forward(
        self,
        tokens: torch.Tensor,
        images: torch.Tensor,
        intrinsics: torch.Tensor,
        extra: tuple[torch.Tensor, ...],
    ) -> torch.Tensor:
        """Return new tokens (F, N, dim); see `Branch`.

        `extra` is depth (F, H, W) in metres, 0 where unknown.
        """
        (depth,) = extra
        points, known = self.cells.average(depth.float(), intrinsics)
        return tokens + torch.where(known[..., None], self.cells.encode(points), 0.0).to(tokens.dtype)
