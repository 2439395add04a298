# SPDX-License-Identifier: Apache-2.0
"""Let all tokens of a thing speak for its box together.

A thing covers several visual tokens and each of them states its box on its own, with errors that are partly
independent; averaged by the precision that they claim, they state it better than the best of them.
"""

from __future__ import annotations

import numpy as np

from ide3d_ros.geometry.box_code import BoxCode, coded_depth_scale

REACH = 0.4
"""Tokens that place a box's centre within this share of its size of each other mean the same thing ..."""
DEPTH_RATIO = 1.35
"""... if their depths differ by no more than this factor."""
MAX_PRECISION_LOG = 6.0
"""Bound of the claimed log precision: no token silences all others."""


def join_witnesses(
    fields: np.ndarray,
    chosen: np.ndarray,
    sizes: np.ndarray,
    focals: np.ndarray,
    places: np.ndarray,
    frame: np.ndarray,
    layout: BoxCode,
) -> np.ndarray:
    """Replace what chosen tokens state by the precision-weighted mean of the tokens that mean the same thing.

    Witnesses lie in the same frame, name the same category, and place the centre nearby and at a like depth.
    Each slot is weighted by the inverse of its own claimed variance. Category, colour and log scales stay the
    chosen token's: errors of neighbours are alike, so their mean is not surer by their number.

    Args:
        fields: (S, P) finite field vectors of the window.
        chosen: (M,) tokens to speak for.
        sizes: (M,) size of the thing each of them states, metres.
        focals: (M,) focal length of the camera of each of them, pixels.
        places: (S, 2) pixel centre of each token.
        frame: (S,) frame of each token.
        layout: of the field vectors.

    Returns:
        (M, P) float64 field vectors, relative to the chosen tokens.
    """
    joined = fields[chosen].astype(np.float64)
    if not len(chosen):
        return joined
    centers = places + fields[:, layout.offset] * layout.stride
    depth = fields[:, layout.depth]
    category = fields[:, layout.category].argmax(-1)
    unit = focals * coded_depth_scale(focals, layout.focal_virtual)  # pixels a metre, at a coded depth of 1
    reach = REACH * sizes * unit * np.exp(-depth[chosen].clip(-9, 9))  # pixels
    apart = np.linalg.norm(centers[None] - centers[chosen, None], axis=-1)
    witness = (
        (frame[None] == frame[chosen, None])
        & (category[None] == category[chosen, None])
        & (apart <= reach[:, None])
        & (np.abs(depth[None] - depth[chosen, None]) <= np.log(DEPTH_RATIO))
    )  # (M, S)
    witness[np.arange(len(chosen)), chosen] = True
    precision = np.exp((-2.0 * fields[:, layout.log_scale]).clip(-MAX_PRECISION_LOG, MAX_PRECISION_LOG))

    def mean(values: np.ndarray, slot: int) -> np.ndarray:
        weight = witness * precision[:, slot]
        return (weight @ values) / weight.sum(-1).reshape(-1, *[1] * (values.ndim - 1))

    joined[:, layout.offset] = (mean(centers, 0) - places[chosen]) / layout.stride
    joined[:, layout.depth] = mean(depth, 1)
    joined[:, layout.extents] = mean(fields[:, layout.extents], 2)
    joined[:, layout.yaw] = mean(fields[:, layout.yaw], 3)
    joined[:, layout.front] = mean(fields[:, layout.front], 3)
    return joined
