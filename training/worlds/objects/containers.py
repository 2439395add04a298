# SPDX-License-Identifier: Apache-2.0
"""Shapes of boxes, baskets, trays, toolboxes and luggage."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ide3d_training.worlds.objects.form import (
    GRAPHITE,
    LINEN,
    PALE_WOOD,
    STEEL,
    Paint,
    Shape,
    Surface,
    surface,
)
from ide3d_training.worlds.parts import Part, ball, beam, block, hoop, rod, tube
from ide3d_training.worlds.scene_graph import IN, ON

_TAPE = Paint((0.72, 0.68, 0.58), GRAPHITE.finish)


def _tub(d: float, w: float, h: float, wall: float, body: Paint) -> tuple[list[Part], Surface]:
    """Return a floor with four walls, and the floor as a surface."""
    x, y = d / 2 - wall, w / 2 - wall
    parts = [
        block((-d / 2, -w / 2, 0), (d / 2, w / 2, wall), *body.shade(0.85)),
        block((-d / 2, -w / 2, wall), (-x, w / 2, h), *body.shade(0.95)),
        block((x, -w / 2, wall), (d / 2, w / 2, h), *body),
        block((-x, -w / 2, wall), (x, -y, h), *body.shade(0.97)),
        block((-x, y, wall), (x, w / 2, h), *body.shade(0.97)),
    ]
    return parts, surface((-x, -y), (x, y), wall, IN)


def open_box(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A carton whose four flaps stand open."""
    d, w, h = extents
    flap = min(d, w) * 0.26
    lean = rng.uniform(0.4, 0.9, 4)  # from upright, outwards, radians
    rim = h - flap * np.cos(lean.min())
    dx, wx = d - 2 * flap * np.sin(lean[:2]).max(), w - 2 * flap * np.sin(lean[2:]).max()
    parts, inside = _tub(dx, wx, rim, 0.007, body)
    for i, sign in enumerate((-1, 1)):
        foot, tip = sign * dx / 2, sign * (dx / 2 + flap * np.sin(lean[i]))
        parts.append(
            beam((foot, 0, rim), (tip, 0, rim + flap * np.cos(lean[i])), wx - 0.01, 0.006, *body.shade(1.06))
        )
        foot, tip = sign * wx / 2, sign * (wx / 2 + flap * np.sin(lean[2 + i]))
        parts.append(
            beam(
                (0, foot, rim),
                (0, tip, rim + flap * np.cos(lean[2 + i])),
                dx - 0.01,
                0.006,
                *body.shade(1.06),
            )
        )
    return Shape(parts, (inside,))


