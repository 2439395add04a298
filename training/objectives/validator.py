# SPDX-License-Identifier: Apache-2.0
"""The geometry validator: a depth head that exists in training alone, and its losses.

It reads the vision tower's levels before the projector, as in 3D-IDE (arXiv 2604.03296): a projection shared
by the levels, then a dense prediction transformer's decoder (DPT, arXiv 2103.13413) from random weights. What
it gets wrong is a gradient on the vision tower, which therefore has to hold the geometry; the validator
itself is thrown away.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ide3d_ros.geometry.box_code import coded_depth_scale
from ide3d_ros.network import NetworkConfig
from ide3d_training.config import ConfigError, Validator

TRIMMED = 0.98
"""Share of the pixels that count: the worst 2 % are edges where a pixel shows two surfaces."""
LARGEST_LOSS = 100.0
CONFIDENCE_REWARD = 0.2
"""The alpha of L_conf."""


class GeometryValidator(nn.Module):
    """Decode metric depth and a confidence from levels of the vision tower.

    Args:
        network: sizes of the network that is validated.
        options: levels, width and stride of the validator.

    Raises:
        ConfigError: if the stride does not divide a token into equal parts.
    """

    def __init__(self, network: NetworkConfig, options: Validator):
        super().__init__()
        if options.stride not in (1, 2, 4, 8, 16):
            raise ConfigError(f"validator.stride must be 1, 2, 4, 8 or 16, not {options.stride}")
        self.rows, self.columns, self.stride = network.rows, network.columns, options.stride
        self.focal_virtual = network.focal_virtual
        dim, width = network.dim, options.width
        self.project = nn.Sequential(
            nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim), nn.LayerNorm(dim)
        )
        self.enter = nn.ModuleList(nn.Conv2d(dim, width, 1) for _ in options.levels)
        self.fuse = nn.ModuleList(Fusion(width) for _ in options.levels)
        # Shallow levels know edges and enter at a fine grid, deep ones at a coarse one.
        count = len(options.levels)
        self.scales = [2.0 ** max(1 - level, -1) for level in range(count)]
        self.read = nn.Sequential(
            nn.Conv2d(width, width // 2, 3, padding=1), nn.ReLU(), nn.Conv2d(width // 2, 2, 1)
        )
        with torch.no_grad():  # begin at a depth of about 2.5 m everywhere, doubted
            self.read[-1].weight *= 0.1
            self.read[-1].bias.copy_(torch.tensor([0.9, 0.0]))

    def forward(
        self, levels: list[torch.Tensor], intrinsics: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Decode depth.

        The head speaks of the virtual camera, as the box head does: one network then serves every focal
        length.

        Args:
            levels: (B, N, dim) outputs of the tapped blocks, shallow to deep.
            intrinsics: (B, 3, 3) of the network image.

        Returns:
            depth (B, h, w) metres, above 0, and confidence (B, h, w), above 1; float32, at the network
            image's size over the stride.
        """
        fused = None
        for tokens, enter, fuse, scale in reversed(
            list(zip(levels, self.enter, self.fuse, self.scales, strict=True))
        ):
            grid = self.project(tokens).transpose(1, 2).unflatten(2, (self.rows, self.columns))
            size = (round(self.rows * scale), round(self.columns * scale))
            entered = functional.interpolate(enter(grid), size, mode="bilinear", align_corners=False)
            fused = fuse(entered, fused)
        size = (self.rows * 16 // self.stride, self.columns * 16 // self.stride)
        fused = functional.interpolate(fused, size, mode="bilinear", align_corners=False)
        said = self.read(fused).float()
        scale = coded_depth_scale(intrinsics[:, 1, 1, None, None], self.focal_virtual)
        return said[:, 0].clamp(-5.0, 6.0).exp() / scale, 1.0 + said[:, 1].clamp(max=10.0).exp()


class Fusion(nn.Module):
    """Add a level to what the deeper ones fused to, refined by residual convolutions."""

    def __init__(self, width: int):
        super().__init__()
        self.refine = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, level: torch.Tensor, deeper: torch.Tensor | None) -> torch.Tensor:
        if deeper is not None:
            level = level + functional.interpolate(
                deeper, level.shape[-2:], mode="bilinear", align_corners=False
            )
        return level + self.refine(level)


def shrink_depth(depth: torch.Tensor, stride: int) -> torch.Tensor:
    """Take one pixel of each cell of depth maps (B, H, W), the middle one: depths are never mixed."""
    return depth[:, stride // 2 :: stride, stride // 2 :: stride]


def depth_map_losses(
    depth: torch.Tensor, confidence: torch.Tensor, truth: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Compare depth maps with the truth (3D-IDE, arXiv 2604.03296).

    With e = |D - D*| over pixels of known depth and confidence c: L_reg = mean e; L_conf = mean (e c - 0.2
    log c); both without the worst 2 % and clamped at 100. L_grad = sum of |grad_x| + |grad_y| of D - D* over
    neighbours of known depth at strides 1, 2, 4 and 8, over their number, averaged over the strides.

    Args:
        depth: (B, h, w) metres.
        confidence: (B, h, w), above 1.
        truth: (B, h, w) metres; 0 or not finite where unknown.

    Returns:
        Scalars "depth_map", "depth_map_confidence", "depth_map_gradient"; zeros, with gradients of zero, if
        no depth is known.
    """
    known = torch.isfinite(truth) & (truth > 0)
    nothing = (depth.sum() + confidence.sum()) * 0.0
    if not known.any():
        return dict.fromkeys(("depth_map", "depth_map_confidence", "depth_map_gradient"), nothing)
    difference = torch.where(known, depth - truth.nan_to_num(0.0, 0.0, 0.0), 0.0)
    error, sure = difference[known].abs(), confidence[known]
    return {
        "depth_map": trimmed_mean(error),
        "depth_map_confidence": trimmed_mean(error * sure - CONFIDENCE_REWARD * sure.log()),
        "depth_map_gradient": gradient_loss(difference, known) + nothing,
    }


def trimmed_mean(losses: torch.Tensor) -> torch.Tensor:
    """Average (n,) losses without the largest 2 %, each clamped at 100."""
    with torch.no_grad():
        kept = losses <= losses.float().kthvalue(max(1, round(len(losses) * TRIMMED))).values
    return losses[kept].clamp(max=LARGEST_LOSS).mean()


def gradient_loss(difference: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Average the slopes of a difference of depth maps (B, h, w) over four strides.

    Args:
        difference: metres, 0 where unknown.
        known: (B, h, w) bool.
    """
    losses = []
    for stride in (1, 2, 4, 8):
        e, m = difference[:, ::stride, ::stride], known[:, ::stride, ::stride]
        across, down = m[:, :, 1:] & m[:, :, :-1], m[:, 1:] & m[:, :-1]
        slopes = ((e[:, :, 1:] - e[:, :, :-1]).abs() * across).sum()
        slopes = slopes + ((e[:, 1:] - e[:, :-1]).abs() * down).sum()
        losses.append(slopes / m.sum().clamp(min=1))
    return torch.stack(losses).mean()
