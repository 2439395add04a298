# SPDX-License-Identifier: Apache-2.0
"""The dual-encoder design (VG-LLM, arXiv 2505.24625): a frozen geometry encoder adds to the visual tokens."""

from __future__ import annotations

import torch
from torch import nn

from ide3d_ros.network.full_size.geometry_encoder import (
    DEVIATION,
    MEAN,
    GeometryEncoder,
    GeometryEncoderConfig,
)
from ide3d_ros.network.full_size.layout import FrameLayout

MERGE = 2
"""Patches along each side that meet in one visual token."""
HIDDEN = 4096


class SecondEncoder(nn.Module):
    """Encode the same frames a second time, and bring what comes out to the visual tokens' grid and width.

    Features are normalised (RMS), four neighbours are laid side by side, and two layers map them to the
    language model's width. Only those are trained.

    Args:
        config: sizes of the geometry encoder.
        layout: the grid that the features are added to.
        dim: width of the language model.
    """

    def __init__(self, config: GeometryEncoderConfig, layout: FrameLayout, dim: int):
        super().__init__()
        self.layout = layout
        self.encoder = GeometryEncoder(config).requires_grad_(False)
        self.norm = nn.RMSNorm(config.output)
        merged = config.output * MERGE**2
        self.merger = nn.Sequential(nn.Linear(merged, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, dim))

    @property
    def patches(self) -> int:
        """Patches of a frame."""
        return self.layout.rows * self.layout.columns * MERGE**2

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Encode a window's frames together.

        Args:
            frames: (F, height, width, 3) uint8 RGB at the network size.

        Returns:
            (F, N, dim) to be added to the grid tokens.
        """
        with torch.no_grad():
            features = self.encoder(self._pixels(frames))
        rows, columns = self.layout.rows, self.layout.columns
        cells = self.norm(features).unflatten(2, (columns, MERGE)).unflatten(1, (rows, MERGE))
        return self.merger(cells.transpose(2, 3).flatten(3).flatten(1, 2))

    def _pixels(self, frames: torch.Tensor) -> torch.Tensor:
        """Take what the grid sees of the frames, MERGE patches a token, and normalise it."""
        rows, columns, stride = self.layout.rows, self.layout.columns, self.layout.stride
        seen = frames[:, : round(rows * stride), : round(columns * stride)]
        pixels = seen.permute(0, 3, 1, 2).float() / 255.0
        side = MERGE * self.encoder.config.patch
        if pixels.shape[2:] != (rows * side, columns * side):
            pixels = nn.functional.interpolate(
                pixels, (rows * side, columns * side), mode="bilinear", antialias=True, align_corners=False
            )
        mean, deviation = (pixels.new_tensor(value)[:, None, None] for value in (MEAN, DEVIATION))
        return ((pixels - mean) / deviation).to(self.merger[0].weight.dtype)