def closed_box(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A carton closed with tape, with a label."""
    d, w, h = extents
    tape = 0.028
    top = h - 0.001
    low = h * rng.uniform(0.30, 0.45)
    left = -w / 2 + w * rng.uniform(0.12, 0.4)
    parts = [
        block((-d / 2 + 0.001, -w / 2 + 0.001, 0), (d / 2 - 0.001, w / 2 - 0.001, top), *body),
        block((-tape, -w / 2, top), (tape, w / 2, h), *_TAPE),
        block((-tape, -w / 2, h * 0.72), (tape, -w / 2 + 0.001, h), *_TAPE),
        block((-tape, w / 2 - 0.001, h * 0.72), (tape, w / 2, h), *_TAPE),
        block((d / 2 - 0.001, left, low), (d / 2, left + w * 0.34, low + h * 0.26), *LINEN.shade(1.1)),
        block(
            (d / 2 - 0.001, left + w * 0.03, low + h * 0.06),
            (d / 2 + 0.0005, left + w * 0.24, low + h * 0.10),
            *GRAPHITE,
        ),
    ]
    return Shape(parts, (surface((0.001 - d / 2, 0.001 - w / 2), (d / 2 - 0.001, w / 2 - 0.001), top, ON),))


def storage_box(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A box under a lid with an overhanging rim, with latches at its ends."""
    d, w, h = extents
    lid, rim = h * rng.uniform(0.14, 0.2), 0.012
    parts = [
        block((-d / 2 + rim, -w / 2 + rim, 0), (d / 2 - rim, w / 2 - rim, h - lid), *body.shade(0.9)),
        block((-d / 2, -w / 2, h - lid), (d / 2, w / 2, h), *body),
    ]
    for y in (-w * 0.28, w * 0.28):
        parts.append(
            block((d / 2 - rim, y - 0.025, h - lid - 0.05), (d / 2 + 0.006, y + 0.025, h - 0.02), *GRAPHITE)
        )
    return Shape(parts, (surface((-d / 2, -w / 2), (d / 2, w / 2), h, ON),))


def crate(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """An open box of slats with posts in its corners."""
    d, w, h = extents
    wall, post = 0.012, 0.018
    parts = [block((-d / 2 + wall, -w / 2 + wall, 0), (d / 2 - wall, w / 2 - wall, wall), *body.shade(0.8))]
    for x in (-d / 2 + wall, d / 2 - wall - post):
        for y in (-w / 2 + wall, w / 2 - wall - post):
            parts.append(block((x, y, 0), (x + post, y + post, h - 0.004), *body.shade(0.75)))
    edges = np.linspace(0.0, h, 3 if h < 0.26 else 4)
    for low, high in pairwise(edges):
        tone = body.shade(rng.uniform(0.92, 1.04))
        bottom = low + 0.018
        parts.append(block((-d / 2, -w / 2, bottom), (-d / 2 + wall, w / 2, high), *tone))
        parts.append(block((d / 2 - wall, -w / 2, bottom), (d / 2, w / 2, high), *tone))
        parts.append(block((-d / 2 + wall, -w / 2, bottom), (d / 2 - wall, -w / 2 + wall, high), *tone))
        parts.append(block((-d / 2 + wall, w / 2 - wall, bottom), (d / 2 - wall, w / 2, high), *tone))
    inner = (d / 2 - wall - post, w / 2 - wall - post)
    return Shape(parts, (surface((-inner[0], -inner[1]), inner, wall, IN),))


def basket(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A rectangular basket with a thick rim and two handles."""
    d, w, h = extents
    wall, grip = 0.016, rng.uniform(0.05, 0.08)
    rim = h - grip
    parts, inside = _tub(d - 0.016, w - 0.016, rim - 0.01, wall, body)
    x, y = d / 2 - 0.014, w / 2 - 0.014
    ring = [(-x, -y), (-x, y), (x, y), (x, -y), (-x, -y)]
    for a, b in pairwise(ring):
        parts.append(tube((*a, rim - 0.014), (*b, rim - 0.014), 0.014, *body.shade(0.82)))
    reach = d * 0.20
    for side in (-y, y):
        arch = [
            (-reach, rim - 0.01),
            (-reach * 0.6, h - 0.009),
            (reach * 0.6, h - 0.009),
            (reach, rim - 0.01),
        ]
        for a, b in pairwise(arch):
            parts.append(tube((a[0], side, a[1]), (b[0], side, b[1]), 0.009, *body.shade(0.75)))
    # The rim is thicker than the walls.
    return Shape(parts, (replace(inside, half=inside.half - 0.006),))


def round_basket(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A round basket that widens upwards, with two loops at its rim."""
    r, h = extents[1] / 2, extents[2]
    rim, foot = h * rng.uniform(0.84, 0.88), r * rng.uniform(0.72, 0.86)
    wall = 0.016
    parts = [
        *hoop(foot, r, 0, rim, wall, 10, *body),
        rod(0, 0, 0, wall, foot * 0.96, *body.shade(0.8)),
    ]
    for side in (-1, 1):
        y = side * r * 0.93
        loop = [(-0.07, rim - 0.02), (-0.045, h - 0.008), (0.045, h - 0.008), (0.07, rim - 0.02)]
        for a, b in pairwise(loop):
            parts.append(tube((a[0], y, a[1]), (b[0], y, b[1]), 0.008, *body.shade(0.72)))
    half = (foot * 0.93 - wall) * np.sqrt(0.5)
    return Shape(parts, (surface((-half, -half), (half, half), wall, IN),))


def tray(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A flat floor with a raised rim and a grip at each end."""
    d, w, h = extents
    floor, wall = 0.010, 0.014
    rim = h * rng.uniform(0.62, 0.72)
    x, y = d / 2 - wall, w / 2 - wall
    parts = [
        block((-d / 2 + 0.002, -w / 2 + 0.002, 0), (d / 2 - 0.002, w / 2 - 0.002, floor), *body),
        block((-d / 2, -w / 2, floor * 0.4), (-x, w / 2, rim), *body.shade(0.85)),
        block((x, -w / 2, floor * 0.4), (d / 2, w / 2, rim), *body.shade(0.85)),
    ]
    grip = d * 0.18
    for side in (-1, 1):
        a, b = sorted((side * y, side * w / 2))
        parts.append(block((-x, a, floor * 0.4), (x, b, rim), *body.shade(0.85)))
        for e in (-1, 1):
            p, q = sorted((e * grip, e * (grip + 0.02)))
            parts.append(block((p, a, rim), (q, b, h - 0.010), *body.shade(0.85)))
        parts.append(block((-grip - 0.02, a, h - 0.010), (grip + 0.02, b, h), *body.shade(0.75)))
    return Shape(parts, (surface((-x, -y), (x, y), floor, ON),))


def toolbox(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A chest whose lid slopes on both sides under a carrying handle, with two latches."""
    d, w, h = extents
    chest, ridge = h * rng.uniform(0.48, 0.54), h * 0.74
    slope = d * 0.18
    parts = [
        block((-d / 2 + 0.005, -w / 2 + 0.005, 0), (d / 2 - 0.007, w / 2 - 0.005, chest), *body),
        block((-d / 2, -w / 2, chest - 0.008), (d / 2 - 0.004, w / 2, chest + 0.012), *GRAPHITE),
        block((-slope, -w / 2 + 0.006, chest + 0.01), (slope, w / 2 - 0.006, ridge), *body.shade(0.92)),
        beam(
            (-d / 2 + 0.014, 0, chest + 0.02), (-slope, 0, ridge - 0.012), w - 0.012, 0.024, *body.shade(0.96)
        ),
        beam(
            (d / 2 - 0.018, 0, chest + 0.02), (slope, 0, ridge - 0.012), w - 0.012, 0.024, *body.shade(0.96)
        ),
        tube((0, -w * 0.30, h - 0.014), (0, w * 0.30, h - 0.014), 0.014, *GRAPHITE),
    ]
    for y in (-w * 0.28, w * 0.28):
        parts.append(block((-0.010, y - 0.012, ridge), (0.010, y + 0.012, h - 0.012), *GRAPHITE))
        parts.append(block((d / 2 - 0.008, y - 0.02, chest - 0.05), (d / 2, y + 0.02, chest + 0.025), *STEEL))
    return Shape(parts)


def tool_tote(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """An open carrier: low sides, high ends and a round bar between them, with tools in it."""
    d, w, h = extents
    side, wall = h * 0.45, 0.014
    parts, _ = _tub(d, w, side, wall, body)
    for y in (-w / 2 + wall / 2, w / 2 - wall / 2):
        parts.append(block((-d * 0.20, y - wall / 2, side), (d * 0.20, y + wall / 2, h * 0.80), *body))
        parts.append(block((-d * 0.11, y - wall / 2, h * 0.80), (d * 0.11, y + wall / 2, h), *body))
    parts.append(tube((0, -w / 2 + wall, h * 0.88), (0, w / 2 - wall, h * 0.88), 0.014, *PALE_WOOD))
    for x, tone in ((-d * 0.27, STEEL), (d * 0.27, GRAPHITE)):
        y = rng.uniform(-0.2, 0.2) * w
        parts.append(beam((x, y, 0.012), (x, y + 0.05, h * rng.uniform(0.6, 0.8)), 0.028, 0.014, *tone))
    return Shape(parts)


def trolley(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A ribbed upright suitcase on four wheels with a telescopic handle at its back."""
    d, w, h = extents
    wheel, top = 0.045, h * rng.uniform(0.76, 0.86)
    inset = 0.018
    parts = [
        block((-d / 2, -w / 2, wheel + 0.02), (d / 2 - inset, w / 2, top - 0.02), *body),
        block(
            (-d / 2 + inset, -w / 2 + 0.02, wheel),
            (d / 2 - 2 * inset, w / 2 - 0.02, top),
            *body.shade(0.95),
        ),
        block((-0.006, -w / 2 - 0.003, wheel + 0.03), (0.006, w / 2 + 0.003, top - 0.03), *GRAPHITE),
    ]
    for y in np.linspace(-w * 0.34, w * 0.34, 4):
        parts.append(
            block((d / 2 - inset, y - 0.022, wheel + 0.06), (d / 2, y + 0.022, top - 0.06), *body.shade(1.04))
        )
    for x in (-d / 2 + 0.05, d / 2 - 0.05):
        for y in (-w / 2 + 0.05, w / 2 - 0.05):
            parts.append(tube((x, y - 0.014, 0.024), (x, y + 0.014, 0.024), 0.024, *GRAPHITE.shade(0.6)))
    x = -d / 2 + 0.06
    for y in (-w * 0.22, w * 0.22):
        parts.append(rod(x, y, top - 0.01, h - 0.02, 0.008, *STEEL))
    parts.append(block((x - 0.014, -w * 0.26, h - 0.026), (x + 0.014, w * 0.26, h), *GRAPHITE))
    parts.append(block((-0.014, -0.07, top + 0.018), (0.014, 0.07, top + 0.03), *GRAPHITE))
    for y in (-0.062, 0.062):
        parts.append(block((-0.012, y - 0.008, top - 0.005), (0.012, y + 0.008, top + 0.02), *GRAPHITE))
    return Shape(parts)


def travel_case(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """An old suitcase standing on its long side: two belts, corner caps, a handle on top."""
    d, w, h = extents
    top = h - 0.05
    belt = (body.shade(0.55), LINEN.shade(0.75))[int(max(body.rgb) < 0.3)]
    parts = [
        block((-d / 2 + 0.006, -w / 2 + 0.006, 0.012), (d / 2 - 0.006, w / 2 - 0.006, top - 0.006), *body),
        block((-0.008, -w / 2, 0.006), (0.008, w / 2, top), *STEEL),
        block((-0.014, -0.08, h - 0.02), (0.014, 0.08, h), *belt),
    ]
    for y in (-0.07, 0.07):
        parts.append(block((-0.011, y - 0.011, top - 0.01), (0.011, y + 0.011, h - 0.01), *belt))
    for y in (-w * 0.27, w * 0.27):
        parts.append(block((-d / 2, y - 0.022, 0.006), (d / 2, y + 0.022, top), *belt))
        parts.append(
            block((d / 2 - 0.004, y - 0.028, top * 0.60), (d / 2 + 0.004, y + 0.028, top * 0.68), *STEEL)
        )
        parts.append(block((-d / 2 + 0.03, y - 0.03, 0), (d / 2 - 0.03, y + 0.03, 0.014), *GRAPHITE))
    return Shape(parts)


def backpack(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A rounded sack with a front pocket, side pockets, shoulder straps and a loop on top."""
    d, w, h = extents
    r, pocket = d * 0.33, h * rng.uniform(0.40, 0.48)
    top = h - 0.035
    rear = -d / 2 + 0.035
    x, wide = rear + r, w * 0.42
    trim = (body.shade(0.6), GRAPHITE)[int(max(body.rgb) < 0.3)]
    strap = Paint(GRAPHITE.shade(0.8).rgb, "fabric")
    parts = [
        block((rear, -wide, 0), (rear + 2 * r, wide, top - r), *body),
        tube((x, -wide, top - r), (x, wide, top - r), r, *body),
        ball((x, 0, top - r * 1.1), (r * 1.0, wide * 1.08, r * 1.08), *body),
        block((rear + 2 * r, -wide * 0.82, 0.01), (d / 2, wide * 0.82, pocket - 0.03), *body.shade(0.92)),
        tube(
            (d / 2 - 0.04, -wide * 0.82, pocket - 0.03),
            (d / 2 - 0.04, wide * 0.82, pocket - 0.03),
            0.039,
            *body.shade(0.92),
        ),
        block(
            (d / 2 - 0.006, -wide * 0.74, pocket * 0.76),
            (d / 2 + 0.001, wide * 0.74, pocket * 0.76 + 0.012),
            *trim,
        ),
        tube((x, -0.035, top - 0.012), (x, -0.03, h - 0.006), 0.007, *strap),
        tube((x, 0.035, top - 0.012), (x, 0.03, h - 0.006), 0.007, *strap),
        tube((x, -0.036, h - 0.008), (x, 0.036, h - 0.008), 0.008, *strap),
    ]
    for side in (-1, 1):
        y = side * wide
        inner, outer = sorted((y, side * (w / 2 - 0.002)))
        parts.append(block((x - r * 0.7, inner, 0.012), (x + r * 0.7, outer, h * 0.30), *body.shade(0.85)))
        y = side * wide * 0.55
        parts.append(
            beam((rear - 0.008, y, top - r * 0.7), (-d / 2 + 0.018, y, h * 0.45), 0.055, 0.018, *strap)
        )
        parts.append(beam((-d / 2 + 0.018, y, h * 0.46), (rear, y * 1.3, 0.06), 0.035, 0.014, *strap))
    return Shape(parts)
