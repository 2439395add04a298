# SPDX-License-Identifier: Apache-2.0
"""Shapes of vessels: mugs, bottles, vases, bowls, buckets, bins and potted plants."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ide3d_training.worlds.objects.form import (
    GRAPHITE,
    LEAF,
    LINEN,
    PALE_WOOD,
    SOIL,
    STEEL,
    Paint,
    Shape,
    Surface,
    surface,
)
from ide3d_training.worlds.parts import (
    ELLIPSOID,
    GLOSSY,
    Part,
    ball,
    block,
    cone,
    hoop,
    rod,
    tilt,
    tube,
)
from ide3d_training.worlds.scene_graph import IN

_DRINK = Paint((0.16, 0.10, 0.07), GLOSSY)


def _inside(r: float, z: float) -> Surface:
    """Return the largest square on a round floor of radius ``r`` that is open above."""
    half = r * np.sqrt(0.5)
    return surface((-half, -half), (half, half), z, IN)


def mug(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A cup with a handle."""
    d, _, h = extents
    grip = 0.28 * d
    r = (d - grip) / 2
    x = grip / 2  # cup and handle together are centred; the handle points backwards
    parts = [
        rod(x, 0, 0, h - 0.003, r, *body),
        rod(x, 0, h - 0.003, h, r * 0.86, *_DRINK),
    ]
    bar, half = 0.13 * h, 0.09 * d
    outer, inner = -d / 2 + 0.004, x - r * 0.96
    low, high = h * 0.20, h * rng.uniform(0.76, 0.84)
    parts.append(block((outer, -half, low), (outer + bar, half, high), *body))
    parts.append(block((outer + bar, -half, low), (inner, half, low + bar), *body))
    parts.append(block((outer + bar, -half, high - bar), (inner, half, high), *body))
    return Shape(parts)


