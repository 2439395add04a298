# SPDX-License-Identifier: Apache-2.0
"""Decide which object each visual token lies on, and what it should say of it."""

from __future__ import annotations

import numpy as np

from ide3d_ros.geometry.box_code import encode_boxes
from ide3d_ros.network import NetworkConfig
from ide3d_training.datasets.packing import IGNORED, FrameTargets
from ide3d_training.worlds.scene_graph import FrameGraph, SceneObject

COVERED = 0.25
"""Share of a token's pixels an object must cover to own the token, or of the object's own visible pixels
that must lie in the token (so that a mug smaller than a token owns the one it is in)."""
LEARNABLE_FRACTION = 0.2
"""Objects less visible than this are not asked for a box: most of it would be a guess."""


def token_owners(ids: np.ndarray, objects: list[SceneObject], stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Assign visual tokens to objects.

    Where several objects have a claim, the one with the fewest visible pixels gets the token: the large ones
    behind it have others.

    Args:
        ids: (H, W) uint8 instance ids.
        objects: the objects that may own tokens.
        stride: side of a token, pixels.

    Returns:
        owners (N,) int64: row in `objects`, -1 where none has a claim; covered (N,) float64: share of the
        token that any object covers.
    """
    rows, columns = ids.shape[0] // stride, ids.shape[1] // stride
    cells = ids.reshape(rows, stride, columns, stride).transpose(0, 2, 1, 3).reshape(rows * columns, -1)
    owners = np.full(len(cells), -1, np.int64)
    for row in sorted(range(len(objects)), key=lambda i: -objects[i].visible_pixels):
        counts = (cells == objects[row].id).sum(1)
        claims = (counts >= COVERED * stride**2) | (counts >= 2 * COVERED * max(counts.sum(), 1))
        if not claims.any():
            claims = counts == max(counts.max(), 1)
        owners[claims] = row
    return owners, (cells > 0).mean(1)


def frame_targets(
    ids: np.ndarray, graph: FrameGraph, config: NetworkConfig
) -> tuple[FrameTargets, dict[int, int]]:
    """Build the targets of one frame.

    Args:
        ids: (H, W) uint8 instance ids at the network size; what is neither 0 nor an object of the graph may
            be anything.
        graph: what the frame shows; its pitch and roll may be NaN, unknown.
        config: sizes, categories and colours.

    Returns:
        the targets, and the row of each object id that owns at least one token.
    """
    code = config.box_code
    upright = bool(np.isfinite([graph.pitch, graph.roll]).all())
    gravity = (graph.pitch, graph.roll) if upright else (0.0, 0.0)
    objects = [o for o in graph.objects if o.visible_pixels >= 12 and o.box.center[2] > 0.1]
    owners, covered = token_owners(ids, objects, config.stride)
    kept = sorted(set(owners[owners >= 0].tolist()))
    owners = np.where(owners >= 0, np.searchsorted(kept, owners), -1) if kept else owners
    objects = [objects[i] for i in kept]
    count, tokens = len(objects), config.tokens
    on = owners >= 0

    category = np.where(covered < 0.1, len(config.categories), -1).astype(np.int64)
    weight = np.zeros(tokens, np.float32)
    color = np.zeros(tokens, np.int64)
    offset, depth = np.zeros((tokens, 2), np.float32), np.zeros(tokens, np.float32)
    extents, yaw = np.zeros((tokens, 3), np.float32), np.zeros((tokens, 2), np.float32)
    front = np.zeros(tokens, np.float32)
    boxes = np.zeros((0, 15), np.float32)
    if count:
        classes = np.array([config.categories.index(o.category) for o in objects])
        coded = encode_boxes(
            np.stack([o.box.center for o in objects]),
            np.stack([o.box.extents for o in objects]),
            np.stack([o.box.rotation for o in objects]),
            np.asarray(config.mean_extents)[classes],
            camera_matrix=graph.camera.K,
            pitch=gravity[0],
            roll=gravity[1],
            focal_virtual=config.focal_virtual,
        )
        own = owners[on]
        learnable = np.array([o.visible_fraction >= LEARNABLE_FRACTION for o in objects])
        share = 1.0 / np.sqrt(np.bincount(own, minlength=count))
        flat = [np.concatenate([o.box.center, o.box.extents, o.box.rotation.ravel()]) for o in objects]
        boxes = np.where(learnable[:, None], np.stack(flat), np.nan).astype(np.float32)
        category[on] = classes[own]
        weight[on] = (share * learnable)[own]
        known = [config.colors.index(o.color) if o.color else IGNORED for o in objects]
        color[on] = np.array(known)[own]
        centers = code.token_centers(config.rows, config.columns)[on]
        offset[on] = (coded.pixels[own] - centers) / code.stride
        depth[on], extents[on] = coded.log_depth[own], coded.extents[own]
        yaw[on], front[on] = coded.yaw[own], coded.front[own]
    targets = FrameTargets(
        object_tokens=owners[None] == np.arange(count)[:, None],
        object_boxes=boxes,
        token_category=category,
        token_weight=weight,
        token_color=color,
        token_offset=offset,
        token_depth=depth,
        token_extents=extents,
        token_yaw=yaw,
        token_front=front,
        gravity=np.array(gravity, np.float32),
        gravity_known=np.bool_(upright),
    )
    return targets, {o.id: row for row, o in enumerate(objects)}
