# SPDX-License-Identifier: Apache-2.0
"""Explicit 3D positions: visual tokens are told where in the world they look (preset `explicit_pe`).

As in Video-3D-LLM (arXiv 2412.00493): points are moved into the world that the camera's poses speak of before
they are encoded (`positions`), and depth and pose are needed of every frame on the robot too. That system
also encodes the centres of boxes that it chooses among; here tokens state boxes, so there are none.
"""

from __future__ import annotations

import torch

from ide3d_ros.network.branches.positions import PositionBranch


class WorldPositionBranch(PositionBranch):
    """Encode points of the world; what is read besides depth is world_from_camera (F, 4, 4)."""

    LOWEST, HIGHEST = (-15.0, -15.0, -5.0), (15.0, 15.0, 5.0)

    def cell_points(
        self, depth: torch.Tensor, intrinsics: torch.Tensor, pose: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Average the world points of each token's cell.

        Args:
            depth: (F, H, W) metres, 0 or not finite where unknown.
            intrinsics: (F, 3, 3) of the network image.
            pose: (F, 4, 4) world_from_camera, not finite where unknown.

        Returns:
            (F, N, 3) metres; (F, N) bool, whether pose and any depth of the cell are known.
        """
        mean, known = self.average(depth, intrinsics)
        # A mean moves with the camera as its points do, so that only N of them need be moved.
        posed = (pose.abs() < torch.inf).flatten(1).all(1)  # false for NaN too
        pose = torch.where(posed[:, None, None], pose, 0.0)
        # Sums, not a product of matrices, which a float16 bundle would round: steps are finer than that.
        world = (mean[:, :, None] * pose[:, None, :3, :3]).sum(-1) + pose[:, None, :3, 3]
        return world, known & posed[:, None]
