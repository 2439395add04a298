# SPDX-License-Identifier: Apache-2.0
"""Lens distortion of the plumb_bob model (OpenCV, ROS): k1 k2 p1 p2 k3, on points of the plane z = 1.

`r^2 = x^2 + y^2`, `radial = 1 + k1 r^2 + k2 r^4 + k3 r^6`,
`x_d = x radial + 2 p1 x y + p2 (r^2 + 2 x^2)`, `y_d = y radial + p1 (r^2 + 2 y^2) + 2 p2 x y`.

The polynomial is fitted inside the image alone. Far outside it may turn round and throw a point from the side
back into the middle. Up to the turning radius it can be inverted; beyond it the answer is NaN.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_MAX_ITERATIONS = 50
_TOLERANCE = 1e-12
_TABLE_SIZE = 256
_TABLE_RADIUS = 16.0  # 86 degrees off the optical axis
_NEGLIGIBLE = 1e-12
# A residual above this (a thousandth of a pixel at f = 1000) means that no ray leads to the pixel.
_ACCEPTED_RESIDUAL = 1e-6


@lru_cache(maxsize=64)
def turning_radius(coefficients: tuple[float, ...]) -> float:
    """Find how far from the optical axis the model grows in every direction, and so can be inverted.

    Its slope is `1 + 3 k1 r^2 + 5 k2 r^4 + 7 k3 r^6` outwards, less `6 r |(p1, p2)|` at the worst bearing.

    Args:
        coefficients: k1 k2 p1 p2 [k3].

    Returns:
        Undistorted radius on the plane z = 1; infinite if it grows for ever.
    """
    k1, k2, p1, p2, k3 = _five(coefficients)
    slope = [7 * k3, 0.0, 5 * k2, 0.0, 3 * k1, -6 * np.hypot(p1, p2), 1.0]
    # Coefficients too small to bend any picture count as none, or the roots would overflow.
    roots = np.roots([value if abs(value) > _NEGLIGIBLE else 0.0 for value in slope])
    turning = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)]
    return float(turning.min()) if len(turning) else np.inf


def distort(points: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    """Bend ideal points as the lens does.

    Args:
        points: (N, 2) float64, (x, y) on the plane z = 1.
        coefficients: k1 k2 p1 p2 [k3].

    Returns:
        (N, 2) float64; NaN at and beyond the turning radius.
    """
    bent = _bend(points, coefficients)
    return np.where((np.hypot(*points.T) < turning_radius(coefficients))[:, None], bent, np.nan)


def undistort(points: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    """Find the ideal points that the lens bends into these, by Newton's method.

    Args:
        points: (N, 2) float64, (x, y) on the plane z = 1, as seen.
        coefficients: k1 k2 p1 p2 [k3].

    Returns:
        (N, 2) float64, exact to 1e-6; NaN where no ray inside the turning radius leads.
    """
    limit = turning_radius(coefficients)
    ideal = _first_guess(points, limit, coefficients)
    for _ in range(_MAX_ITERATIONS):
        step = _newton_step(ideal, points - _bend(ideal, coefficients), coefficients)
        ideal = _inside(ideal + step, limit)
        if not (np.abs(step) > _TOLERANCE).any():
            break
    found = np.abs(points - _bend(ideal, coefficients)).max(-1) < _ACCEPTED_RESIDUAL
    return np.where(found[:, None], ideal, np.nan)


def _five(coefficients: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(coefficients) + (0.0,) * (5 - len(coefficients))


def _first_guess(points: np.ndarray, limit: float, coefficients: tuple[float, ...]) -> np.ndarray:
    """Undo the radial part by a table; where a lens bends much, Newton needs a start this near."""
    k1, k2, _, _, k3 = _five(coefficients)
    radius = np.hypot(*points.T)
    ideal = np.linspace(0.0, min(limit, _TABLE_RADIUS), _TABLE_SIZE)
    seen = ideal * (1 + k1 * ideal**2 + k2 * ideal**4 + k3 * ideal**6)
    with np.errstate(invalid="ignore"):
        shrunk = points * (np.interp(radius, seen, ideal) / np.maximum(radius, 1e-12))[:, None]
    return _inside(shrunk, limit)


def _inside(points: np.ndarray, limit: float) -> np.ndarray:
    """Pull points that Newton threw past the turning radius back, just inside it."""
    radius = np.hypot(*points.T)
    return points * np.minimum(1.0, 0.999999 * limit / np.maximum(radius, 1e-12))[:, None]


def _bend(points: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    k1, k2, p1, p2, k3 = _five(coefficients)
    x, y = points.T
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([bent_x, bent_y], -1)


def _newton_step(points: np.ndarray, error: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    """Solve Jacobian of `_bend` times step = error; NaN where the Jacobian has no inverse."""
    k1, k2, p1, p2, k3 = _five(coefficients)
    x, y = points.T
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    slope = 2 * (k1 + r2 * (2 * k2 + r2 * 3 * k3))
    across = slope * x * y + 2 * p1 * x + 2 * p2 * y
    along_x = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x
    along_y = radial + slope * y * y + 6 * p1 * y + 2 * p2 * x
    with np.errstate(divide="ignore", invalid="ignore"):
        determinant = along_x * along_y - across * across
        step_x = (along_y * error[:, 0] - across * error[:, 1]) / determinant
        step_y = (along_x * error[:, 1] - across * error[:, 0]) / determinant
    return np.stack([step_x, step_y], -1)
