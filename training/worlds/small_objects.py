# SPDX-License-Identifier: Apache-2.0
"""Shapes of the things that stand on furniture (builders as in ``furniture``)."""

from __future__ import annotations

import numpy as np

from ide3d_training.worlds.furniture import GRAPHITE, LINEN, PAPER, STEEL, shade
from ide3d_training.worlds.parts import BOX, GLOSSY, RGB, Part, block, rod, taper, tilt
from ide3d_training.worlds.parts import ball as ellipsoid

SCREEN: RGB = (0.10, 0.13, 0.17)
DRINK: RGB = (0.16, 0.10, 0.07)


def mug(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    d, _, h = extents
    grip = 0.28 * d
    r = (d - grip) / 2
    x = grip / 2  # cup and handle together are centred; the handle points backwards
    parts = [
        rod(x, 0, 0, h - 0.003, r, color, GLOSSY),
        rod(x, 0, h - 0.003, h, r * 0.86, DRINK),
    ]
    bar, half = 0.13 * h, 0.09 * d
    outer, inner = -d / 2 + 0.004, x - r * 0.96
    low, high = h * 0.20, h * rng.uniform(0.76, 0.84)
    parts.append(block((outer, -half, low), (outer + bar, half, high), color, GLOSSY))
    parts.append(block((outer + bar, -half, low), (inner, half, low + bar), color, GLOSSY))
    parts.append(block((outer + bar, -half, high - bar), (inner, half, high), color, GLOSSY))
    return parts


def bottle(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    r, h = extents[1] / 2, extents[2]
    body, shoulder, neck = h * rng.uniform(0.55, 0.62), h * 0.78, r * rng.uniform(0.36, 0.44)
    return [
        rod(0, 0, 0, body, r, color, GLOSSY),
        *taper(body, shoulder, r * 0.90, neck * 1.1, 4, color, GLOSSY),
        rod(0, 0, shoulder, h * 0.91, neck, color, GLOSSY),
        rod(0, 0, h * 0.91, h, neck * 1.2, STEEL, GLOSSY),
    ]


def book(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    d, w, h = extents
    cover = 0.16 * h
    return [
        block((-d / 2, -w / 2, 0), (d / 2, w / 2, cover), color),
        block((-d / 2 + cover, -w / 2 + 0.006, cover), (d / 2 - 0.006, w / 2 - 0.006, h - cover), PAPER),
        block((-d / 2, -w / 2, cover), (-d / 2 + cover, w / 2, h - cover), color),
        block((-d / 2, -w / 2, h - cover), (d / 2, w / 2, h), color),
    ]


def laptop(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    total, w, h = extents
    base = 0.020
    lean = rng.uniform(0.20, 0.42)  # of the screen, backwards from upright, radians
    length = (h - base) / np.cos(lean)
    d = total - (h - base) * np.tan(lean)  # of the base; the screen leans out behind it
    thick = 0.012
    keys = d * 0.40
    parts = [
        block((-d / 2, -w / 2, 0), (d / 2, w / 2, base), color, GLOSSY),
        block(
            (-d / 2 + 0.03, -w / 2 + 0.03, base), (-d / 2 + 0.03 + keys, w / 2 - 0.03, base + 0.002), GRAPHITE
        ),
        block((d / 2 - 0.08, -0.05, base), (d / 2 - 0.015, 0.05, base + 0.002), shade(color, 0.8)),
    ]
    rotation = tilt("y", -lean)
    hinge = np.array([-d / 2 + 0.01, 0.0, base])

    def on_lid(x: float, half: tuple[float, float, float], rgb: RGB, finish: str) -> Part:
        center = hinge + rotation @ np.array([x, 0.0, length / 2])
        return Part(BOX, center, np.array(half), rgb, rotation, finish)

    parts.append(on_lid(0.0, (thick / 2, w / 2, length / 2), color, GLOSSY))
    parts.append(on_lid(thick / 2, (0.0015, w / 2 - 0.018, length / 2 - 0.018), SCREEN, GLOSSY))
    return parts


def ball(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    r = extents[2] / 2
    band = Part(
        "cylinder",
        np.array([0, 0, r]),
        np.array([r * 0.998, r * 0.998, 0.07 * r]),
        LINEN,
        tilt("x", rng.uniform(0.3, 1.2)),
    )
    return [ellipsoid((0, 0, r), (r, r, r), color, GLOSSY), band]
