# SPDX-License-Identifier: Apache-2.0
"""A compact multi-view geometry network: frames of one room in, point maps in the first frame's camera out.

The plan is that of VGGT (arXiv 2503.11651), at a size that trains on a CPU: blocks in turn look within each
frame and across all frames of the room, and one head reads depth, points and their confidences. Training has
it as a teacher; the branch `second_encoder` carries it onto the robot.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ide3d_ros.network.convolution import ConvStem

STRIDE = 16
"""Pixels of a token, each way."""
FOCAL_VIRTUAL = 200.0
"""Focal length of the virtual camera that depths are predicted for, pixels."""
_FREQUENCIES = 4


@dataclass(frozen=True)
class GeometryConfig:
    """Sizes of the network.

    Attributes:
        width, height: of the frames, pixels; multiples of 16.
        stem_channels: channels of the convolutional stem at strides 2, 4 and 8.
        dim: width of the tokens.
        pairs: how many times a block within frames is followed by one across frames.
        heads: attention heads.
        mlp: hidden width of the feed-forward layers.
        map_stride: pixels of a frame for each pixel of the predicted maps.

    Raises:
        ValueError: if the sizes do not fit together.
    """

    width: int = 256
    height: int = 192
    stem_channels: tuple[int, int, int] = (24, 48, 96)
    dim: int = 160
    pairs: int = 2
    heads: int = 4
    mlp: int = 640
    map_stride: int = 4

    def __post_init__(self) -> None:
        if self.width % STRIDE or self.height % STRIDE:
            raise ValueError(
                f"frames of {self.width}x{self.height} do not divide into tokens of {STRIDE} pixels; render "
                "rooms at a width and height that do"
            )
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} does not divide into {self.heads} heads")
        if self.map_stride not in (1, 2, 4, 8, 16):
            raise ValueError(f"map_stride must be 1, 2, 4, 8 or 16, not {self.map_stride}")

    @property
    def grid(self) -> tuple[int, int]:
        """Token rows and columns of a frame."""
        return self.height // STRIDE, self.width // STRIDE

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self) | {"stem_channels": list(self.stem_channels)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GeometryConfig:
        """Rebuild a config from `to_dict`."""
        return cls(**(values | {"stem_channels": tuple(values["stem_channels"])}))


@dataclass(frozen=True)
class Geometry:
    """What the network says of R rooms of F frames, at (h, w) pixels each.

    Attributes:
        tokens: (R, F, N, dim) the last layer, row by row; each channel has mean 0 and variance 1 over the
            rooms that were trained on.
        depth: (R, F, h, w) metres along each frame's optical axis, above 0.
        depth_confidence: (R, F, h, w), above 1.
        points: (R, F, h, w, 3) metres, in the optical frame of the room's first frame.
        points_confidence: (R, F, h, w), above 1.
    """

    tokens: torch.Tensor
    depth: torch.Tensor
    depth_confidence: torch.Tensor
    points: torch.Tensor
    points_confidence: torch.Tensor


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, dim: int, heads: int, mlp: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp), nn.GELU(), nn.Linear(mlp, dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, N, dim) to the same."""
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if torch.is_grad_enabled():  # on a CPU the fused kernel's gradient takes three times as long
            seen = (q * q.shape[-1] ** -0.5 @ k.transpose(-1, -2)).softmax(-1).to(v.dtype) @ v
        else:
            seen = functional.scaled_dot_product_attention(q, k, v)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class Rays(nn.Module):
    """Tell each token which ray it looks along; without intrinsics, that nobody knows."""

    def __init__(self, config: GeometryConfig):
        super().__init__()
        rows, columns = config.grid
        v, u = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        centers = torch.stack([u, v], -1).flatten(0, 1) * STRIDE + (STRIDE - 1) / 2
        self.register_buffer("centers", centers, persistent=False)  # (N, 2) pixels
        self.project = nn.Linear(4 * _FREQUENCIES, config.dim)
        self.unknown = nn.Parameter(torch.zeros(config.dim))

    def forward(self, intrinsics: torch.Tensor) -> torch.Tensor:
        """Encode (B, 3, 3) intrinsics, NaN where unknown, as (B, N, dim)."""
        focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], -1)[:, None]
        rays = (self.centers - intrinsics[:, None, :2, 2]) / focal
        waves = torch.cat([rays * 2.0**k for k in range(_FREQUENCIES)], -1)
        known = torch.isfinite(waves).all(-1, keepdim=True)
        waves = torch.where(known, waves, 0.0)
        return torch.where(known, self.project(torch.cat([waves.sin(), waves.cos()], -1)), self.unknown)


