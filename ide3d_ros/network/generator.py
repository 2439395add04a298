# SPDX-License-Identifier: Apache-2.0
"""A small latent video generator, and what a network reads of one that is frozen (preset `vega3d`).

An autoencoder shrinks frames eight times into latents; a transformer learns to turn noise into latents of a
video by flow matching: with latents z and noise e, z_t = (1 - t) z + t e, and it predicts e - z
(arXiv 2210.02747). The blocks are modulated by t as those of DiT (arXiv 2212.09748) are, through one layer
that all blocks share. It is the plan of Wan2.1, whose features VEGA-3D (arXiv 2603.19235) reads, at a size
that trains on a CPU.

While it is trained, the frames of a video see one another. Where a network reads it, every frame is a video
of its own, as in VEGA-3D's code: what a frame contributes must not depend on the others of its window, so
that it is computed once and kept. The noise of the chosen level is a constant for the same reason.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional

from ide3d_ros.network.convolution import ResidualBlock, downsampling

SHRINK = 8
"""Pixels of a latent's cell, each way."""
TOKEN = 16
"""Pixels of a visual token, each way."""
FEATURES = ("generator", "autoencoder")
_FREQUENCIES = 32


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes of a generator.

    Attributes:
        width, height: of the frames, pixels; multiples of 16.
        channels: of the autoencoder at strides 2, 4 and 8.
        latent: channels of the latents.
        patch: side of the transformer's patches, cells of the latents: 1 or 2.
        dim: width of the transformer.
        blocks: its number of blocks.
        heads: attention heads.
        mlp: hidden width of its feed-forward layers.
        frames: most frames of one video.
    """

    width: int = 256
    height: int = 192
    channels: tuple[int, int, int] = (16, 32, 64)
    latent: int = 8
    patch: int = 2
    dim: int = 128
    blocks: int = 6
    heads: int = 4
    mlp: int = 384
    frames: int = 2

    def __post_init__(self) -> None:
        if self.width % TOKEN or self.height % TOKEN:
            raise ValueError(
                f"frames of {self.width}x{self.height} do not divide into tokens of {TOKEN} pixels; render "
                "rooms at a width and height that do"
            )
        if self.patch not in (1, 2):
            raise ValueError(f"patch must be 1 or 2 cells, not {self.patch}")
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} does not divide into {self.heads} heads")
        if min(*self.channels, self.latent, self.blocks, self.mlp, self.frames) < 1:
            raise ValueError("every size of a generator must be 1 or more")

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of a frame's latents."""
        return self.height // SHRINK, self.width // SHRINK

    @property
    def patches(self) -> tuple[int, int]:
        """Rows and columns of the transformer's patches of a frame."""
        return self.cells[0] // self.patch, self.cells[1] // self.patch

    def to_dict(self) -> dict:
        """Return plain values."""
        return asdict(self) | {"channels": list(self.channels)}

    @classmethod
    def from_dict(cls, values: dict) -> GeneratorConfig:
        """Rebuild a config from `to_dict`."""
        return cls(**(values | {"channels": tuple(values["channels"])}))


