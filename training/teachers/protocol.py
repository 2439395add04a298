# SPDX-License-Identifier: Apache-2.0
"""What every teacher is: frames of rooms in, a grid of tokens for each frame out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import torch
from torch.nn import functional


class TeacherError(RuntimeError):
    """A teacher or its features cannot be used; the sentence names what and the way out."""


class Teacher(Protocol):
    """A frozen network.

    Attributes:
        name: what kind of network it is.
        digest: sha256 of its weights; equal digests give equal tokens.
        channels: width of its tokens.
    """

    name: str
    digest: str
    channels: int

    def tokens(self, frames: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
        """Look at rooms; frames of one room may see one another, rooms may not.

        Args:
            frames: (R, F, H, W, 3) uint8 RGB, F frames of each of R rooms.
            intrinsics: (R, F, 3, 3) float32 pinhole matrices, NaN where unknown; a teacher need not use them.

        Returns:
            (R, F, rows, columns, C) float32, on the teacher's own grid, which spans the whole frame.
        """
        ...


def pool(tokens: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """Average tokens (..., rows, columns, C) onto a grid and lay them out row by row, (..., N, C)."""
    lead = tokens.shape[:-3]
    maps = tokens.flatten(0, -4).permute(0, 3, 1, 2)
    pooled = functional.adaptive_avg_pool2d(maps, grid)
    return pooled.flatten(2).transpose(1, 2).unflatten(0, lead)


def fit_frames(frames: torch.Tensor, width: int, patch: int) -> torch.Tensor:
    """Scale frames to a width, and to the height nearest to their aspect ratio, in whole patches.

    The whole field of view is kept, so the grid of patches and any other grid over the frame agree.

    Args:
        frames: (B, H, W, 3) uint8.
        width: pixels, a multiple of `patch`.
        patch: pixels.

    Returns:
        (B, 3, h, width) float32, 0..1.
    """
    height = max(1, round(frames.shape[1] * width / frames.shape[2] / patch)) * patch
    pixels = frames.permute(0, 3, 1, 2).float() / 255.0
    scaled = functional.interpolate(
        pixels, (height, width), mode="bicubic", align_corners=False, antialias=True
    )
    return scaled.clamp(0.0, 1.0)


def weights_digest(state: Mapping[str, torch.Tensor]) -> str:
    """Return the sha256 of a network's weights, whatever file they came in."""
    said = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        said.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        said.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return said.hexdigest()
