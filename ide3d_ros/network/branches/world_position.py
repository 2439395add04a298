# SPDX-License-Identifier: Apache-2.0
"""Explicit 3D positions: visual tokens are told where in the world they look (preset `explicit_pe`).

A re-implementation of the encoding of Video-3D-LLM (arXiv 2412.00493), not the authors' code: depth is
unprojected into the world that the camera's poses speak of, the points of a token's cell are averaged,
clamped, counted in steps of 0.1 m, and encoded as sines and cosines, a third of the channels for each axis.
Nothing is learned, and depth and pose are needed of every frame on the robot too. That system also encodes
the centres of boxes that it chooses among; here boxes are decoded from tokens, so there are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from ide3d_ros.network.branches.options import read_options

if TYPE_CHECKING:
    from ide3d_ros.network.config import NetworkConfig

LOWEST, HIGHEST = (-15.0, -15.0, -5.0), (15.0, 15.0, 5.0)
"""Corners of the world that has positions of its own, metres; what lies beyond is moved to its border."""
_BASE = 10_000.0


@dataclass(frozen=True)
class WorldPositionOptions:
    """`NetworkConfig.branch_options` of this branch.

    Attributes:
        step_m: positions are counted in steps of this, metres.
        mask_unknown: leave pixels without depth out of a cell's mean. The published code averages them in as
            points at the camera's own place; False does so too, for parity.
    """

    step_m: float = 0.1
    mask_unknown: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.step_m < 10:
            raise ValueError(f"branch_options.step_m is {self.step_m}; use metres above 0 and below 10")


class WorldPositionBranch(nn.Module):
    """Add the encoding of the mean world point of each token's cell; to cells without depth add nothing.

    Args:
        config: sizes; its `branch_options` are `WorldPositionOptions`.

    Raises:
        ValueError: if an option is unknown or of no use, or the tokens are too narrow to tell three axes.
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.options = read_options(WorldPositionOptions, config.branch, config.branch_options)
        self.dim, self.stride = config.dim, config.stride
        pairs = config.dim // 6  # of a sine and a cosine, on each axis
        if not pairs:
            raise ValueError(
                f"dim {config.dim} has no room for sines and cosines of three axes; use 6 or more"
            )
        v, u = torch.meshgrid(torch.arange(config.height), torch.arange(config.width), indexing="ij")
        self.register_buffer("pixels", torch.stack([u, v]).float(), persistent=False)  # (2, H, W)
        self.register_buffer("lowest", torch.tensor(LOWEST), persistent=False)
        self.register_buffer("highest", torch.tensor(HIGHEST), persistent=False)
        rates = _BASE ** (-torch.arange(pairs) / pairs)
        self.register_buffer("rates", rates, persistent=False)

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
        return tokens + torch.where(known[..., None], self.encode(points), 0.0).to(tokens.dtype)

    def cell_points(
        self, depth: torch.Tensor, intrinsics: torch.Tensor, pose: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Average the world points of each token's cell: (F, N, 3) metres; and (F, N), is any known."""
        valid = (depth > 0) & (depth < torch.inf)
        depth = torch.where(valid, depth, 0.0)
        focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], 1)[:, :, None, None]
        principal = intrinsics[:, :2, 2][:, :, None, None]
        rays = (self.pixels - principal) / focal  # (F, 2, H, W)
        points = torch.cat([rays * depth[:, None], depth[:, None]], 1)  # in the camera's optical frame
        counted = valid if self.options.mask_unknown else torch.ones_like(valid)
        share = functional.avg_pool2d(counted[:, None].float(), self.stride)
        mean = functional.avg_pool2d(points, self.stride) / share.clamp(min=1e-6)
        mean = mean.flatten(2).transpose(1, 2)  # (F, N, 3)
        # A mean moves with the camera as its points do, so that only N of them need be moved.
        posed = (pose.abs() < torch.inf).flatten(1).all(1)  # false for NaN too
        pose = torch.where(posed[:, None, None], pose, 0.0)
        # Sums, not a product of matrices, which a float16 bundle would round: steps are finer than that.
        world = (mean[:, :, None] * pose[:, None, :3, :3]).sum(-1) + pose[:, None, :3, 3]
        return world, (share.flatten(1) > 0) & posed[:, None]

    def encode(self, points: torch.Tensor) -> torch.Tensor:
        """Encode world points (F, N, 3) as (F, N, dim); channels that three axes cannot share stay 0."""
        inside = torch.minimum(torch.maximum(points, self.lowest), self.highest)
        steps = torch.round((inside - self.lowest) / self.options.step_m)
        phases = steps[..., None] * self.rates  # (F, N, 3, pairs)
        waves = torch.stack([phases.sin(), phases.cos()], -1).flatten(2)
        return functional.pad(waves, (0, self.dim - waves.shape[-1]))