class LatentEncoder(nn.Module):
    """The autoencoder's first half: frames to latents.

    Args:
        config: sizes.
    """

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        a, b, c = config.channels
        self.read = nn.Sequential(
            downsampling(3, a), downsampling(a, b), downsampling(b, c), ResidualBlock(c),
            nn.Conv2d(c, 2 * config.latent, 1),
        )  # fmt: skip
        # Of every channel over the frames it was trained on: the transformer is to see mean 0 and variance 1.
        self.register_buffer("mean", torch.zeros(config.latent, 1, 1))
        self.register_buffer("deviation", torch.ones(config.latent, 1, 1))

    def distribution(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return means and log variances (F, latent, h, w) of raw latents of (F, H, W, 3) uint8 frames."""
        pixels = images.float().permute(0, 3, 1, 2) / 127.5 - 1.0
        mean, log_variance = self.read(pixels).chunk(2, 1)
        return mean, log_variance.clamp(-12.0, 4.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the standardised latents (F, latent, h, w) of (F, H, W, 3) uint8 frames."""
        return (self.distribution(images)[0] - self.mean) / self.deviation


class FlowBlock(nn.Module):
    """A transformer block whose norms and outputs the noise level modulates."""

    def __init__(self, dim: int, heads: int, mlp: int):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(dim, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(dim, elementwise_affine=False)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp), nn.GELU(), nn.Linear(mlp, dim))
        self.table = nn.Parameter(torch.randn(6, dim) * dim**-0.5)

    def forward(self, x: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Map (V, L, dim) to the same; `level` (V or 1, 6, dim) is what all blocks share of it."""
        shift1, scale1, gate1, shift2, scale2, gate2 = (level + self.table)[:, :, None].unbind(1)
        y = self.norm1(x) * (1.0 + scale1) + shift1
        q, k, v = self.qkv(y).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, -1).to(v.dtype) @ v
        x = x + gate1 * self.out(seen.transpose(1, 2).flatten(2))
        return x + gate2 * self.mlp(self.norm2(x) * (1.0 + scale2) + shift2)


class FlowTrunk(nn.Module):
    """The transformer, or its first blocks.

    Args:
        config: sizes.
        depth: blocks that are built; a network that reads block 3 needs no block 4.
    """

    def __init__(self, config: GeneratorConfig, depth: int):
        super().__init__()
        rows, columns = config.patches
        self.embed = nn.Conv2d(config.latent, config.dim, config.patch, stride=config.patch)
        self.position = nn.Parameter(torch.randn(rows * columns, config.dim) * 0.02)
        self.time = nn.Parameter(torch.randn(config.frames, 1, config.dim) * 0.02)
        self.level = nn.Sequential(
            nn.Linear(2 * _FREQUENCIES, config.dim), nn.SiLU(),
            nn.Linear(config.dim, config.dim), nn.SiLU(), nn.Linear(config.dim, 6 * config.dim),
        )  # fmt: skip
        for values in self.level[-1].parameters():
            nn.init.zeros_(values)
        waves = torch.exp(-math.log(10_000.0) * torch.arange(_FREQUENCIES) / _FREQUENCIES)
        self.register_buffer("waves", 1000.0 * waves, persistent=False)
        self.blocks = nn.ModuleList(FlowBlock(config.dim, config.heads, config.mlp) for _ in range(depth))

    def forward(self, latents: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Return the states behind the last block that is built.

        Args:
            latents: (V, T, latent, h, w), T frames of each of V videos, noised.
            level: (V,) or (1,) share of noise in them, 0..1.

        Returns:
            (V, T, n, dim), n patches of a frame row by row.
        """
        frames = latents.shape[1]
        x = self.embed(latents.flatten(0, 1)).flatten(2).transpose(1, 2) + self.position
        x = (x.unflatten(0, (-1, frames)) + self.time[:frames]).flatten(1, 2)
        angles = level[:, None] * self.waves
        shared = self.level(torch.cat([angles.sin(), angles.cos()], -1)).unflatten(-1, (6, -1))
        for block in self.blocks:
            x = block(x, shared)
        return x.unflatten(1, (frames, -1))


class FrozenGenerator(nn.Module):
    """Read a generator's intermediate features of frames, each by itself; it never learns.

    Always in evaluation mode, without gradients. Equal frames give equal features, in every run and on every
    machine: the noise is a part of the weights.

    Args:
        config: sizes of the generator.
        features: "generator" for the states behind a block; "autoencoder" for the latents themselves, the
            control that has no generator in it.
        level: share of noise in the latents, 0..1.
        block: whose output is read, counted from 0.
        seed: of the noise.

    Attributes:
        channels: width of the features.

    Raises:
        ValueError: if an argument is of no use.
    """

    def __init__(self, config: GeneratorConfig, features: str, level: float, block: int, seed: int):
        super().__init__()
        if features not in FEATURES:
            raise ValueError(f"features is {features!r}; use one of: {', '.join(FEATURES)}")
        if not 0.0 <= level <= 1.0:
            raise ValueError(f"level is {level}; use a share of noise from 0 to 1")
        if not 0 <= block < config.blocks:
            raise ValueError(f"block is {block}; the generator has blocks 0 to {config.blocks - 1}")
        self.patch = config.patch
        self.encoder = LatentEncoder(config)
        self.trunk = None
        self.channels = config.latent * (TOKEN // SHRINK) ** 2
        if features == "generator":
            self.trunk = FlowTrunk(config, block + 1)
            self.channels = config.dim
            random = torch.Generator().manual_seed(seed)
            self.register_buffer("noise", torch.randn(config.latent, *config.cells, generator=random))
            self.register_buffer("level", torch.tensor([level]))
        self.rows, self.columns = config.height // TOKEN, config.width // TOKEN
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> FrozenGenerator:
        """Stay in evaluation mode, whatever the network around it does."""
        return super().train(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (F, N, channels) on the grid of visual tokens for (F, H, W, 3) uint8 frames."""
        latents = self.encoder(images)
        if self.trunk is None:  # the four cells of a token side by side
            return functional.pixel_unshuffle(latents, TOKEN // SHRINK).flatten(2).transpose(1, 2)
        return self.intermediate(latents)

    def intermediate(self, latents: torch.Tensor) -> torch.Tensor:
        """Noise latents (F, latent, h, w) to the level and average a block's states onto the tokens' grid."""
        noised = (1.0 - self.level) * latents + self.level * self.noise
        states = self.trunk(noised[:, None], self.level)[:, 0]  # (F, n, dim)
        side = TOKEN // (SHRINK * self.patch)
        if side == 1:
            return states
        cells = states.unflatten(1, (self.rows, side, self.columns, side))
        return cells.mean((2, 4)).flatten(1, 2)
