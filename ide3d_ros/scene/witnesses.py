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


_STATED = slice(0, 9)  # offset, depth, extents, yaw, front: the slots that are averaged
_SCALE_OF = np.array([0, 0, 1, 2, 2, 2, 3, 3, 3])  # which of the claimed scales belongs to each of them


def join_witnesses(
    fields: np.ndarray,
    chosen: np.ndarray,
    sizes: np.ndarray,
    focal: float,
    places: np.ndarray,
    layout: BoxCode,
) -> np.ndarray:
    """Replace what chosen tokens state by the precision-weighted mean of the tokens that mean the same thing.

    Witnesses name the same category and place the centre nearby and at a like depth. Each slot is weighted by
    the inverse of its own claimed variance. Category, colour and log scales stay the chosen token's: errors
    of neighbours are alike, so their mean is not surer by their number.

    Args:
        fields: (N, P) finite field vectors of one frame.
        chosen: (M,) tokens to speak for.
        sizes: (M,) size of the thing each of them states, metres.
        focal: focal length of the frame's camera, pixels.
        places: (N, 2) pixel centre of each token.
        layout: of the field vectors.

    Returns:
        (M, P) float64 field vectors, relative to the chosen tokens.
    """
    joined = fields[chosen].astype(np.float64)
    if not len(chosen):
        return joined
    stated = fields[:, _STATED].astype(np.float64)
    stated[:, layout.offset] = places + stated[:, layout.offset] * layout.stride  # centres, the same for all
    heard = np.zeros((len(chosen), len(fields)))
    heard[_witnesses(stated, fields[:, layout.category].argmax(-1), chosen, sizes, focal, layout)] = 1.0
    heard[np.arange(len(chosen)), chosen] = 1.0
    claimed = -2.0 * fields[:, layout.log_scale].astype(np.float64)
    precision = np.exp(claimed.clip(-MAX_PRECISION_LOG, MAX_PRECISION_LOG))
    weight = precision[:, _SCALE_OF]  # (N, 9)
    joined[:, _STATED] = (heard @ (weight * stated)) / (heard @ weight)
    joined[:, layout.offset] = (joined[:, layout.offset] - places[chosen]) / layout.stride
    return joined


def _witnesses(
    stated: np.ndarray,
    category: np.ndarray,
    chosen: np.ndarray,
    sizes: np.ndarray,
    focal: float,
    layout: BoxCode,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the pairs (which of the chosen, token) that mean the same thing."""
    # Few pairs share a category; the rest is asked of those alone.
    named = np.zeros(layout.categories + 1, bool)
    named[category[chosen]] = True
    others = np.flatnonzero(named[category])
    one, other = np.nonzero(category[chosen, None] == category[others])
    other = others[other]
    center, depth = stated[:, layout.offset], stated[:, layout.depth]
    unit = focal * coded_depth_scale(focal, layout.focal_virtual)  # pixels a metre, at a coded depth of 1
    reach = REACH * sizes * unit * np.exp(-depth[chosen].clip(-9, 9))  # pixels
    aside = center[other] - center[chosen][one]
    near = (np.hypot(aside[:, 0], aside[:, 1]) <= reach[one]) & (
        np.abs(depth[other] - depth[chosen][one]) <= np.log(DEPTH_RATIO)
    )
    return one[near], other[near]
