# SPDX-License-Identifier: Apache-2.0
"""Convolutional blocks of the vision tower and of branches."""

from __future__ import annotations

import torch
from torch import nn


def downsampling(c_in: int, c_out: int) -> nn.Sequential:
    """Halve height and width: a 3x3 convolution of stride 2, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU()
    )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a skip."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(y)))


class ConvStem(nn.Module):
    """Turn pixels into stride-8 patches and merge them 2x2 into stride-16 tokens.

    A plain linear patch embedding needs far more pictures than a small network sees before its
    attention finds edges; early convolutions (Xiao et al., arXiv 2106.14881) give them at once.
    """

    def __init__(self, channels: tuple[int, int, int], dim: int):
        super().__init__()
        a, b, c = channels
        self.patches = nn.Sequential(
            downsampling(3, a), downsampling(a, b), downsampling(b, c), ResidualBlock(c)
        )
        self.merge = nn.Sequential(downsampling(c, dim), ResidualBlock(dim))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.merge(self.patches(pixels))
