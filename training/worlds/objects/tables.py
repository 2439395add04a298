# SPDX-License-Identifier: Apache-2.0
"""Shapes of tables, desks, workbenches and nightstands."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ide3d_training.worlds.objects.form import (
    GRAPHITE,
    PALE_WOOD,
    STEEL,
    Paint,
    Shape,
    Surface,
    frame_paint,
    legs,
    surface,
)
from ide3d_training.worlds.parts import Part, beam, block, rod, tube
from ide3d_training.worlds.scene_graph import IN, ON


def _top(d: float, w: float, h: float) -> Surface:
    return surface((-d / 2, -w / 2), (d / 2, w / 2), h, ON)


def table(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A rectangular top with an apron on four legs."""
    d, w, h = extents
    thick = 0.02 if body.finish == "glass" else rng.uniform(0.03, 0.055)
    tone = body.shade(0.85) if body.finish == "wood" and rng.random() < 0.5 else frame_paint(rng)
    r = rng.uniform(0.022, 0.036)
    inset = rng.uniform(0.01, 0.06)
    parts = [block((-d / 2, -w / 2, h - thick), (d / 2, w / 2, h), *body)]
    parts += legs(d, w, h - thick, r, tone, bool(rng.integers(2)), inset)
    x, y = d / 2 - inset - r, w / 2 - inset - r
    low = h - thick - rng.uniform(0.04, 0.09)
    for side in (-1, 1):
        parts.append(block((side * x - 0.01, -y, low), (side * x + 0.01, y, h - thick), *tone.shade(0.95)))
        parts.append(block((-x, side * y - 0.01, low), (x, side * y + 0.01, h - thick), *tone.shade(0.95)))
    return Shape(parts, (_top(d, w, h),))