class GeometryNetwork(nn.Module):
    """See the module's docstring.

    Args:
        config: its sizes.
    """

    def __init__(self, config: GeometryConfig):
        super().__init__()
        self.config = config
        dim, (rows, columns) = config.dim, config.grid
        # Images come with their channels last, and so convolve faster.
        self.stem = ConvStem(config.stem_channels, dim).to(memory_format=torch.channels_last)
        self.rays = Rays(config)
        self.position = nn.Parameter(torch.randn(rows * columns, dim) * 0.02)
        self.role = nn.Parameter(torch.randn(2, dim) * 0.02)  # the first frame, any other

        def blocks() -> nn.ModuleList:
            return nn.ModuleList(Block(dim, config.heads, config.mlp) for _ in range(config.pairs))

        self.within, self.across = blocks(), blocks()
        # What all tokens have in common would drown what tells them apart once directions are compared.
        self.standardise = nn.BatchNorm1d(dim, affine=False)
        self.cells = STRIDE // config.map_stride
        self.head = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, 6 * self.cells**2))
        with torch.no_grad():  # begin near 2.7 m everywhere, doubted
            self.head[-1].weight *= 0.1
            bias = self.head[-1].bias.view(self.cells**2, 6)
            bias.copy_(torch.tensor([1.0, 0.0, 0.0, 1.3, 0.0, 0.0]).expand_as(bias))

    def forward(self, images: torch.Tensor, intrinsics: torch.Tensor) -> Geometry:
        """Look at rooms and say where everything is; see `look` for the arguments."""
        return self._read(self.look(images, intrinsics), intrinsics)

    def look(self, images: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
        """Return the tokens of rooms alone.

        Args:
            images: (R, F, H, W, 3) uint8 RGB.
            intrinsics: (R, F, 3, 3) float32 pinhole matrices; NaN where unknown.

        Returns:
            (R, F, N, dim) float32, as `Geometry.tokens`.
        """
        rooms, frames = images.shape[:2]
        pixels = images.flatten(0, 1).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        x = self.stem(pixels).flatten(2).transpose(1, 2)  # (R F, N, dim)
        x = x + self.position + self.rays(intrinsics.flatten(0, 1))
        role = self.role[[0] + [1] * (frames - 1)]
        x = (x.unflatten(0, (rooms, frames)) + role[:, None]).flatten(0, 1)
        for within, across in zip(self.within, self.across, strict=True):
            x = within(x)
            x = across(x.unflatten(0, (rooms, frames)).flatten(1, 2))  # (R, F N, dim)
            x = x.unflatten(1, (frames, -1)).flatten(0, 1)
        tokens = self.standardise(x.float().flatten(0, 1)).view_as(x)
        return tokens.unflatten(0, (rooms, frames))

    def _read(self, tokens: torch.Tensor, intrinsics: torch.Tensor) -> Geometry:
        """Decode tokens: one call of the head tells of the map pixels of a token's own cell."""
        rows, columns = self.config.grid
        said = self.head(tokens).float().unflatten(-1, (self.cells, self.cells, 6))
        said = said.unflatten(2, (rows, columns)).transpose(3, 4).flatten(4, 5).flatten(2, 3)  # (R,F,h,w,6)
        # Depth is that of a virtual camera, so that one network serves every focal length. Where the focal
        # length is not known, the virtual one stands in.
        scale = torch.nan_to_num(intrinsics[..., 1, 1] / FOCAL_VIRTUAL, nan=1.0)[..., None, None]
        raw = said[..., 2:5].clamp(-6.0, 6.0)
        virtual = raw.sign() * raw.abs().expm1()
        points = torch.stack([virtual[..., 0], virtual[..., 1], virtual[..., 2] * scale[:, :1]], -1)
        return Geometry(
            tokens=tokens,
            depth=said[..., 0].clamp(-5.0, 6.0).exp() * scale,
            depth_confidence=1.0 + said[..., 1].clamp(max=10.0).exp(),
            points=points,
            points_confidence=1.0 + said[..., 5].clamp(max=10.0).exp(),
        )
