# SPDX-License-Identifier: Apache-2.0
"""Vision tower: one frame and its intrinsics in, one grid of visual tokens out."""

from __future__ import annotations

import torch
from torch import nn
from transformers import SiglipVisionConfig
from transformers.models.siglip.modeling_siglip import SiglipEncoder

from ide3d_ros.network.branches import build_branch
from ide3d_ros.network.config import NetworkConfig
from ide3d_ros.network.convolution import ConvStem


class RayEncoding(nn.Module):
    """Tell each token which ray it looks along, so that one network serves any pinhole camera."""

    frequencies = 4

    def __init__(self, config: NetworkConfig):
        super().__init__()
        centers = torch.as_tensor(
            config.box_code.token_centers(config.rows, config.columns), dtype=torch.float32
        )
        self.register_buffer("centers", centers, persistent=False)  # (N, 2) pixels
        self.project = nn.Linear(4 * self.frequencies, config.dim)

    def forward(self, intrinsics: torch.Tensor) -> torch.Tensor:
        """Encode (F, 3, 3) intrinsics of the network image as (F, N, dim)."""
        focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], -1)[:, None]  # (F, 1, 2)
        principal = intrinsics[:, None, :2, 2]
        rays = (self.centers - principal) / focal  # (F, N, 2)
        scaled = torch.cat([rays * (2.0**k) for k in range(self.frequencies)], -1)
        return self.project(torch.cat([scaled.sin(), scaled.cos()], -1))


class VisionTower(nn.Module):
    """Stem, SigLIP-style encoder over one frame's tokens, and the projector into the language model."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.stem = ConvStem(config.stem_channels, config.dim)
        self.rays = RayEncoding(config)
        self.position = nn.Parameter(torch.randn(1, config.tokens, config.dim) * 0.02)
        self.encoder = SiglipEncoder(
            SiglipVisionConfig(
                hidden_size=config.dim,
                intermediate_size=config.vision_mlp,
                num_hidden_layers=config.vision_layers,
                num_attention_heads=config.heads,
                attn_implementation="sdpa",
            )
        )
        self.norm = nn.LayerNorm(config.dim)
        self.projector = nn.Sequential(
            nn.Linear(config.dim, config.dim), nn.GELU(), nn.Linear(config.dim, config.dim)
        )
        self.branch = build_branch(config)

    def forward(
        self, images: torch.Tensor, intrinsics: torch.Tensor, extra: tuple[torch.Tensor, ...] = ()
    ) -> torch.Tensor:
        """Encode frames.

        Args:
            images: (F, H, W, 3) uint8 RGB at the network size.
            intrinsics: (F, 3, 3) float32 pinhole matrices of that size.
            extra: what `NetworkConfig.extra_inputs` names, in that order.

        Returns:
            (F, N, dim) float32 visual tokens, row by row.
        """
        # Cast first: TensorRT takes bytes as an input, but no other layer of it reads them.
        pixels = images.float().permute(0, 3, 1, 2) / 127.5 - 1.0
        grid = self.stem(pixels)  # (F, dim, rows, columns)
        tokens = grid.flatten(2).transpose(1, 2) + self.position + self.rays(intrinsics)
        tokens = self.encoder(inputs_embeds=tokens).last_hidden_state
        tokens = self.projector(self.norm(tokens))
        return tokens if self.branch is None else self.branch(tokens, images, intrinsics, extra)
