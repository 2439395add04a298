# SPDX-License-Identifier: Apache-2.0
"""What the geometry network is trained to say, and how far off it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ide3d_ros.network.geometry_network import Geometry
from ide3d_training.objectives.validator import gradient_loss, shrink_depth, trimmed_mean

CONFIDENCE_REWARD = 0.2
"""The alpha of the confidence-weighted terms."""
NEAREST = 0.5
"""Metres; points nearer to the first camera are not asked for a smaller error than points this far away."""


@dataclass(frozen=True)
class Truth:
    """Depth and points of R rooms of F frames, at the size of the network's maps.

    Attributes:
        depth: (R, F, h, w) metres; 0 where unknown.
        points: (R, F, h, w, 3) metres, in the optical frame of each room's first frame.
        known: (R, F, h, w) bool, where the depth is.
        placed: (R, F, h, w) bool, where the point is too.
    """

    depth: torch.Tensor
    points: torch.Tensor
    known: torch.Tensor
    placed: torch.Tensor


def lift(
    depth: torch.Tensor, intrinsics: torch.Tensor, world_from_camera: torch.Tensor, stride: int
) -> Truth:
    """Take one pixel of each cell of the depth maps and lift it into the first frame's camera.

    Args:
        depth: (R, F, H, W) metres, 0 or not finite where unknown.
        intrinsics: (R, F, 3, 3).
        world_from_camera: (R, F, 4, 4); NaN where unknown.
        stride: pixels of a cell, each way.
    """
    shrunk = shrink_depth(depth.flatten(0, 1), stride).unflatten(0, depth.shape[:2])
    known = torch.isfinite(shrunk) & (shrunk > 0)
    shrunk = torch.where(known, shrunk, 0.0)
    v, u = (torch.arange(count, dtype=torch.float32) * stride + stride // 2 for count in shrunk.shape[-2:])
    fx, fy, cx, cy = (intrinsics[..., i, j, None, None] for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    own = torch.stack([(u - cx) / fx * shrunk, (v[:, None] - cy) / fy * shrunk, shrunk], -1)
    poses = world_from_camera.double()
    first = torch.linalg.inv(torch.where(poses[:, :1].isfinite(), poses[:, :1], torch.eye(4).double()))
    moved = (first @ poses).float()
    points = own.flatten(2, 3) @ moved[..., :3, :3].transpose(-1, -2) + moved[..., None, :3, 3]
    found = moved.isfinite().all(-1).all(-1) & poses[:, :1].isfinite().all(-1).all(-1)
    placed = known & found[..., None, None]
    points = torch.where(placed[..., None], points.view_as(own), 0.0)
    return Truth(shrunk, points, known, placed)


def geometry_losses(said: Geometry, truth: Truth) -> dict[str, torch.Tensor]:
    """Compute the terms of the loss.

    With d = |log D - log D*|, p = |P - P*| / max(|P*|, 0.5 m) and confidences c: L_depth = mean(d c - 0.2 log
    c), L_points = mean(p c - 0.2 log c), both without the worst 2 %, after the aleatoric losses of DUSt3R
    (arXiv 2312.14132) and VGGT. L_slope is the multi-scale gradient of log D - log D* (MiDaS, arXiv
    1907.01341). Logarithms and ratios make a tenth of the depth weigh the same near and far, as it does for
    the overlap of boxes.

    Returns:
        Scalars "depth", "points", "slope"; zeros, with gradients of zero, where nothing is known.
    """
    nothing = (said.depth.sum() + said.points.sum()) * 0.0
    terms = dict.fromkeys(("depth", "points", "slope"), nothing)
    if truth.known.any():
        apart = torch.where(truth.known, said.depth.log() - truth.depth.clamp(min=1e-3).log(), 0.0)
        terms["depth"] = _doubted(apart.abs()[truth.known], said.depth_confidence[truth.known])
        terms["slope"] = gradient_loss(apart.flatten(0, 1), truth.known.flatten(0, 1))
    if truth.placed.any():
        reach = truth.points.norm(dim=-1).clamp(min=NEAREST)
        # The tiny number keeps the gradient of the root finite at an error of zero.
        off = ((said.points - truth.points).square().sum(-1) + 1e-8).sqrt() / reach
        terms["points"] = _doubted(off[truth.placed], said.points_confidence[truth.placed])
    return terms


def _doubted(error: torch.Tensor, confidence: torch.Tensor) -> torch.Tensor:
    return trimmed_mean(error * confidence - CONFIDENCE_REWARD * confidence.log())


def geometry_errors(said: Geometry, truth: Truth) -> dict[str, torch.Tensor]:
    """Return the errors of every known pixel.

    Returns:
        "abs_rel": (n,) |D - D*| / D*; "point_error": (m,) |P - P*| / |P*|, and "point_error_other" the same
        of all frames but each room's first, whose camera the points are not stated in.
    """
    off = (said.points - truth.points).norm(dim=-1) / truth.points.norm(dim=-1).clamp(min=1e-3)
    apart = (said.depth - truth.depth).abs() / truth.depth.clamp(min=1e-3)
    return {
        "abs_rel": apart[truth.known],
        "point_error": off[truth.placed],
        "point_error_other": off[:, 1:][truth.placed[:, 1:]],
    }
