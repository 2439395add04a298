# SPDX-License-Identifier: Apache-2.0
"""The cross-view term: tokens of one frame, told a pose, must say the depth that a neighbour sees."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ide3d_training.datasets.packing import PrivilegedBatch
from ide3d_training.objectives.validator import GeometryValidator, shrink_depth

NEIGHBOURS = (1, 2)
"""How far behind a frame its partners stand in the room's sequence."""
NEAREST = 0.01
"""Depths below this are not seen, metres."""
FEWEST_PIXELS = 10
"""Pairs that see less of one another than this contribute nothing."""
OCCLUDED = 0.05
"""A point is hidden in the other frame if that sees something nearer by more than this share."""


class CrossView(nn.Module):
    """Condition the vision tower's levels on a relative pose and have the validator decode the other view.

    As published in code (3D-IDE, arXiv 2604.03296): the relative pose, flattened to 16 numbers, goes through
    one matrix a level, which begins at zero, and is added to every token; projection and decoder are the
    validator's own.

    Args:
        levels: number of levels.
        dim: width of the vision tower.
    """

    def __init__(self, levels: int, dim: int):
        super().__init__()
        self.pose = nn.ModuleList(nn.Linear(16, dim, bias=False) for _ in range(levels))
        for matrix in self.pose:
            nn.init.zeros_(matrix.weight)

    def forward(
        self,
        levels: list[torch.Tensor],
        intrinsics: torch.Tensor,
        privileged: PrivilegedBatch,
        depth: torch.Tensor,
        validator: GeometryValidator,
    ) -> dict[str, torch.Tensor]:
        """Compute the terms over the pairs of a batch.

        Over the pixels of frame j that frame i sees too: L_cvpred = mean |D(i -> j) - D*_j|, L_cvcons = mean
        |D_j - D*_j|, and the warp variant = mean |z(D_i moved to j) - D_j at its pixel|, where the truth says
        that the point is not hidden.

        Args:
            levels: (B, N, dim) outputs of the tapped blocks.
            intrinsics: (B, 3, 3) of the network image.
            privileged: depth, poses, and which frames share a room.
            depth: (B, h, w) metres, the validator's own depth of every frame.
            validator: decodes.

        Returns:
            Scalars "cross_view", "cross_view_consistency", "cross_view_warp"; zeros, with gradients of zero,
            where no frames see the same.
        """
        first, second = neighbour_pairs(privileged.room, privileged.world_from_camera)
        terms = dict.fromkeys(
            ("cross_view", "cross_view_consistency", "cross_view_warp"),
            depth.sum() * 0.0 + sum(matrix.weight.sum() for matrix in self.pose) * 0.0,
        )
        if not len(first):
            return terms
        truth = shrink_depth(privileged.depth, validator.stride)
        moved = relative_poses(privileged.world_from_camera, first, second)
        pixels, z = reproject(truth[first], intrinsics[first], intrinsics[second], moved, validator.stride)
        seen = splat(pixels, z, truth[first].shape) & (truth[second] > NEAREST)
        enough = seen.flatten(1).sum(1) >= FEWEST_PIXELS
        if not enough.any():
            return terms
        conditioned = [
            tokens[first] + matrix(moved.flatten(1))[:, None]
            for tokens, matrix in zip(levels, self.pose, strict=True)
        ]
        told, _ = validator(conditioned, intrinsics[second])
        warped = warp_errors(depth, truth, intrinsics, (first, second), moved, validator.stride)
        found = {
            "cross_view": masked_mean((told - truth[second]).abs(), seen, enough),
            "cross_view_consistency": masked_mean((depth[second] - truth[second]).abs(), seen, enough),
            "cross_view_warp": warped,
        }
        return {name: terms[name] + value for name, value in found.items()}


