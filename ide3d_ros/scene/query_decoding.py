# SPDX-License-Identifier: Apache-2.0
"""Read metric boxes out of what box queries state themselves, in bundles whose boxes come from there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ide3d_ros.bundle import Category
from ide3d_ros.geometry import query_code
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.box_code import BoxCode
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.box_decoding import PointedBox

MAX_TURN = np.pi**2 / 3
"""Variance of an angle about which nothing is known, square radians."""


def decode_queries(
    stated: np.ndarray,
    fields: np.ndarray,
    pointer: np.ndarray,
    *,
    layout: BoxCode,
    frames: Sequence[Camera],
    tokens_per_frame: int,
    categories: Sequence[Category],
) -> list[PointedBox]:
    """Decode the boxes that one prompt's box queries state.

    The pointer says whether there is such a thing, in which frame, and on which token, whose category and
    colour are those of the box; the box itself is the query's own.

    Args:
        stated: (K, SIZE) float32, laid out by `geometry.query_code`.
        fields: (S, P) float32 field vectors of the window, oldest frame first.
        pointer: (K, S + 1) log-probabilities; the last entry is "none".
        layout: of the field vectors.
        frames: network-size camera of each frame.
        tokens_per_frame: S / F.
        categories: in class order.

    Returns:
        One box for each query that does not say "none", in the order of the queries; those with numbers that
        make no box are left out.
    """
    score = -np.expm1(np.minimum(pointer[:, -1].astype(np.float64), 0.0))
    token = pointer[:, :-1].argmax(-1)
    kept = (score > 0.5) & query_code.readable(stated) & np.isfinite(fields[token]).all(-1)
    score, token = score[kept], token[kept]
    frame = token // tokens_per_frame
    size = frames[0].width, frames[0].height
    matrices = np.stack([camera.K for camera in frames])[frame]
    boxes = query_code.decode_query_boxes(stated[kept], matrices, size, layout.focal_virtual)
    category = fields[token][:, layout.category][:, : layout.categories].argmax(-1)
    color = fields[token][:, layout.color].argmax(-1) if layout.colors else None
    return [
        PointedBox(
            box=Box3D.from_matrix(boxes.centers[i], boxes.extents[i], boxes.rotations[i]),
            frame_index=int(frame[i]),
            score=float(score[i]),
            category=categories[category[i]].name,
            color=None if color is None else int(color[i]),
            covariance=_covariance(boxes.scales[i], boxes.extents[i]),
        )
        for i in range(len(token))
    ]


def _covariance(scale: float, extents: np.ndarray) -> np.ndarray:
    """Carry the one scale that a query states, of its box's corners, over to the pose.

    A centre is off by as much as the corners are; a turn moves corners by it times half the diagonal.
    """
    turn = min((2 * scale / np.linalg.norm(extents)) ** 2, MAX_TURN)
    return np.diag([scale**2] * 3 + [turn] * 3)
