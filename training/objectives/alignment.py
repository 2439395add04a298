# SPDX-License-Identifier: Apache-2.0
"""Global teacher alignment: the language model's visual tokens say what a frozen 3D teacher saw."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class TeacherAlignment(nn.Module):
    """Map last states of visual tokens into a teacher's space.

    Args:
        dim: width of the language model.
        channels: width of the teacher's tokens.
    """

    def __init__(self, dim: int, channels: int):
        super().__init__()
        self.map = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, channels))

    def forward(self, states: torch.Tensor, teacher: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compare directions: L = |a - b|^2 = 2 (1 - cos(a, b)) of unit vectors, averaged over tokens.

        The formula is that of 3DRS (arXiv 2506.01946), which 3D-IDE (arXiv 2604.03296) takes over.

        Args:
            states: (B, N, dim) last states of the visual tokens.
            teacher: (B, N, C) the teacher's tokens on the same grid; tokens that are not finite or zero do
                not count.

        Returns:
            {"alignment": scalar}.
        """
        target = teacher.float()
        usable = torch.isfinite(target).all(-1) & (target.square().sum(-1) > 0)
        said = functional.normalize(self.map(states).float(), dim=-1)
        wanted = functional.normalize(target.nan_to_num(0.0, 0.0, 0.0), dim=-1)
        distance = (said - wanted).square().sum(-1)
        return {"alignment": (distance * usable).sum() / usable.sum().clamp(min=1)}
