# SPDX-License-Identifier: Apache-2.0
"""What position branches share: the mean 3D point of each token's cell, encoded by sines and cosines.

A re-implementation of the encoding of Video-3D-LLM (arXiv 2412.00493), not the authors' code: depth is
unprojected, the points of a token's cell are averaged, clamped, counted in steps of 0.1 m, and encoded as
sines and cosines, a third of the channels for each axis. Nothing is learned.
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

_BASE = 10_000.0
Corner = tuple[float, float, float]


@dataclass(frozen=True)
class PositionOptions:
    """`NetworkConfig.branch_options` of branches that encode positions.

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


class PositionBranch(nn.Module):
    """Add the encoding of the mean point of each token's cell; to cells without depth add nothing.

    Args:
        config: sizes; its `branch_options` are `PositionOptions`.

    Attributes:
        LOWEST, HIGHEST: corners of the space that has positions of its own, metres; what lies beyond is moved
            to its border.

    Raises:
        ValueError: if an option is unknown or of no use, or the tokens are too narrow to tell three axes.
    """

    LOWEST: Corner
    HIGHEST: Corner

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.options = read_options(PositionOptions, config.branch, config.branch_options)
        self.dim, self.stride = config.dim, config.stride
        pairs = config.dim // 6  # of a sine and a cosine, on each axis
        if not pairs:
            raise ValueError(
                f"dim {config.dim} has no room for sines and cosines of three axes; use 6 or more"
            )
        v, u = torch.meshgrid(torch.arange(config.height), torch.arange(config.width), indexing="ij")
        self.register_buffer("pixels", torch.stack([u, v]).float(), persistent=False)  # (2, H, W)
        self.register_buffer("lowest", torch.tensor(self.LOWEST), persistent=False)
        self.register_buffer("highest", torch.tensor(self.HIGHEST), persistent=False)
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

        `extra` is depth (F, H, W) in metres, 0 where unknown, and what `cell_points` takes behind it.
        """
        depth, *rest = extra
        points, known = self.cell_points(depth.float(), intrinsics, *rest)
        return tokens + torch.where(known[..., None], self.encode(points), 0.0).to(tokens.dtype)

    def cell_points(self, depth: torch.Tensor, intrinsics: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Average the points of each token's cell where they are encoded; arguments as in `average`."""
        return self.average(depth, intrinsics)

    def average(self, depth: torch.Tensor, intrinsics: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Average the points of each token's cell in the camera's optical frame.

        Args:
            depth: (F, H, W) metres, 0 or not finite where unknown.
            intrinsics: (F, 3, 3) of the network image.

        Returns:
            (F, N, 3) metres; (F, N) bool, whether any depth of the cell is known.
        """
        valid = (depth > 0) & (depth < torch.inf)
        depth = torch.where(valid, depth, 0.0)
        focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], 1)[:, :, None, None]
        principal = intrinsics[:, :2, 2][:, :, None, None]
        rays = (self.pixels - principal) / focal  # (F, 2, H, W)
        points = torch.cat([rays * depth[:, None], depth[:, None]], 1)
        counted = valid if self.options.mask_unknown else torch.ones_like(valid)
        share = functional.avg_pool2d(counted[:, None].float(), self.stride)
        mean = functional.avg_pool2d(points, self.stride) / share.clamp(min=1e-6)
        return mean.flatten(2).transpose(1, 2), share.flatten(1) > 0

    def encode(self, points: torch.Tensor) -> torch.Tensor:
        """Encode points (F, N, 3) as (F, N, dim); channels that three axes cannot share stay 0."""
        inside = torch.minimum(torch.maximum(points, self.lowest), self.highest)
        steps = torch.round((inside - self.lowest) / self.options.step_m)
        phases = steps[..., None] * self.rates  # (F, N, 3, pairs)
        waves = torch.stack([phases.sin(), phases.cos()], -1).flatten(2)
        return functional.pad(waves, (0, self.dim - waves.shape[-1]))
