# SPDX-License-Identifier: Apache-2.0
"""Explicit 3D positions: visual tokens are told where in the world they look (preset `explicit_pe`).

As in Video-3D-LLM (arXiv 2412.00493): points are moved into the world that the camera's poses speak of before
they are encoded (`positions`), and depth and pose are needed of every frame on the robot too. That system
also encodes the centres of boxes that it chooses among; here tokens state boxes, so there are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from ide3d_ros.network.branches.positions import CellPositions

if TYPE_CHECKING:
    from ide3d_ros.network.config import NetworkConfig

LOWEST, HIGHEST = (-15.0, -15.0, -5.0), (15.0, 15.0, 5.0)


class WorldPositionBranch(nn.Module):
    """Add the encoding of the mean world point of each token's cell; to cells without depth add nothing.

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

        `extra` is depth (F, H, W) in metres, 0 where unknown, and world_from_camera (F, 4, 4), not finite
        where unknown.
        """
        depth, pose = extra
        points, known = self.cell_points(depth.float(), intrinsics, pose)
        return tokens + torch.where(known[..., None], self.cells.encode(points), 0.0).to(tokens.dtype)

    def cell_points(
        self, depth: torch.Tensor, intrinsics: torch.Tensor, pose: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Average the world points of each token's cell: (F, N, 3) metres; and (F, N), is any known."""
        mean, known = self.cells.average(depth, intrinsics)
        # A mean moves with the camera as its points do, so that only N of them need be moved.
        posed = (pose.abs() < torch.inf).flatten(1).all(1)  # false for NaN too
        pose = torch.where(posed[:, None, None], pose, 0.0)
        # Sums, not a product of matrices, which a float16 bundle would round: steps are finer than that.
        world = (mean[:, :, None] * pose[:, None, :3, :3]).sum(-1) + pose[:, None, :3, 3]
        return world, known & posed[:, None]
