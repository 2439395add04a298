# SPDX-License-Identifier: Apache-2.0
"""How good a predicted depth image is: AbsRel, RMSE and delta < 1.25 (Eigen et al., NeurIPS 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .inputs import MetricInputError

DELTA = 1.25


@dataclass(frozen=True)
class DepthErrors:
    """Hold the errors over a number of pixels.

    Attributes:
        abs_rel: mean of |d - d*| / d*.
        rmse_m: root of the mean of (d - d*)^2, metres.
        delta: share of pixels with max(d / d*, d* / d) < 1.25.
        pixels: number of pixels compared.
    """

    abs_rel: float
    rmse_m: float
    delta: float
    pixels: int


def depth_errors(prediction: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> DepthErrors:
    """Compare a depth image with the true one.

    Args:
        prediction: (H, W) d, metres along the optical axis; a depth <= 0 counts as outside delta.
        truth: (H, W) d*, metres; pixels that are not finite or not above 0 have no truth and are left out.
        mask: (H, W) bool, pixels to compare; by default all that have a truth.

    Raises:
        MetricInputError: if shapes differ, the mask is not bool, no pixel is left or a predicted depth at one
            of them is not finite.
    """
    prediction = np.asarray(prediction, dtype=np.float64)
    truth = np.asarray(truth, dtype=np.float64)
    if prediction.shape != truth.shape:
        raise MetricInputError(f"predicted depth of shape {prediction.shape}, true depth of {truth.shape}")
    compared = np.isfinite(truth) & (truth > 0)
    if mask is not None:
        chosen = np.asarray(mask)
        if chosen.shape != truth.shape or chosen.dtype != bool:
            raise MetricInputError(
                f"mask of shape {chosen.shape} and type {chosen.dtype} for depth of shape {truth.shape}: "
                "give one bool for each pixel"
            )
        compared &= chosen
    pixels = int(np.count_nonzero(compared))
    if not pixels:
        raise MetricInputError("no pixel has a true depth within the mask: there is nothing to measure")
    d, true = prediction[compared], truth[compared]
    broken = int(np.count_nonzero(~np.isfinite(d)))
    if broken:
        raise MetricInputError(
            f"predicted depth is not finite at {broken} of {pixels} pixels: mask them or mend it"
        )
    error = np.abs(d - true)
    # Ratios without division: a depth <= 0 fails by itself, because the true one is above 0.
    within = np.maximum(d, true) < DELTA * np.minimum(d, true)
    return DepthErrors(
        abs_rel=float(np.mean(error / true)),
        rmse_m=float(np.sqrt(np.mean(error**2))),
        delta=float(np.mean(within)),
        pixels=pixels,
    )


def pooled(errors: Sequence[DepthErrors]) -> DepthErrors:
    """Return the errors over the pixels of many images, each pixel weighing the same.

    Raises:
        MetricInputError: if there is no image.
    """
    if not errors:
        raise MetricInputError("no depth images: there is nothing to pool")
    pixels = np.array([error.pixels for error in errors], dtype=np.float64)
    weights = pixels / pixels.sum()
    return DepthErrors(
        abs_rel=float(weights @ [error.abs_rel for error in errors]),
        rmse_m=float(np.sqrt(weights @ np.square([error.rmse_m for error in errors]))),
        delta=float(weights @ [error.delta for error in errors]),
        pixels=int(pixels.sum()),
    )