def round_table(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A round top on one column with a foot plate."""
    r, h = extents[1] / 2, extents[2]
    thick = rng.uniform(0.022, 0.04)
    tone = (body.shade(0.85), STEEL, GRAPHITE)[rng.integers(3)] if body.finish != "glass" else STEEL
    foot = r * rng.uniform(0.50, 0.62)
    column = rng.uniform(0.035, 0.055)
    parts = [
        rod(0, 0, 0, 0.025, foot, *tone),
        rod(0, 0, 0.025, 0.045, foot * 0.8, *tone),
        rod(0, 0, 0.045, h - thick, column, *tone),
        rod(0, 0, h - thick - 0.04, h - thick, column * 2.4, *tone),
        rod(0, 0, h - thick, h, r, *body),
    ]
    inner = 0.70 * r
    return Shape(parts, (surface((-inner, -inner), (inner, inner), h, ON),))


def trestle_table(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A long top on two pairs of crossed or splayed legs joined by a beam."""
    d, w, h = extents
    thick = rng.uniform(0.03, 0.05)
    tone = frame_paint(rng)
    end, crossed = w / 2 - rng.uniform(0.12, 0.22), rng.random() < 0.5
    parts = [block((-d / 2, -w / 2, h - thick), (d / 2, w / 2, h), *body)]
    foot, head = d / 2 - 0.05, (d / 2 - 0.08 if crossed else d * 0.14)
    bar = h * 0.5 if crossed else h * 0.32
    for side in (-1, 1):
        y = side * end
        for lean in (-1, 1):
            top = -lean * head if crossed else lean * head
            # Crossed legs lie side by side where they meet.
            shift = lean * 0.021 if crossed else 0.0
            parts.append(
                beam((lean * foot, y + shift, 0.012), (top, y + shift, h - thick - 0.01), 0.04, 0.05, *tone)
            )
        if not crossed:
            reach = foot + (head - foot) * bar / h
            parts.append(block((-reach, y - 0.018, bar - 0.025), (reach, y + 0.018, bar + 0.025), *tone))
    parts.append(block((-0.02, -end, bar - 0.025), (0.02, end, bar + 0.025), *tone))
    return Shape(parts, (_top(d, w, h),))


def coffee_table(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A low table with a shelf under its top."""
    d, w, h = extents
    thick = 0.02 if body.finish == "glass" else rng.uniform(0.03, 0.05)
    tone = frame_paint(rng) if body.finish == "glass" else body.shade(0.85)
    r = rng.uniform(0.02, 0.03)
    shelf = h * rng.uniform(0.26, 0.36)
    x, y = d / 2 - 2 * r - 0.02, w / 2 - 2 * r - 0.02
    parts = [
        block((-d / 2, -w / 2, h - thick), (d / 2, w / 2, h), *body),
        block((-x - r, -y - r, shelf - 0.02), (x + r, y + r, shelf), *tone.shade(1.05)),
        *legs(d, w, h - thick, r, tone, True, 0.02),
    ]
    under = surface((-x, -y), (x, y), shelf, IN, h - thick - shelf)
    return Shape(parts, (_top(d, w, h), under))


def _drawers(
    face: float, side: tuple[float, float], heights: np.ndarray, body: Paint, grip: Paint
) -> list[Part]:
    """Return fronts of drawers above each other whose outer plane is x = ``face``, with bar handles."""
    left, right = side
    parts = []
    reach = min((right - left) * 0.22, 0.09)
    middle = (left + right) / 2
    for low, high in pairwise(heights):
        parts.append(
            block((face - 0.018, left + 0.006, low + 0.005), (face, right - 0.006, high - 0.005), *body)
        )
        z = high - min(0.06, (high - low) / 2)
        parts.append(
            block((face, middle - reach, z - 0.008), (face + 0.022, middle + reach, z + 0.008), *grip)
        )
    return parts


def desk(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A top over a block of drawers on one side, a leg panel on the other and a panel at the back."""
    d, w, h = extents
    thick = rng.uniform(0.025, 0.04)
    side = (-1, 1)[rng.integers(2)]
    wide = w * rng.uniform(0.28, 0.34)
    under = h - thick
    inner, outer = sorted((side * (w / 2 - wide), side * (w / 2 - 0.01)))
    leg = sorted((-side * (w / 2 - 0.01), -side * (w / 2 - 0.04)))
    face = d / 2 - 0.03
    dark = body.shade(0.8)
    parts = [
        block((-d / 2, -w / 2, under), (d / 2, w / 2, h), *body),
        block((-d / 2 + 0.02, inner, 0.03), (face - 0.018, outer, under), *dark),
        block((-d / 2 + 0.06, inner + 0.02, 0), (face - 0.05, outer - 0.02, 0.03), *GRAPHITE),
        block((-d / 2 + 0.02, leg[0], 0), (face, leg[1], under), *dark),
        block(
            (-d / 2 + 0.03, -w / 2 + 0.03, h * 0.35), (-d / 2 + 0.05, w / 2 - 0.03, under), *body.shade(0.7)
        ),
    ]
    parts += _drawers(face, (inner, outer), np.linspace(0.03, under, int(rng.integers(3, 5))), body, STEEL)
    return Shape(parts, (_top(d, w, h),))


def hutch_desk(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A desk on four legs with two drawers under its top and a raised shelf along its back."""
    d, w, h = extents
    top = h * rng.uniform(0.68, 0.72)
    thick = 0.028
    face, deep = d / 2 - 0.03, rng.uniform(0.20, 0.25)
    tone = frame_paint(rng)
    rear = -d / 2 + deep
    low = top - thick - 0.11
    parts = [
        block((-d / 2, -w / 2, top - thick), (d / 2, w / 2, top), *body),
        block(
            (-d / 2 + 0.03, -w / 2 + 0.03, low), (face - 0.018, w / 2 - 0.03, top - thick), *body.shade(0.8)
        ),
        *legs(d - 0.03, w, low + 0.02, 0.022, tone, True, 0.01),
        block((-d / 2, -w / 2, top), (rear, -w / 2 + 0.022, h - 0.022), *body.shade(0.9)),
        block((-d / 2, w / 2 - 0.022, top), (rear, w / 2, h - 0.022), *body.shade(0.9)),
        block((-d / 2, -w / 2, h - 0.022), (rear, w / 2, h), *body),
        block((-d / 2, -w / 2 + 0.022, top), (-d / 2 + 0.012, w / 2 - 0.022, h - 0.022), *body.shade(0.7)),
    ]
    for left, right in ((-w / 2 + 0.03, 0.0), (0.0, w / 2 - 0.03)):
        parts += _drawers(face, (left, right), np.array([low, top - thick]), body, STEEL)
    pigeonhole = surface((-d / 2 + 0.014, -w / 2 + 0.024), (rear, w / 2 - 0.024), top, IN, h - 0.022 - top)
    return Shape(
        parts,
        (
            surface((rear, -w / 2), (d / 2, w / 2), top, ON),
            surface((-d / 2, -w / 2), (rear, w / 2), h, ON),
            pigeonhole,
        ),
    )


def nightstand(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A small bedside cupboard on legs: drawers, or one drawer above an open compartment."""
    d, w, h = extents
    foot = rng.uniform(0.08, 0.16)
    top = 0.022
    face = d / 2 - 0.024
    tone = frame_paint(rng)
    grip = (STEEL, GRAPHITE)[rng.integers(2)]
    parts = legs(d - 0.02, w, foot, 0.018, tone, bool(rng.integers(2)), 0.015)
    parts.append(block((-d / 2, -w / 2, h - top), (face + 0.008, w / 2, h), *body))
    surfaces = [surface((-d / 2, -w / 2), (face + 0.008, w / 2), h, ON)]
    if rng.random() < 0.5:
        split = foot
        parts.append(
            block((-d / 2, -w / 2 + 0.005, foot), (face - 0.018, w / 2 - 0.005, h - top), *body.shade(0.8))
        )
        drawers = 2
    else:
        drawers, wall = 1, 0.02
        split = h - top - (h - foot) * rng.uniform(0.34, 0.42)
        parts += [
            block((-d / 2, -w / 2 + 0.005, split), (face - 0.018, w / 2 - 0.005, h - top), *body.shade(0.8)),
            block((-d / 2, -w / 2 + 0.005, foot), (face, w / 2 - 0.005, foot + wall), *body),
            block(
                (-d / 2, -w / 2 + 0.005, foot + wall), (face, -w / 2 + 0.005 + wall, split), *body.shade(0.9)
            ),
            block(
                (-d / 2, w / 2 - 0.005 - wall, foot + wall), (face, w / 2 - 0.005, split), *body.shade(0.9)
            ),
            block(
                (-d / 2, -w / 2 + 0.02, foot + wall), (-d / 2 + 0.01, w / 2 - 0.02, split), *body.shade(0.6)
            ),
        ]
        inside = w / 2 - 0.005 - wall
        surfaces.append(
            surface((-d / 2 + 0.01, -inside), (face, inside), foot + wall, IN, split - foot - wall)
        )
    heights = np.linspace(split, h - top, drawers + 1)
    for low, high in pairwise(heights):
        parts.append(
            block((face - 0.018, -w / 2 + 0.008, low + 0.004), (face, w / 2 - 0.008, high - 0.004), *body)
        )
        z = (low + high) / 2
        parts.append(tube((face, 0, z), (d / 2, 0, z), 0.016, *grip))
    return Shape(parts, tuple(surfaces))


def _vise(x: float, y: float, top: float) -> list[Part]:
    """Return a vise whose fixed jaw is at the front edge ``x`` of a bench top."""
    iron = Paint((0.33, 0.36, 0.40), "metal")
    return [
        block((x - 0.10, y - 0.06, top), (x - 0.02, y + 0.06, top + 0.05), *iron),
        block((x - 0.05, y - 0.08, top + 0.03), (x - 0.01, y + 0.08, top + 0.13), *iron),
        block((x + 0.03, y - 0.08, top + 0.03), (x + 0.07, y + 0.08, top + 0.13), *iron),
        tube((x - 0.04, y, top + 0.06), (x + 0.14, y, top + 0.06), 0.022, *STEEL),
        tube((x + 0.13, y - 0.09, top + 0.06), (x + 0.13, y + 0.09, top + 0.06), 0.009, *STEEL),
    ]


def workbench(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A thick top on stout legs with a shelf near the floor and a vise."""
    d, w, h = extents
    return _workbench(rng, d, w, h - 0.13, body)


def _workbench(rng: np.random.Generator, d: float, w: float, top: float, body: Paint) -> Shape:
    front = d / 2 - 0.14  # the vise reaches out in front of the top
    thick = rng.uniform(0.065, 0.09)
    frame = body.shade(0.8) if rng.random() < 0.5 else PALE_WOOD
    shelf = rng.uniform(0.16, 0.24)
    r = 0.042
    parts = [block((-d / 2, -w / 2, top - thick), (front, w / 2, top), *body)]
    for y in (-w / 2 + 0.10, w / 2 - 0.10):
        for x in (-d / 2 + 0.02 + r, front - 0.02 - r):
            parts.append(block((x - r, y - r, 0), (x + r, y + r, top - thick), *frame))
    parts.append(
        block((-d / 2 + 0.03, -w / 2 + 0.06, shelf - 0.03), (front - 0.03, w / 2 - 0.06, shelf), *frame)
    )
    parts.append(
        block(
            (front - 0.05, -w / 2 + 0.1, top - thick - 0.10), (front - 0.03, w / 2 - 0.1, top - thick), *frame
        )
    )
    side = (-1, 1)[rng.integers(2)]
    vise = side * w * 0.32
    parts += _vise(front, vise, top)
    free = sorted((-side * w / 2, side * w * 0.32 - side * 0.10))
    head = top - thick - shelf
    return Shape(
        parts,
        (
            surface((-d / 2, free[0]), (front, free[1]), top, ON),
            surface((-d / 2 + 0.11, -w / 2 + 0.15), (front - 0.11, w / 2 - 0.15), shelf, IN, head),
        ),
    )


def pegboard_bench(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A workbench with a board along its back on which tools hang."""
    d, w, h = extents
    top = h * rng.uniform(0.56, 0.60)
    bench = _workbench(rng, d, w, top, body)
    x = -d / 2 + 0.02
    parts = [
        *bench.parts,
        block((-d / 2, -w / 2 + 0.02, top), (x, w / 2 - 0.02, h), *Paint((0.70, 0.68, 0.62))),
    ]
    low, high = top + (h - top) * 0.30, top + (h - top) * 0.80
    for y in np.linspace(-w / 2 + 0.16, w / 2 - 0.16, int(rng.integers(3, 6))):
        parts.append(block((x, y - 0.014, low), (x + 0.02, y + 0.014, high), *PALE_WOOD.shade(0.8)))
        reach = rng.uniform(0.03, 0.075)
        parts.append(
            block((x, y - reach, high - 0.02), (x + 0.03, y + reach, high + 0.03), *STEEL.shade(0.7))
        )
    carry, shelf = bench.surfaces
    half = carry.half - np.array([0.025, 0.0])
    carry = Surface(carry.center + np.array([0.025, 0.0, 0.0]), half, carry.headroom, carry.relation)
    return Shape(parts, (carry, shelf))