def neighbour_pairs(room: torch.Tensor, poses: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Pair each frame with the next ones of its room.

    Args:
        room: (B,) int64, frames of a room next to one another.
        poses: (B, 4, 4) world from camera; frames without a finite pose have no partner.

    Returns:
        (P,) int64 rows of the first and of the second frame of each pair.
    """
    posed = torch.isfinite(poses).flatten(1).all(1)
    firsts, seconds = [], []
    for step in NEIGHBOURS:
        same = (room[:-step] == room[step:]) & posed[:-step] & posed[step:]
        rows = torch.nonzero(same)[:, 0]
        firsts.append(rows)
        seconds.append(rows + step)
    return torch.cat(firsts), torch.cat(seconds)


def relative_poses(poses: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return (P, 4, 4) poses of the first cameras as the second ones see them: inv(P_j) P_i."""
    rotation, position = poses[second][:, :3, :3], poses[second][:, :3, 3:]
    inverse = torch.cat([rotation.mT, -rotation.mT @ position], 2)
    moved = torch.eye(4, dtype=poses.dtype, device=poses.device).repeat(len(first), 1, 1)
    moved[:, :3] = inverse @ poses[first]
    return moved


def reproject(
    depth: torch.Tensor, source: torch.Tensor, target: torch.Tensor, moved: torch.Tensor, stride: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Move the points of depth maps into other cameras.

    Args:
        depth: (P, h, w) metres, every stride-th pixel of the network image; 0 where unknown.
        source, target: (P, 3, 3) intrinsics of the network image.
        moved: (P, 4, 4) target from source.
        stride: pixels of the network image for each of the depth map's.

    Returns:
        pixels (P, h w, 2) in units of the target's depth map, (0, 0) the centre of its first; z (P, h w)
        metres in the target's frame, not positive where the depth is unknown.
    """
    pairs, height, width = depth.shape
    device, start = depth.device, stride // 2
    v, u = torch.meshgrid(
        torch.arange(height, device=device) * stride + start,
        torch.arange(width, device=device) * stride + start,
        indexing="ij",
    )
    pixels = torch.stack([u, v, torch.ones_like(u)], -1).reshape(1, -1, 3).to(depth.dtype)
    rays = pixels @ torch.linalg.inv(source).mT
    points = rays * depth.reshape(pairs, -1, 1)
    points = points @ moved[:, :3, :3].mT + moved[:, None, :3, 3]
    z = torch.where(depth.reshape(pairs, -1) > NEAREST, points[..., 2], -1.0)
    projected = points @ target.mT
    at = (projected[..., :2] / projected[..., 2:].clamp(min=NEAREST) - start) / stride
    return at, z


def splat(pixels: torch.Tensor, z: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Mark (P, h, w) the pixels that any moved point lands on."""
    pairs, height, width = shape
    column, row = pixels.round().long().unbind(-1)
    inside = (z > NEAREST) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    hit = torch.zeros(pairs, height * width, dtype=torch.bool, device=z.device)
    pair = torch.arange(pairs, device=z.device)[:, None].expand_as(row)
    hit[pair[inside], (row * width + column)[inside]] = True
    return hit.view(pairs, height, width)


def warp_errors(
    depth: torch.Tensor,
    truth: torch.Tensor,
    intrinsics: torch.Tensor,
    pair: tuple[torch.Tensor, torch.Tensor],
    moved: torch.Tensor,
    stride: int,
) -> torch.Tensor:
    """Compare the depths that two frames state of the same points.

    Points move with the first frame's stated depth. The truth decides which of them the second frame really
    sees: where it moves to by its true depth, nothing nearer may stand.

    Returns:
        scalar mean |z - D_j(pixel)|, metres; 0 where nothing is seen twice.
    """
    first, second = pair
    height, width = depth.shape[1:]
    source, target = intrinsics[first], intrinsics[second]
    true_at, true_z = reproject(truth[first], source, target, moved, stride)
    beheld = _look_up(truth[second], true_at)
    visible = (true_z > NEAREST) & (beheld > NEAREST) & ((true_z - beheld).abs() <= OCCLUDED * beheld)
    at, z = reproject(depth[first], source, target, moved, stride)
    inside = (at >= 0).all(-1) & (at[..., 0] <= width - 1) & (at[..., 1] <= height - 1) & (z > NEAREST)
    compared = visible & inside
    # The pixel is a place to look at, not something to move for a smaller error.
    error = (z - _look_up(depth[second], at.detach())).abs()
    return torch.where(compared, error, 0.0).sum() / compared.sum().clamp(min=1)


def _look_up(maps: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Read maps (P, h, w) at the nearest pixels to (P, S, 2); 0 outside."""
    height, width = maps.shape[1:]
    scale = torch.tensor([width, height], dtype=pixels.dtype, device=pixels.device)
    grid = (2 * pixels + 1) / scale - 1
    return functional.grid_sample(maps[:, None], grid[:, :, None], mode="nearest", align_corners=False)[
        :, 0, :, 0
    ]


def masked_mean(error: torch.Tensor, mask: torch.Tensor, enough: torch.Tensor) -> torch.Tensor:
    """Average (P, h, w) errors inside the mask for each pair, then over the pairs that see enough."""
    sums = torch.where(mask, error, 0.0).flatten(1).sum(1)
    return (sums / mask.flatten(1).sum(1).clamp(min=1))[enough].mean()
