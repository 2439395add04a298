# SPDX-License-Identifier: Apache-2.0
"""Read metric boxes out of a window's fields: where box queries point, or at every token on a thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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
    pointers: np.ndarray,
    *,
    layout: BoxCode,
    frames: Sequence[Camera],
    tokens_per_frame: int,
    categories: Sequence[Category],
) -> list[list[PointedBox]]:
    """Decode the boxes that the box queries of all prompts point at, in one pass.

    A thing covers several tokens and each of them is a right place to point at, so a query says that there is
    a thing with the probability of all tokens together; the likeliest token and those that agree with it
    then state the box (`witnesses`).

    Args:
        fields: (S, P) float32 field vectors of the window, oldest frame first.
        gravity: (F, 2) pitch and roll of each camera, radians.
        pointers: (B, K, S + 1) log-probabilities of each prompt's queries; the last entry is "none".
        layout: of the field vectors.
        frames: network-size camera of each frame.
        tokens_per_frame: S / F.
        categories: in class order.

    Returns:
        For each prompt one box for each query that does not say "none", in the order of the queries.
    """
    found: list[list[PointedBox]] = [[] for _ in pointers]
    score = -np.expm1(np.minimum(pointers[..., -1].astype(np.float64), 0.0))
    prompt, query = np.nonzero(score > 0.5)
    frame, token = np.divmod(pointers[prompt, query, :-1].argmax(-1), tokens_per_frame)
    boxes: list[PointedBox | None] = [None] * len(prompt)
    for index in np.unique(frame).tolist():
        here = np.flatnonzero(frame == index)
        poses = _decode_tokens(
            fields[index * tokens_per_frame : (index + 1) * tokens_per_frame],
            gravity[index],
            token[here],
            score[prompt[here], query[here]],
            layout,
            frames[index],
            categories,
        )
        built = _build_boxes(poses, np.arange(len(poses.score)), index, layout, frames[index], categories)
        for place, box in zip(here[poses.kept].tolist(), built, strict=True):
            boxes[place] = box
    for owner, box in zip(prompt.tolist(), boxes, strict=True):
        if box is not None:
            found[owner].append(box)
    return found


def decode_field(
    fields: np.ndarray,
    gravity: np.ndarray,
    *,
    min_score: float,
    layout: BoxCode,
    camera: Camera,
    categories: Sequence[Category],
) -> list[PointedBox]:
    """Decode the boxes that the tokens of one frame state unasked.

    A thing covers several tokens, and all of them state its box: of tokens of one category that place their
    centre inside a better token's box, the better one speaks for all.

    Args:
        fields: (N, P) float32 field vectors of the frame.
        gravity: (2,) pitch and roll of its camera, radians.
        min_score: least probability of the category.
        layout: of the field vectors.
        camera: of the frame, at the network's size.
        categories: in class order.

    Returns:
        Boxes of tokens whose likeliest category is not background, scored with that category's probability,
        best first; their frame_index is 0.
    """
    logits = fields[:, layout.category]
    tokens = np.flatnonzero(logits.argmax(-1) < layout.categories)
    score = _largest_share(logits[tokens].astype(np.float64))
    strong = np.flatnonzero(score >= min_score)
    poses = _decode_tokens(fields, gravity, tokens[strong], score[strong], layout, camera, categories)
    return _build_boxes(poses, _speakers(poses), 0, layout, camera, categories)


def _largest_share(logits: np.ndarray) -> np.ndarray:
    """Return the largest of each row's softmax: that of logits (M, C) as (M,)."""
    return 1.0 / np.exp(logits - logits.max(-1, keepdims=True)).sum(-1)


@dataclass(frozen=True)
class _Poses:
    """Hold M decoded tokens of a frame as arrays: building a `Box3D` costs more than decoding one.

    Attributes:
        kept: (M,) which of the tokens that were asked for they are.
        category: (M,) indices.
        score: (M,).
        said: (M, P) field vectors, joined with those of the witnesses.
        centers, extents: (M, 3) metres.
        rotations: (M, 3, 3) optical-from-box.
        up: (3,) in the optical frame.
    """

    kept: np.ndarray
    category: np.ndarray
    score: np.ndarray
    said: np.ndarray
    centers: np.ndarray
    extents: np.ndarray
    rotations: np.ndarray
    up: np.ndarray