def bottle(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A bottle with a neck, a cap and often a label."""
    r, h = extents[1] / 2, extents[2]
    top, shoulder, neck = h * rng.uniform(0.52, 0.62), h * 0.78, r * rng.uniform(0.34, 0.44)
    parts = [
        rod(0, 0, 0, top, r * 0.99, *body),
        ball((0, 0, top), (r * 0.985, r * 0.985, shoulder - top), *body),
        rod(0, 0, top, h * 0.91, neck, *body),
        rod(0, 0, h * 0.91, h, neck * 1.2, *STEEL),
    ]
    if rng.random() < 0.6:
        parts.append(
            rod(0, 0, top * rng.uniform(0.25, 0.35), top * rng.uniform(0.65, 0.8), r, *LINEN.shade(1.05))
        )
    return Shape(parts)


def flask(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A sports bottle: a straight body under a broad cap with a loop."""
    r, h = extents[1] / 2, extents[2]
    cap = h * rng.uniform(0.76, 0.82)
    return Shape(
        [
            rod(0, 0, 0, cap - 0.015, r, *body),
            rod(0, 0, cap - 0.015, cap, r * 0.82, *STEEL),
            rod(0, 0, cap, h - 0.025, r * 0.86, *GRAPHITE),
            block((-0.008, -r * 0.6, h - 0.026), (0.008, r * 0.6, h), *GRAPHITE),
        ]
    )


def vase(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A round belly that narrows to a neck and widens to a rim; some hold twigs."""
    r, total = extents[1] / 2, extents[2]
    twigs = rng.random() < 0.4
    h = total * 0.58 if twigs else total
    neck = r * rng.uniform(0.36, 0.48)
    belly = h * rng.uniform(0.36, 0.44)
    collar = h * 0.70
    parts = [
        rod(0, 0, 0, h * 0.10, r * 0.55, *body),
        ball((0, 0, belly), (r, r, belly * 0.98), *body),
        rod(0, 0, collar, h - 0.02, neck, *body),
        rod(0, 0, h - 0.02, h, neck * 1.3, *body),
        rod(0, 0, h, h + 0.001, neck * 1.05, *GRAPHITE.shade(0.5)),
    ]
    if twigs:
        for i in range(4):
            turn = i * np.pi / 2 + rng.uniform(0.0, 1.0)
            reach = rng.uniform(0.45, 1.0) * (r - 0.02)
            tip = (
                reach * np.cos(turn),
                reach * np.sin(turn),
                total - 0.02 if i == 0 else total * rng.uniform(0.82, 0.97),
            )
            parts.append(tube((0, 0, h - 0.05), tip, 0.004, *SOIL))
            parts.append(ball((*tip[:2], tip[2]), (0.018, 0.018, 0.02), *LINEN.shade(1.1)))
    return Shape(parts)


def tall_vase(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A slender cone, widest at its rim."""
    r, h = extents[1] / 2, extents[2]
    foot = r * rng.uniform(0.45, 0.62)
    parts = cone(foot, r, 0, h - 0.001, *body)
    parts.append(rod(0, 0, h - 0.001, h, r * 0.86, *GRAPHITE.shade(0.5)))
    return Shape(parts)


def bowl(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A hollow shell that widens to its rim, on a foot ring."""
    r, h = extents[1] / 2, extents[2]
    foot, knee = r * rng.uniform(0.42, 0.52), h * 0.45
    wide = r * 0.80
    return Shape(
        [
            rod(0, 0, 0, h * 0.12, foot, *body.shade(0.9)),
            rod(0, 0, h * 0.10, h * 0.16, foot * 1.15, *body.shade(0.85)),
            *hoop(foot * 1.15, wide, h * 0.10, knee, 0.008, 9, *body.shade(0.95)),
            *hoop(wide, r, knee, h, 0.008, 9, *body),
        ]
    )


def bucket(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """An open cone with a raised bail."""
    r, h = extents[1] / 2, extents[2]
    rim = h * rng.uniform(0.70, 0.76)
    foot = r * rng.uniform(0.66, 0.74)
    wall = 0.008
    arch = [
        (r * 0.95 * np.cos(a), rim - 0.02 + (h - rim + 0.012) * np.sin(a)) for a in np.linspace(0, np.pi, 6)
    ]
    parts = [
        *hoop(foot, r, 0, rim, wall, 12, *body),
        rod(0, 0, 0, 0.012, foot * 0.97, *body.shade(0.8)),
        *(tube((0, a[0], a[1]), (0, b[0], b[1]), 0.006, *STEEL) for a, b in pairwise(arch)),
        tube((0, -0.05, h - 0.014), (0, 0.05, h - 0.014), 0.012, *PALE_WOOD),
    ]
    floor = _inside(foot * 0.90 - wall, 0.012)
    # The bail is lowest above the floor's sides.
    under = np.interp(floor.half[1], [y for y, _ in arch[::-1]], [z for _, z in arch[::-1]]) - 0.008
    return Shape(parts, (replace(floor, headroom=float(under) - 0.012),))


def waste_bin(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """An open cone."""
    r, h = extents[1] / 2, extents[2]
    foot, wall = r * rng.uniform(0.70, 0.82), 0.010
    parts = [
        *hoop(foot, r, 0, h, wall, 12, *body),
        rod(0, 0, 0, 0.012, foot * 0.97, *body.shade(0.7)),
    ]
    return Shape(parts, (_inside(foot * 0.90 - wall, 0.012),))


def pedal_bin(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A closed cylinder with a domed lid and a pedal."""
    r, h = extents[1] / 2, extents[2]
    lid = h * rng.uniform(0.80, 0.86)
    r *= 0.92
    return Shape(
        [
            rod(0, 0, 0, 0.04, r * 1.01, *GRAPHITE),
            rod(0, 0, 0.04, lid, r, *body),
            rod(0, 0, lid, lid + 0.025, r * 1.03, *GRAPHITE),
            ball((0, 0, lid + 0.02), (r * 0.98, r * 0.98, h - lid - 0.02), *body.shade(0.92)),
            block((r * 0.8, -0.04, 0.012), (r / 0.92 - 0.005, 0.04, 0.026), *STEEL),
        ]
    )


def _pot(rng: np.random.Generator, r: float, h: float, body: Paint) -> list[Part]:
    """Return a flower pot with soil in it; its rim has the given radius."""
    if rng.random() < 0.5:
        parts = [rod(0, 0, 0, h - 0.03, r * 0.94, *body)]
    else:
        parts = cone(r * rng.uniform(0.68, 0.85), r * 0.96, 0, h - 0.03, *body)
    parts.append(rod(0, 0, h - 0.04, h, r, *body.shade(0.9)))
    parts.append(rod(0, 0, h, h + 0.004, r * 0.88, *SOIL))
    return parts


def plant(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """Broad leaves that lean out of a pot."""
    r, h = extents[1] / 2, extents[2]
    pot = h * rng.uniform(0.34, 0.44)
    parts = _pot(rng, r * rng.uniform(0.62, 0.76), pot, body)
    parts.append(rod(0, 0, pot, pot + (h - pot) * 0.4, 0.012, *SOIL))
    leaves = int(rng.integers(9, 13))
    turn = rng.uniform(0, 2 * np.pi)
    for i in range(leaves):
        # Lower leaves lean outwards, the last one stands upright and reaches the wanted height.
        level = i / (leaves - 1)
        lean = (1.0 - level) * rng.uniform(0.75, 1.05)
        length = (h - pot) * (0.46 + 0.04 * level)
        length = min(length, r / max(np.sin(lean), 0.2) / 2.03)
        turn += 2.4  # the golden angle spreads the leaves evenly
        rotation = tilt("z", turn) @ tilt("y", lean)
        foot = np.array([0, 0, pot + (h - pot - 2 * length * np.cos(lean)) * level * 0.98])
        green = LEAF.shade(rng.uniform(0.8, 1.3)).rgb
        half = np.array([0.012, length * 0.30, length])
        parts.append(Part(ELLIPSOID, foot + rotation @ np.array([0, 0, length]), half, green, rotation))
    return Shape(parts)


def blade_plant(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """Upright narrow blades out of a pot."""
    r, h = extents[1] / 2, extents[2]
    pot = h * rng.uniform(0.34, 0.42)
    rim = r * rng.uniform(0.80, 0.96)
    parts = _pot(rng, rim, pot, body)
    blades = int(rng.integers(8, 12))
    for i in range(blades):
        turn = 2.4 * i
        spread = rim * 0.55 * np.sqrt(i / blades)
        foot = np.array([spread * np.cos(turn), spread * np.sin(turn), pot - 0.02])
        length = (h - pot + 0.02) / 2 * (1.0 if i == 0 else rng.uniform(0.62, 0.95))
        lean = (
            0.0
            if i == 0
            else min(rng.uniform(0.05, 0.30), np.arcsin(min((r - spread) / (2 * length + 0.03), 1.0)))
        )
        rotation = tilt("z", turn) @ tilt("y", lean)
        green = LEAF.shade(rng.uniform(0.85, 1.45)).rgb
        half = np.array([0.010, rng.uniform(0.026, 0.038), length])
        parts.append(Part(ELLIPSOID, foot + rotation @ np.array([0, 0, length]), half, green, rotation))
    return Shape(parts)


def cactus(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A thick green column with two bent arms in a pot."""
    r, h = extents[1] / 2, extents[2]
    pot = h * rng.uniform(0.30, 0.38)
    parts = _pot(rng, r * 0.84, pot, body)
    stem = r * rng.uniform(0.30, 0.38)
    green = LEAF.shade(1.1)
    parts.append(rod(0, 0, pot, h - stem, stem, *green))
    parts.append(ball((0, 0, h - stem), (stem, stem, stem), *green))
    turn = rng.uniform(0, np.pi)
    for side, share in ((0.0, rng.uniform(0.25, 0.40)), (np.pi, rng.uniform(0.45, 0.58))):
        c, s = np.cos(turn + side), np.sin(turn + side)
        z = pot + (h - pot) * share
        thin = stem * 0.55
        reach = r - thin
        tip = z + (h - pot) * rng.uniform(0.20, 0.30)
        parts.append(tube((0, 0, z), (reach * c, reach * s, z), thin, *green))
        parts.append(tube((reach * c, reach * s, z - thin), (reach * c, reach * s, tip), thin, *green))
        parts.append(ball((reach * c, reach * s, tip), (thin, thin, thin), *green))
    return Shape(parts)
