# SPDX-License-Identifier: Apache-2.0
"""Local feature mining: visual tokens look closely at their own piece of the image (preset `llmi3d`).

A re-implementation from what is known of LLMI3D (arXiv 2408.07422, "spatial-enhanced cross-branch attention";
its code and sizes are not public) over the mining of Mini-Gemini (arXiv 2403.18814): every token queries the
cells of a high-resolution convolutional branch that lie in its own M x M sub-window. Keys also carry where a
cell looks, its ray ((u - cx) / fx, (v - cy) / fy), and how far, a coarse depth that a small convolutional
head predicts. With token q and its cells' keys and values K, V: q' = q + Attn(q, K, V), out = q' + MLP(q').
N tokens stay N.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from ide3d_ros.network.branches.options import read_options
from ide3d_ros.network.convolution import ResidualBlock, downsampling

if TYPE_CHECKING:
    from ide3d_ros.network.config import NetworkConfig


@dataclass(frozen=True)
class LocalOptions:
    """`NetworkConfig.branch_options` of this branch.

    Attributes:
        channels: of the high-resolution cells.
        stride: side of a cell, pixels of the network image: 4 or 8.
        frequencies: octaves of the sinusoidal encoding.
    """

    channels: int = 64
    stride: int = 4
    frequencies: int = 4

    def __post_init__(self) -> None:
        if self.stride not in (4, 8):
            raise ValueError(f"branch_options.stride is {self.stride}; use 4 or 8")
        if self.channels % 2 or self.channels < 2 or self.frequencies < 1:
            raise ValueError("branch_options: channels must be even and positive, frequencies 1 or more")


class LocalBranch(nn.Module):
    """Add what each token finds in the cells of its own sub-window.

    The last layers of attention and MLP begin at zero: a fresh branch leaves the tokens as they are.

    Args:
        config: sizes; its `branch_options` are `LocalOptions`.

    Raises:
        ValueError: if an option is unknown or of no use.
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        options = read_options(LocalOptions, config.branch, config.branch_options)
        dim, channels = config.dim, options.channels
        self.rows, self.columns, self.heads = config.rows, config.columns, config.heads
        self.side = config.stride // options.stride  # M: cells along a token's side
        self.frequencies = options.frequencies
        halvings = [downsampling(3, channels // 2), downsampling(channels // 2, channels)]
        if options.stride == 8:
            halvings.append(downsampling(channels, channels))
        self.cells = nn.Sequential(*halvings, ResidualBlock(channels))
        self.depth = CoarseDepth(channels, self.side)
        v, u = torch.meshgrid(
            torch.arange(config.rows * self.side), torch.arange(config.columns * self.side), indexing="ij"
        )
        centers = (torch.stack([u, v], -1).float() + 0.5) * options.stride - 0.5
        self.register_buffer("centers", centers.reshape(-1, 2), persistent=False)  # (C, 2) pixels

        self.norm = nn.LayerNorm(dim)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(channels, dim)
        self.place = nn.Linear(3 * 2 * options.frequencies, dim, bias=False)
        self.value = nn.Linear(channels, dim)
        self.out = nn.Linear(dim, dim)
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)
        )
        for last in (self.out, self.mlp[-1]):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(
        self,
        tokens: torch.Tensor,
        images: torch.Tensor,
        intrinsics: torch.Tensor,
        extra: tuple[torch.Tensor, ...] = (),
    ) -> torch.Tensor:
        """Return new tokens (F, N, dim); see `Branch`. C cells a frame, M^2 of them a token."""
        pixels = images.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        cells = self.cells(pixels)  # (F, channels, rows M, columns M)
        depth = functional.interpolate(
            self.depth(cells), scale_factor=float(self.side), mode="bilinear", align_corners=False
        )
        seen = self._windows(cells)  # (F, N, M^2, channels)
        place = self._windows(self._encode(intrinsics, depth))  # (F, N, M^2, 6 frequencies)

        def split(x: torch.Tensor) -> torch.Tensor:  # (F, N, L, dim) -> (F, N, heads, L, dim / heads)
            return x.unflatten(-1, (self.heads, -1)).transpose(2, 3)

        asked = split(self.query(self.norm(tokens))[:, :, None])  # L = 1
        keys, values = split(self.key(seen) + self.place(place)), split(self.value(seen))
        weights = torch.softmax(asked @ keys.transpose(-1, -2) * keys.shape[-1] ** -0.5, -1)
        found = (weights @ values).flatten(2)  # (F, N, dim)
        tokens = tokens + self.out(found)
        return tokens + self.mlp(tokens)

    def _encode(self, intrinsics: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        """Encode rays and log depths of the cells: (F, 6 frequencies, rows M, columns M)."""
        focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], -1)[:, None]  # (F, 1, 2)
        rays = (self.centers - intrinsics[:, None, :2, 2]) / focal  # (F, C, 2)
        places = torch.cat([rays, depth.flatten(2).transpose(1, 2).to(rays.dtype)], -1)
        scaled = torch.cat([places * (2.0**k) for k in range(self.frequencies)], -1)
        encoded = torch.cat([scaled.sin(), scaled.cos()], -1).transpose(1, 2)
        return encoded.unflatten(2, (self.rows * self.side, self.columns * self.side))

    def _windows(self, grid: torch.Tensor) -> torch.Tensor:
        """Cut a grid of cells (F, D, rows M, columns M) into the tokens' sub-windows: (F, N, M^2, D)."""
        cut = grid.unflatten(3, (self.columns, self.side)).unflatten(2, (self.rows, self.side))
        return cut.permute(0, 2, 4, 3, 5, 1).flatten(3, 4).flatten(1, 2)


class CoarseDepth(nn.Module):
    """Predict one log depth a visual token from the high-resolution cells.

    It speaks of the virtual camera as the box head does, or of none where that does not.

    Args:
        channels: of the cells.
        side: cells along a token's side.
    """

    def __init__(self, channels: int, side: int):
        super().__init__()
        halvings = side.bit_length() - 1
        self.read = nn.Sequential(
            *(downsampling(channels, channels) for _ in range(halvings)),
            ResidualBlock(channels),
            nn.Conv2d(channels, 1, 1),
        )
        with torch.no_grad():  # begin at a depth of about 2.5 m everywhere
            self.read[-1].weight *= 0.1
            self.read[-1].bias.fill_(0.9)

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        """Read cells (F, channels, rows M, columns M): (F, 1, rows, columns) log depths."""
        return self.read(cells).clamp(-4.0, 4.0)
