# SPDX-License-Identifier: Apache-2.0
"""Box objectives: the boxes that visual tokens state, where box queries point, how the camera hangs."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch.nn import functional

from ide3d_ros.geometry.box_code import BoxCode
from ide3d_training.datasets.packing import IGNORED, Batch

SPARE_QUERY_WEIGHT = 0.25
"""Weight of "none" for queries beyond the first: they say it nearly always, so it teaches little."""


def field_losses(fields: torch.Tensor, batch: Batch, code: BoxCode) -> dict[str, torch.Tensor]:
    """Compare each token's field vector with the box of the object it lies on.

    Tokens are weighted by 1 / sqrt(tokens of their object), so that a bed does not drown a mug. The log
    scales learn the Laplace likelihood s + |e| exp(-s) of errors they cannot influence (e is detached), so a
    hard depth cannot be made cheap by calling it uncertain. Colours that are not known, and yaws of frames of
    which it is not known how their camera hangs, are left out of the averages.

    Args:
        fields: (B, N, P) field vectors.
        batch: packed targets; see `Batch`.
        code: layout of the field vectors.

    Returns:
        Scalars "category", "color", "offset", "depth", "extents", "yaw", "front", "scale".
    """
    fields = fields.float()
    known = batch.token_category >= 0
    losses = {
        "category": functional.cross_entropy(
            fields[..., code.category][known], batch.token_category[known], reduction="none"
        )
    }
    # Background is most of every frame; one fifth of its weight still makes it the best-known class.
    class_weight = torch.where(batch.token_category[known] == code.categories, 0.2, 1.0)
    losses["category"] = (losses["category"] * class_weight).sum() / class_weight.sum().clamp(min=1e-6)

    on = batch.token_weight > 0
    weight = batch.token_weight[on]
    hangs = batch.gravity_known[:, None].expand_as(on)[on]
    painted = batch.token_color[on] != IGNORED

    def mean(error: torch.Tensor, share: torch.Tensor = weight) -> torch.Tensor:
        return (error * share).sum() / share.sum().clamp(min=1e-6)

    said = fields[on]
    offset = (said[:, code.offset] - batch.token_offset[on]).abs().sum(-1)
    depth = (said[:, code.depth] - batch.token_depth[on]).abs()
    extents = (said[:, code.extents] - batch.token_extents[on]).abs().sum(-1)
    yaw = (said[:, code.yaw] - batch.token_yaw[on]).square().sum(-1)
    front = functional.binary_cross_entropy_with_logits(
        said[:, code.front], batch.token_front[on], reduction="none"
    )
    color = functional.cross_entropy(
        said[:, code.color], batch.token_color[on], ignore_index=IGNORED, reduction="none"
    )
    errors = torch.stack([offset / 2, depth, extents / 3, yaw.sqrt()], -1).detach()
    log_scale = said[:, code.log_scale].clamp(-6.0, 3.0)
    told = torch.ones_like(errors)
    told[:, 3] = hangs
    scale = ((log_scale + errors * torch.exp(-log_scale)) * told).sum(-1)
    return losses | {
        "color": mean(color, weight * painted),
        "offset": mean(offset),
        "depth": mean(depth),
        "extents": mean(extents),
        "yaw": mean(yaw, weight * hangs),
        "front": mean(front, weight * hangs),
        "scale": mean(scale),
    }


def pointer_loss(pointer: torch.Tensor, batch: Batch, absent: float = 1.0) -> dict[str, torch.Tensor]:
    """Make box queries point at their targets, or at none.

    A prompt with n targets is answered by its first n queries, in the order that costs least (Hungarian); the
    others say "none". Any token of the target is right: L = -log sum_t p(t), t on the target.

    Args:
        pointer: (B, P, K, N + 1) log-probabilities, "none" last.
        batch: packed targets; see `Batch`.
        absent: weight of prompts without any target, beside 1 of the others; above 1 for a network that
            would rather say "none" than point at something wrong.

    Returns:
        {"pointer": scalar}, averaged over prompts; zero when nothing is asked.
    """
    asked = batch.target_count >= 0
    # (M, K, N + 1) said by the K queries of M prompts, (M, K, N) tokens of their targets, (M,) targets each
    said, on, count = pointer[asked], batch.target_tokens[asked], batch.target_count[asked]
    hit = on_target(said, on)
    order, busy = match_queries(said, on, count)
    right = torch.where(busy, hit.gather(2, order[..., None])[..., 0].nan_to_num(neginf=0.0), said[..., -1])
    weight = torch.where(busy, 1.0, SPARE_QUERY_WEIGHT)
    weight[:, 0] = 1.0
    losses = -(right * weight).sum(-1) / weight.sum(-1)
    share = torch.where(count > 0, 1.0, absent)
    return {"pointer": (losses * share).sum() / share.sum().clamp(min=1e-6)}


def on_target(pointer: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Return log-probabilities (M, K, K) that query q (axis 1) points somewhere on target t (axis 2).

    Args:
        pointer: (M, K, N + 1) log-probabilities, "none" last.
        tokens: (M, K, N) bool, tokens of each target; a target without any is never pointed at (-inf).
    """
    return torch.logsumexp(pointer[:, :, None, :-1].masked_fill(~tokens[:, None], float("-inf")), -1)


def match_queries(
    pointer: torch.Tensor, tokens: torch.Tensor, count: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Say which target each box query answers for, in the order that costs the pointer least (Hungarian).

    Args:
        pointer: (M, K, N + 1) log-probabilities, "none" last.
        tokens: (M, K, N) bool, tokens of each target.
        count: (M,) targets of each prompt; its first so many queries answer for them.

    Returns:
        (M, K) int64 target of each query, and (M, K) bool, whether it has one at all.
    """
    queries, counts = pointer.shape[1], count.tolist()
    cost = -on_target(pointer.detach(), tokens).cpu().numpy()
    order = np.tile(np.arange(queries), (len(counts), 1))
    for row, n in enumerate(counts):
        if n > 1:
            order[row, :n] = linear_sum_assignment(cost[row, :n, :n])[1]
    busy = torch.arange(queries, device=pointer.device) < count[:, None]
    return torch.from_numpy(order).to(pointer.device), busy


def gravity_loss(gravity: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
    """Compare pitch and roll, (B, 2) radians, by their absolute errors, in frames where they are known.

    Returns:
        {"gravity": scalar}; zero, with gradients of zero, if they are known of none.
    """
    errors = (gravity.float() - batch.gravity).abs().sum(-1)
    known = batch.gravity_known
    return {"gravity": errors[known].mean() if known.any() else (gravity * 0.0).sum()}