def _decode_tokens(
    fields: np.ndarray,
    gravity: np.ndarray,
    tokens: np.ndarray,
    score: np.ndarray,
    layout: BoxCode,
    camera: Camera,
    categories: Sequence[Category],
) -> _Poses:
    """Decode the boxes of chosen tokens of one frame; those with numbers that are not finite are left out."""
    finite = np.isfinite(fields).all(-1)  # half precision can overflow; such a token says nothing
    kept = np.flatnonzero(finite[tokens])
    tokens = tokens[kept]
    places = _places(layout, len(fields), round(camera.width / layout.stride))
    alone = fields[tokens]
    category = alone[:, layout.category][:, : layout.categories].argmax(-1)
    means = np.array([entry.extents for entry in categories])[category]
    extents = _extents(means, alone[:, layout.extents].astype(np.float64))
    heard = np.flatnonzero(finite)
    said = join_witnesses(
        fields[heard],
        np.searchsorted(heard, tokens),
        np.cbrt(extents.prod(-1)),
        camera.focal,
        places[heard],
        layout,
    )
    pixels = places[tokens] + said[:, layout.offset] * layout.stride
    log_depth = said[:, layout.depth].clip(-MAX_LOG, MAX_LOG)
    centers = decode_centers(pixels, log_depth, camera.K, layout.focal_virtual)
    level = optical_from_level(*gravity.astype(np.float64))
    yaw = decode_yaw(said[:, layout.yaw], said[:, layout.front])
    return _Poses(
        kept=kept,
        category=category,
        score=score[kept],
        said=said,
        centers=centers,
        extents=_extents(means, said[:, layout.extents]),
        rotations=upright_rotations(yaw, centers, level),
        up=level[:, 2],
    )


@lru_cache(maxsize=8)  # frames of a camera are alike
def _places(layout: BoxCode, tokens: int, columns: int) -> np.ndarray:
    return layout.token_centers(tokens // columns, columns)


def _extents(means: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    return means * np.exp(residuals.clip(-MAX_LOG, MAX_LOG))


def _speakers(poses: _Poses) -> np.ndarray:
    """Choose the tokens that speak for all others of their thing, best score first, as indices."""
    order = np.argsort(-poses.score, kind="stable")
    centers, rotations = poses.centers[order], poses.rotations[order]
    aside = (centers[None] - centers[:, None]) @ rotations  # (M, M, 3): token j in the box of token i
    inside = (np.abs(aside) <= poses.extents[order, None] / 2).all(-1)
    spoken_for = inside & (poses.category[order, None] == poses.category[None, order])
    silent = np.zeros(len(order), bool)
    for i in range(len(order)):  # in turn, as whoever is spoken for speaks for nobody
        if not silent[i]:
            silent[i + 1 :] |= spoken_for[i, i + 1 :]
    return order[~silent]


def _build_boxes(
    poses: _Poses,
    chosen: np.ndarray,
    frame_index: int,
    layout: BoxCode,
    camera: Camera,
    categories: Sequence[Category],
) -> list[PointedBox]:
    """Build the boxes of chosen poses: what is not needed to choose them is worked out here."""
    said, centers = poses.said[chosen], poses.centers[chosen]
    scales = said[:, layout.log_scale]
    colors = said[:, layout.color].argmax(-1).tolist() if layout.colors else [None] * len(chosen)
    return [
        PointedBox(box, frame_index, score, categories[category].name, color, covariance)
        for box, score, category, color, covariance in zip(
            Box3D.from_matrices(centers, poses.extents[chosen], poses.rotations[chosen]),
            poses.score[chosen].tolist(),
            poses.category[chosen].tolist(),
            colors,
            _covariances(scales, centers, camera, poses.up, layout.stride),
            strict=True,
        )
    ]


def _covariances(
    log_scale: np.ndarray, centers: np.ndarray, camera: Camera, up: np.ndarray, stride: float
) -> np.ndarray:
    """Carry the Laplace scales of offset, depth and yaw (variance 2 b^2) over to the box's pose.

    A point is depth * (ray): an error of the log depth moves it along its ray, one of the offset across the
    image.
    """
    offset, depth, _, axis = (2 * np.exp(2 * log_scale.clip(-2 * MAX_LOG, MAX_LOG))).T
    across = centers[:, 2:] * stride / np.array([camera.fx, camera.fy])  # metres per stride
    covariances = np.zeros((len(centers), 6, 6))
    covariances[:, :3, :3] = depth[:, None, None] * centers[:, :, None] * centers[:, None, :]
    covariances[:, [0, 1], [0, 1]] += offset[:, None] * across**2
    upright = np.outer(up, up)
    tilt = 2 * GRAVITY_SCALE**2
    # The yaw code turns twice as fast as the box.
    covariances[:, 3:, 3:] = (axis / 4)[:, None, None] * upright + tilt * (np.eye(3) - upright)
    return covariances
