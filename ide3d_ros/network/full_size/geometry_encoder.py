# SPDX-License-Identifier: Apache-2.0
"""A multi-view geometry encoder of VGGT's shape: what a dual-encoder network runs beside its vision tower.

Frames are cut into patches by an image transformer; then blocks that attend within each frame alternate with
blocks that attend across all frames. Written from the published sizes (24 + 24 blocks of width 1024, patches
of 14 pixels, five tokens a frame for camera and registers, 2048 values a patch): it costs what VGGT-1B costs
up to the layer that is read, and holds none of its weights, which are not free for every use.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LAYER_SCALE = 0.01


@dataclass(frozen=True)
class GeometryEncoderConfig:
    """Sizes; the defaults are VGGT-1B's.

    Attributes:
        width: width of all blocks.
        heads: attention heads.
        image_layers: blocks of the image transformer that makes the patches.
        pairs: pairs of a block within frames and one across frames.
        patch: side of a patch, pixels.
        frame_tokens: tokens a frame has besides its patches: a camera token and registers.
        rope_base: base of the rotary frequencies.
    """

    width: int = 1024
    heads: int = 16
    image_layers: int = 24
    pairs: int = 24
    patch: int = 14
    frame_tokens: int = 5
    rope_base: float = 100.0

    def __post_init__(self) -> None:
        if self.width % self.heads or (self.width // self.heads) % 4:
            raise ValueError(
                f"width {self.width} and heads {self.heads} do not give heads of a multiple of 4, "
                "which rotary positions in two axes need"
            )
        if self.pairs < 2:
            raise ValueError(f"pairs is {self.pairs}; the second-to-last is read, so there must be two")

    @property
    def output(self) -> int:
        """Values that a patch yields: those of both blocks of a pair, side by side."""
        return 2 * self.width


def rotary_angles(rows: int, columns: int, config: GeometryEncoderConfig) -> torch.Tensor:
    """Return the rotary angles of a frame's tokens.

    The first half of a head turns with the row, the second with the column. Camera token and registers
    stand at (0, 0), patches begin at (1, 1).

    Returns:
        (frame_tokens + rows * columns, head width / 2) float32 radians.
    """
    quarter = config.width // config.heads // 4
    frequency = config.rope_base ** -(torch.arange(quarter, dtype=torch.float32) / quarter)
    row, column = torch.meshgrid(torch.arange(1, rows + 1), torch.arange(1, columns + 1), indexing="ij")
    place = torch.stack([row.flatten(), column.flatten()], -1)
    place = nn.functional.pad(place, (0, 0, config.frame_tokens, 0))
    return (place[:, :, None] * frequency).flatten(1)


def _turned(heads: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Turn pairs of values of (B, heads, S, width) by (S, width / 2) angles, in the heads' own type."""
    half = heads.shape[-1] // 4
    cos, sin = angles.cos().to(heads.dtype), angles.sin().to(heads.dtype)
    turned = []
    for axis in (0, 1):
        part = slice(2 * half * axis, 2 * half * (axis + 1))
        x, y = heads[..., part].chunk(2, -1)
        c, s = (value[:, half * axis : half * (axis + 1)] for value in (cos, sin))
        turned += [x * c - y * s, x * s + y * c]
    return torch.cat(turned, -1)


class Block(nn.Module):
    """A transformer block with normalised queries and keys, rotary positions and layer scales."""

    def __init__(self, config: GeometryEncoderConfig):
        super().__init__()
        width, head = config.width, config.width // config.heads
        self.heads = config.heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.query_norm, self.key_norm = nn.LayerNorm(head), nn.LayerNorm(head)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.scale1 = nn.Parameter(torch.full((width,), LAYER_SCALE))
        self.scale2 = nn.Parameter(torch.full((width,), LAYER_SCALE))

    def forward(self, tokens: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        """Attend within each row of a batch: (B, S, width) and (S, head width / 2) -> (B, S, width)."""
        query, key, value = self.qkv(self.norm1(tokens)).unflatten(-1, (3, self.heads, -1)).unbind(-3)
        query, key = self.query_norm(query).transpose(1, 2), self.key_norm(key).transpose(1, 2)
        attended = nn.functional.scaled_dot_product_attention(
            _turned(query, angles), _turned(key, angles), value.transpose(1, 2)
        )
        tokens = tokens + self.out(attended.transpose(1, 2).flatten(2)) * self.scale1
        return tokens + self.mlp(self.norm2(tokens)) * self.scale2


class GeometryEncoder(nn.Module):
    """Frames to patch features that know of the other frames; the first frame is the reference."""

    def __init__(self, config: GeometryEncoderConfig):
        super().__init__()
        self.config = config
        self.image = Dinov2WithRegistersModel(
            Dinov2WithRegistersConfig(
                hidden_size=config.width,
                num_hidden_layers=config.image_layers,
                num_attention_heads=config.heads,
                patch_size=config.patch,
                image_size=37 * config.patch,
                num_register_tokens=4,
            )
        )
        # One set for the reference frame, one for all others.
        self.frame_tokens = nn.Parameter(torch.randn(2, config.frame_tokens, config.width) * 1e-6)
        # The last pair is left out: nothing behind the second-to-last is read.
        self.within = nn.ModuleList(Block(config) for _ in range(config.pairs - 1))
        self.across = nn.ModuleList(Block(config) for _ in range(config.pairs - 1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Encode a window.

        Args:
            pixels: (F, 3, rows * patch, columns * patch), normalised by `MEAN` and `DEVIATION`.

        Returns:
            (F, rows, columns, 2 * width) features of the second-to-last pair.
        """
        frames = len(pixels)
        rows, columns = (side // self.config.patch for side in pixels.shape[2:])
        patches = self.image(pixels).last_hidden_state[:, -rows * columns :]
        own = self.frame_tokens[[0] + [1] * (frames - 1)]
        tokens = torch.cat([own, patches], 1)  # (F, S, width)
        angles = rotary_angles(rows, columns, self.config).to(tokens.device)
        everywhere = angles.repeat(frames, 1)
        for within, across in zip(self.within, self.across, strict=True):
            local = within(tokens, angles)
            tokens = across(local.flatten(0, 1)[None], everywhere)[0].unflatten(0, (frames, -1))
        features = torch.cat([local, tokens], -1)[:, self.config.frame_tokens :]
        return features.unflatten(1, (rows, columns))
