# SPDX-License-Identifier: Apache-2.0
"""Read metric boxes out of a window's fields: where box queries point, or at every token on a thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ide3d_ros.bundle import Category
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.box_code import BoxCode, decode_centers, decode_yaw, upright_rotations
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.rotation import optical_from_level
from ide3d_ros.scene.witnesses import join_witnesses

MAX_LOG = 3.0
"""Bound of log residuals and log scales: a wild field vector still gives a finite box."""
GRAVITY_SCALE = 0.02
"""Laplace scale of pitch and roll, radians; the network states none for them."""


@dataclass(frozen=True, eq=False)
class PointedBox:
    """Hold one decoded box.

    Attributes:
        box: metres, in the optical frame of its frame.
        frame_index: which frame of the window, 0 is the oldest.
        score: probability that there is such a thing, 0..1.
        category: name of the likeliest category at the token.
        color: index of the likeliest colour there among the bundle's colours; None where it names none.
        covariance: (6, 6) of (x, y, z, rotation about x, y, z) in the optical frame, square metres and
            radians.
    """

    box: Box3D
    frame_index: int
    score: float
    category: str
    color: int | None
    covariance: np.ndarray


def decode_boxes(
    fields: np.ndarray,
    gravity: np.ndarray,
    pointer: np.ndarray,
    *,
    layout: BoxCode,
    frames: Sequence[Camera],
    tokens_per_frame: int,
    categories: Sequence[Category],
) -> list[PointedBox]:
    """Decode the boxes that one prompt's box queries point at.

    A thing covers several tokens and each of them is a right place to point at, so a query says that there is
    a thing with the probability of all tokens together; the likeliest token and those that agree with it
    then state the box (`witnesses`).

    Args:
        fields: (S, P) float32 field vectors of the window, oldest frame first.
        gravity: (F, 2) pitch and roll of each camera, radians.
        pointer: (K, S + 1) log-probabilities; the last entry is "none".
        layout: of the field vectors.
        frames: network-size camera of each frame.
        tokens_per_frame: S / F.
        categories: in class order.

    Returns:
        One box for each query that does not say "none", in the order of the queries.
    """
    score = -np.expm1(np.minimum(pointer[:, -1].astype(np.float64), 0.0))
    pointing = score > 0.5
    tokens = pointer[pointing, :-1].argmax(-1)
    poses = _decode_tokens(
        fields, gravity, tokens, score[pointing], layout, frames, tokens_per_frame, categories
    )
    return _build_boxes(poses, np.arange(len(poses.score)), categories)


def decode_field(
    fields: np.ndarray,
    gravity: np.ndarray,
    *,
    min_score: float,
    layout: BoxCode,
    frames: Sequence[Camera],
    tokens_per_frame: int,
    categories: Sequence[Category],
) -> list[PointedBox]:
    """Decode the boxes that tokens state unasked.

    A thing covers several tokens, and all of them state its box: of tokens of one frame and category that
    place their centre inside a better token's box, the better one speaks for all.

    Args:
        min_score: least probability of the category.
        fields, gravity, layout, frames, tokens_per_frame, categories: as in `decode_boxes`.

    Returns:
        Boxes of tokens whose likeliest category is not background, scored with that category's probability.
    """
    logits = fields[:, layout.category].astype(np.float64)
    share = np.exp(logits - logits.max(-1, keepdims=True))
    share /= share.sum(-1, keepdims=True)
    score = share.max(-1)
    tokens = np.flatnonzero((share.argmax(-1) < layout.categories) & (score >= min_score))
    poses = _decode_tokens(
        fields, gravity, tokens, score[tokens], layout, frames, tokens_per_frame, categories
    )
    return _build_boxes(poses, _speakers(poses), categories)


@dataclass(frozen=True)
class _Poses:
    """Hold M decoded tokens as arrays: building a `Box3D` costs more than decoding a frame of them.

    Attributes:
        frame, category, color: (M,) indices.
        score: (M,).
        centers, extents: (M, 3) metres.
        rotations: (M, 3, 3) optical-from-box.
        covariances: (M, 6, 6).
    """

    frame: np.ndarray
    category: np.ndarray
    color: np.ndarray
    score: np.ndarray
    centers: np.ndarray
    extents: np.ndarray
    rotations: np.ndarray
    covariances: np.ndarray


def _decode_tokens(
    fields: np.ndarray,
    gravity: np.ndarray,
    tokens: np.ndarray,
    score: np.ndarray,
    layout: BoxCode,
    frames: Sequence[Camera],
    tokens_per_frame: int,
    categories: Sequence[Category],
) -> _Poses:
    """Decode the boxes of chosen tokens; those with numbers that are not finite are left out."""
    finite = np.isfinite(fields).all(-1)  # half precision can overflow; such a token says nothing
    tokens, score = tokens[finite[tokens]], score[finite[tokens]]
    columns = round(frames[0].width / layout.stride)
    frame, place = np.divmod(np.arange(len(fields)), tokens_per_frame)
    places = layout.token_centers(tokens_per_frame // columns, columns)[place]
    alone = fields[tokens].astype(np.float64)
    category = alone[:, layout.category][:, : layout.categories].argmax(-1)
    means = np.array([entry.extents for entry in categories])[category]
    extents = means * np.exp(alone[:, layout.extents].clip(-MAX_LOG, MAX_LOG))
    heard = np.flatnonzero(finite)
    said = join_witnesses(
        fields[heard].astype(np.float64),
        np.searchsorted(heard, tokens),
        np.cbrt(extents.prod(-1)),
        np.array([camera.focal for camera in frames])[frame[tokens]],
        places[heard],
        frame[heard],
        layout,
    )
    frame, places = frame[tokens], places[tokens]
    matrices = np.stack([camera.K for camera in frames])[frame]
    color = said[:, layout.color].argmax(-1) if layout.colors else np.full(len(tokens), -1)

    pixels = places + said[:, layout.offset] * layout.stride
    log_depth = said[:, layout.depth].clip(-MAX_LOG, MAX_LOG)
    centers = decode_centers(pixels, log_depth, matrices, layout.focal_virtual)
    levels = optical_from_level(gravity[:, 0].astype(np.float64), gravity[:, 1].astype(np.float64))[frame]
    yaw = decode_yaw(said[:, layout.yaw], said[:, layout.front])
    return _Poses(
        frame=frame,
        category=category,
        color=color,
        score=score,
        centers=centers,
        extents=means * np.exp(said[:, layout.extents].clip(-MAX_LOG, MAX_LOG)),
        rotations=upright_rotations(yaw, centers, levels),
        covariances=_covariances(said[:, layout.log_scale], centers, matrices, levels, layout.stride),
    )


def _speakers(poses: _Poses) -> np.ndarray:
    """Choose the tokens that speak for all others of their thing, best score first, as indices."""
    chosen = []
    left = np.argsort(-poses.score, kind="stable")
    while len(left):
        best, left = left[0], left[1:]
        chosen.append(best)
        aside = (poses.centers[left] - poses.centers[best]) @ poses.rotations[best]
        inside = (np.abs(aside) <= poses.extents[best] / 2).all(-1)
        same = (poses.frame[left] == poses.frame[best]) & (poses.category[left] == poses.category[best])
        left = left[~(inside & same)]
    return np.array(chosen, int)


def _build_boxes(poses: _Poses, chosen: np.ndarray, categories: Sequence[Category]) -> list[PointedBox]:
    return [
        PointedBox(
            box=Box3D.from_matrix(poses.centers[i], poses.extents[i], poses.rotations[i]),
            frame_index=int(poses.frame[i]),
            score=float(poses.score[i]),
            category=categories[poses.category[i]].name,
            color=int(poses.color[i]) if poses.color[i] >= 0 else None,
            covariance=poses.covariances[i],
        )
        for i in chosen
    ]


def _covariances(
    log_scale: np.ndarray, centers: np.ndarray, matrices: np.ndarray, levels: np.ndarray, stride: float
) -> np.ndarray:
    """Carry the Laplace scales of offset, depth and yaw (variance 2 b^2) over to the box's pose.

    A point is depth * (ray): an error of the log depth moves it along its ray, one of the offset across the
    image.
    """
    offset, depth, _, axis = (2 * np.exp(2 * log_scale.clip(-2 * MAX_LOG, MAX_LOG))).T
    across = (
        centers[:, 2:] * stride / np.stack([matrices[:, 0, 0], matrices[:, 1, 1]], -1)
    )  # metres per stride
    covariances = np.zeros((len(centers), 6, 6))
    covariances[:, :3, :3] = depth[:, None, None] * centers[:, :, None] * centers[:, None, :]
    covariances[:, [0, 1], [0, 1]] += offset[:, None] * across**2
    up = levels[:, :, 2]
    upright = up[:, :, None] * up[:, None, :]
    tilt = 2 * GRAVITY_SCALE**2
    # The yaw code turns twice as fast as the box.
    covariances[:, 3:, 3:] = (axis / 4)[:, None, None] * upright + tilt * (np.eye(3) - upright)
    return covariances
