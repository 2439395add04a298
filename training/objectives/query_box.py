# SPDX-License-Identifier: Apache-2.0
"""Objectives of the query head: how far the corners of the box that a query states are from the true ones.

A re-implementation after Cube R-CNN (Omni3D, arXiv 2207.10660), which LLMI3D (arXiv 2408.07422) is taken to
follow; its own weights are not public.
"""

from __future__ import annotations

import torch

from ide3d_ros.geometry import query_code
from ide3d_ros.geometry.box import CORNER_SIGNS
from ide3d_ros.geometry.box_code import coded_depth_scale
from ide3d_ros.network import NetworkConfig
from ide3d_training.datasets.packing import Batch
from ide3d_training.objectives.boxes import match_queries

PARTS = ("query_center", "query_depth", "query_extents", "query_rotation", "query_joint")
SCALES = (-4.0, 3.0)
"""Bounds of the predicted log scale: none is so sure that one batch drowns all others."""


def query_box_losses(
    query_boxes: torch.Tensor, pointer: torch.Tensor, batch: Batch, config: NetworkConfig
) -> dict[str, torch.Tensor]:
    """Compare the boxes that queries state with those of their targets.

    With c(box) the eight corners in metres, b the true box and b[x] the true box whose x is the stated one:

        L_x     = mean |c(b[x]) - c(b)|, for x = projected centre, depth, extents (disentangled)
        L_rot   = chamfer(c(b[rotation]), c(b))
        L_joint = chamfer(c(stated box), c(b))

    where chamfer(p, q) is half of mean_i min_j |p_i - q_j| + mean_j min_i |p_i - q_j|, |.| the mean absolute
    difference of coordinates: a box turned by half a turn has the same corners and costs nothing. The stated
    log scale s enters as sqrt(2) exp(-s) L + s, the negative log-likelihood of a Laplace error of standard
    deviation exp(s), L being the sum of all five. With weights of 1 that is the sum of what is returned.

    Args:
        query_boxes: (B, P, K, SIZE), laid out by `query_code`.
        pointer: (B, P, K, N + 1) log-probabilities, which say which query answers for which target.
        batch: packed targets; its `target_boxes` are NaN where no box is asked for.
        config: image size and virtual camera.

    Returns:
        scalars, by the names of PARTS and "query_scale", averaged over the targets; zeros, with gradients of
        zero, if there is none.
    """
    asked = batch.target_count >= 0
    row = torch.nonzero(asked)[:, 0]
    order, busy = match_queries(pointer[asked], batch.target_tokens[asked], batch.target_count[asked])
    said = query_boxes[asked].float()  # (M, K, SIZE)
    boxes = batch.target_boxes[asked]
    wanted = boxes.gather(1, order[..., None].expand_as(boxes))  # (M, K, 15)
    usable = busy & torch.isfinite(wanted).all(-1)
    if not usable.any():
        nothing = said.sum() * 0.0
        return dict.fromkeys((*PARTS, "query_scale"), nothing)
    intrinsics = batch.intrinsics[row][:, None].expand(-1, said.shape[1], -1, -1)[usable]
    errors = corner_errors(said[usable], wanted[usable], intrinsics, config)  # (T, 5)
    log_scale = said[usable][:, query_code.LOG_SCALE].clamp(*SCALES)
    weighed = 2**0.5 * torch.exp(-log_scale)[:, None] * errors
    return dict(zip(PARTS, weighed.mean(0), strict=True)) | {"query_scale": log_scale.mean()}


def corner_errors(
    said: torch.Tensor, wanted: torch.Tensor, intrinsics: torch.Tensor, config: NetworkConfig
) -> torch.Tensor:
    """Take the error of each box apart.

    Args:
        said: (T, SIZE) stated boxes.
        wanted: (T, 15) true boxes: centre, extents, rotation row by row; metres, optical frame.
        intrinsics: (T, 3, 3) of the network image.
        config: image size and virtual camera.

    Returns:
        (T, 5) metres, in the order of PARTS.
    """
    center, extents, rotation = wanted[:, :3], wanted[:, 3:6], wanted[:, 6:].unflatten(1, (3, 3))
    focal, principal = intrinsics[:, (0, 1), (0, 1)], intrinsics[:, :2, 2]
    size = torch.tensor([config.width, config.height], dtype=said.dtype, device=said.device)
    plane = (said[:, query_code.CENTER] * size - 0.5 - principal) / focal  # (T, 2), at a depth of 1
    depth = said[:, query_code.DEPTH].clamp(-query_code.MAX_LOG, query_code.MAX_LOG).exp()
    depth = depth / coded_depth_scale(focal.prod(-1).sqrt(), config.focal_virtual)
    true_plane, true_depth = center[:, :2] / center[:, 2:], center[:, 2]
    stated_extents = said[:, query_code.EXTENTS].clamp(-query_code.MAX_LOG, query_code.MAX_LOG).exp()
    allocentric = gram_schmidt(said[:, query_code.ROTATION])

    truth = corners(center, extents, rotation)
    stated_center = lift(plane, depth)
    disentangled = (
        corners(lift(plane, true_depth), extents, rotation),
        corners(lift(true_plane, depth), extents, rotation),
        corners(center, stated_extents, rotation),
    )
    turned = corners(center, extents, axis_onto_ray(center) @ allocentric)
    # A wrong place must not teach the rotation, which would only follow the ray there.
    joint = corners(stated_center, stated_extents, axis_onto_ray(stated_center.detach()) @ allocentric)
    errors = [(moved - truth).abs().mean((1, 2)) for moved in disentangled]
    return torch.stack([*errors, chamfer(turned, truth), chamfer(joint, truth)], 1)


def lift(plane: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    """Move points (T, 2) of the plane at depth 1 to depths (T,): (T, 3)."""
    return torch.cat([plane, torch.ones_like(plane[:, :1])], -1) * depth[:, None]


def corners(center: torch.Tensor, extents: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """Return the corners (T, 8, 3) of boxes, in the order of `CORNER_SIGNS`."""
    signs = torch.tensor(CORNER_SIGNS, dtype=center.dtype, device=center.device)
    return (signs * (extents[:, None] / 2)) @ rotation.mT + center[:, None]


def gram_schmidt(columns: torch.Tensor) -> torch.Tensor:
    """Turn (T, 6) first two columns into rotations (T, 3, 3); see `rotation_6d_to_matrix`."""
    first = torch.nn.functional.normalize(columns[:, :3], dim=-1)
    second = columns[:, 3:] - (first * columns[:, 3:]).sum(-1, keepdim=True) * first
    second = torch.nn.functional.normalize(second, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], -1)


def axis_onto_ray(ray: torch.Tensor) -> torch.Tensor:
    """Return the smallest rotations (T, 3, 3) of the optical axis onto rays (T, 3) that look forward."""
    x, y, z = torch.nn.functional.normalize(ray, dim=-1).unbind(-1)
    share = 1 / (1 + z)
    rows = [1 - x * x * share, -x * y * share, x, -x * y * share, 1 - y * y * share, y, -x, -y, z]
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def chamfer(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Compare two sets of corners (T, 8, 3) whatever their order: (T,) metres."""
    apart = (first[:, :, None] - second[:, None]).abs().mean(-1)  # (T, 8, 8)
    return (apart.amin(2).mean(1) + apart.amin(1).mean(1)) / 2
