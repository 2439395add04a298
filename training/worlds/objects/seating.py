# SPDX-License-Identifier: Apache-2.0
"""Shapes of chairs, armchairs, sofas, stools and benches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ide3d_training.worlds.objects.form import (
    GRAPHITE,
    LINEN,
    PALE_WOOD,
    STEEL,
    Paint,
    Shape,
    frame_paint,
    legs,
    surface,
)
from ide3d_training.worlds.parts import BOX, Part, ball, beam, block, rod, tilt, tube
from ide3d_training.worlds.scene_graph import ON


def chair(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A seat on four legs; its back is solid, a panel between posts, or a row of bars."""
    d, w, h = extents
    seat = h * rng.uniform(0.49, 0.53)
    thick = rng.uniform(0.035, 0.06)
    back = rng.uniform(0.035, 0.05)
    wooden = body.finish in ("wood", "metal")
    tone = body.shade(0.85) if wooden and rng.random() < 0.5 else frame_paint(rng)
    parts = legs(d, w, seat - thick, rng.uniform(0.016, 0.023), tone, bool(rng.integers(2)), 0.01)
    parts.append(block((-d / 2, -w / 2, seat - thick), (d / 2, w / 2, seat), *body))
    kind = rng.integers(3)
    if kind == 0:
        parts.append(block((-d / 2, -w / 2, seat), (-d / 2 + back, w / 2, h), *body.shade(0.92)))
        return Shape(parts)
    for side in (-1, 1):
        y = side * (w / 2 - 0.02)
        parts.append(block((-d / 2, y - 0.02, seat), (-d / 2 + back, y + 0.02, h), *body.shade(0.85)))
    inner = w / 2 - 0.04
    if kind == 1:
        split = seat + (h - seat) * rng.uniform(0.32, 0.5)
        parts.append(block((-d / 2 + 0.006, -inner, split), (-d / 2 + back - 0.006, inner, h - 0.01), *body))
        low = seat + (h - seat) * 0.12
        parts.append(block((-d / 2 + 0.01, -inner, low), (-d / 2 + back - 0.01, inner, low + 0.05), *body))
        return Shape(parts)
    for low, high in ((seat + 0.06, seat + 0.10), (h - 0.09, h)):
        parts.append(block((-d / 2 + 0.004, -inner, low), (-d / 2 + back - 0.004, inner, high), *body))
    for y in np.linspace(-inner, inner, int(rng.integers(3, 5)) + 2)[1:-1]:
        parts.append(
            block((-d / 2 + 0.01, y - 0.012, seat + 0.10), (-d / 2 + back - 0.01, y + 0.012, h - 0.09), *body)
        )
    return Shape(parts)


def cantilever_chair(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A seat and a back on one bent steel tube without rear legs."""
    d, w, h = extents
    seat, r = h * rng.uniform(0.50, 0.54), 0.014
    tone = (STEEL, GRAPHITE)[rng.integers(2)]
    lean = rng.uniform(0.04, 0.09)
    rear = -d / 2 + r
    parts = []
    for side in (-1, 1):
        y = side * (w / 2 - r)
        parts.append(tube((rear, y, r), (d / 2 - r, y, r), r, *tone))
        parts.append(tube((d / 2 - r, y, 0.0), (d / 2 - r, y, seat - 0.02), r, *tone))
        parts.append(tube((d / 2, y, seat - 0.02 - r), (rear + lean, y, seat - 0.02 - r), r, *tone))
        parts.append(tube((rear + lean, y, seat - 0.03), (rear, y, h - 0.03), r, *tone))
    parts.append(tube((rear, -w / 2, r), (rear, w / 2, r), r, *tone))
    pad = rng.uniform(0.035, 0.06)
    parts.append(
        block(
            (-d / 2 + 0.05, -w / 2 + 0.015, seat - 0.02),
            (d / 2 - 0.01, w / 2 - 0.015, seat - 0.02 + pad),
            *body,
        )
    )
    low = seat + (h - seat) * rng.uniform(0.30, 0.45)
    slope = lean * (h - low) / (h - seat)
    parts.append(beam((rear + slope, 0, low), (rear, 0, h), w - 0.03, 0.035, *body.shade(0.95)))
    return Shape(parts)


def office_chair(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A swivel chair: five spokes on castors, a column, a padded seat and a back, often with armrests."""
    d, w, h = extents
    seat, reach = h * rng.uniform(0.44, 0.49), d / 2 - 0.03
    tone = (GRAPHITE, STEEL)[rng.integers(2)]
    parts = []
    for i in range(5):
        angle = 2 * np.pi * i / 5
        tip = (reach * np.cos(angle), reach * np.sin(angle))
        parts.append(beam((0, 0, 0.11), (*tip, 0.07), 0.045, 0.03, *tone))
        parts.append(ball((*tip, 0.03), (0.03, 0.03, 0.03), *GRAPHITE.shade(0.6)))
    parts.append(rod(0, 0, 0.08, seat - 0.09, 0.026, *tone))
    sd, sw = d * 0.74, w * 0.80
    parts.append(block((-0.12, -0.10, seat - 0.10), (0.12, 0.10, seat - 0.07), *GRAPHITE))
    parts.append(block((-sd / 2, -sw / 2, seat - 0.07), (sd / 2, sw / 2, seat), *body))
    stem = (-sd / 2 - 0.02, 0.0, seat - 0.06)
    parts.append(beam((-0.1, 0, seat - 0.085), stem, 0.07, 0.025, *GRAPHITE))
    low, top = seat + rng.uniform(0.08, 0.14), (-sd / 2 - 0.06, 0.0, h)
    parts.append(beam(stem, (-sd / 2 - 0.055, 0, low + 0.15), 0.07, 0.025, *GRAPHITE))
    parts.append(beam((-sd / 2 - 0.01, 0, low), top, sw * rng.uniform(0.88, 1.0), 0.06, *body.shade(0.94)))
    if rng.random() < 0.6:
        for side in (-1, 1):
            y = side * (w / 2 - 0.025)
            parts.append(block((-0.03, y - 0.012, seat - 0.06), (0.03, y + 0.012, seat + 0.19), *GRAPHITE))
            parts.append(block((-0.14, y - 0.025, seat + 0.19), (0.14, y + 0.025, seat + 0.22), *GRAPHITE))
            edge = sorted((side * 0.1, y))
            parts.append(block((-0.03, edge[0], seat - 0.085), (0.03, edge[1], seat - 0.06), *GRAPHITE))
    return Shape(parts)


def _upholstered(
    rng: np.random.Generator, extents: np.ndarray, body: Paint, seats: int, cushion: Paint
) -> list[Part]:
    """Return a seat with back and arms for some people, in a block from its feet up."""
    d, w, h = extents
    foot = rng.uniform(0.05, 0.13)
    seat = h * rng.uniform(0.50, 0.56)
    arm = rng.uniform(0.13, 0.19)
    back = d * rng.uniform(0.22, 0.28)
    base = seat - 0.14
    parts = legs(d - 0.02, w, foot, 0.025, (GRAPHITE, PALE_WOOD)[rng.integers(2)], True, 0.02)
    parts.append(block((-d / 2, -w / 2, foot), (d / 2 - 0.02, w / 2, base), *body.shade(0.85)))
    parts.append(block((-d / 2, -w / 2 + arm, base), (-d / 2 + back, w / 2 - arm, h), *body.shade(0.92)))
    arm_top = h * rng.uniform(0.68, 0.80)
    rolled = rng.random() < 0.4
    for side in (-1, 1):
        inner, outer = sorted((side * (w / 2 - arm), side * w / 2))
        parts.append(block((-d / 2, inner, base), (d / 2 - 0.02, outer, arm_top), *body))
        if rolled:
            y = side * (w / 2 - arm / 2)
            parts.append(tube((-d / 2, y, arm_top), (d / 2 - 0.015, y, arm_top), arm / 2, *body.shade(0.97)))
    edges = np.linspace(-w / 2 + arm, w / 2 - arm, seats + 1)
    lean = tilt("y", -rng.uniform(0.05, 0.14))
    for left, right in pairwise(edges):
        parts.append(block((-d / 2 + back, left + 0.006, base), (d / 2, right - 0.006, seat), *cushion))
        middle = np.array([-d / 2 + back + 0.06, (left + right) / 2, (seat + h) / 2 - 0.03])
        half = np.array([0.06, (right - left) / 2 - 0.012, (h - seat) / 2 - 0.04])
        parts.append(Part(BOX, middle, half, cushion.shade(1.04).rgb, lean, cushion.finish))
    return parts


def sofa(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """Two or three seats between arms."""
    return Shape(_upholstered(rng, extents, body, int(rng.integers(2, 4)), body))


def corner_sofa(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A sofa whose seat on one side is long enough to lie on."""
    d, w, h = extents
    depth = d * 0.58
    straight = _upholstered(rng, np.array([depth, w, h]), body, 3, body)
    base = min(part.center[2] - part.half[2] for part in straight if part.center[2] - part.half[2] > 0)
    front, side = depth / 2, (-1, 1)[rng.integers(2)]
    inner, outer = sorted((side * w * 0.12, side * (w / 2 - 0.01)))
    seat = h * 0.5
    out = front + d - depth
    couch = [
        block((front - 0.03, inner, base), (out - 0.01, outer, seat - 0.12), *body.shade(0.85)),
        block((front - 0.16, inner + 0.005, seat - 0.12), (out, outer - 0.005, h * 0.57), *body),
    ]
    for y in (inner + 0.05, outer - 0.05):
        couch.append(block((out - 0.09, y - 0.025, 0), (out - 0.04, y + 0.025, base), *GRAPHITE))
    return Shape(straight + couch)


def armchair(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A single upholstered seat between broad arms; a wicker one has linen cushions."""
    return Shape(_upholstered(rng, extents, body, 1, LINEN if body.finish == "wicker" else body))


def lounge_chair(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """Two cushions leaning in an open frame with flat armrests."""
    d, w, h = extents
    frame = (PALE_WOOD, GRAPHITE, STEEL)[rng.integers(3)]
    arm_top, rail = h * rng.uniform(0.64, 0.72), h * 0.30
    parts = []
    for side in (-1, 1):
        y = side * (w / 2 - 0.035)
        parts.append(block((d / 2 - 0.09, y - 0.022, 0), (d / 2 - 0.045, y + 0.022, arm_top - 0.03), *frame))
        parts.append(beam((-d / 2 + 0.05, y, 0), (-d / 2 + 0.16, y, arm_top - 0.03), 0.044, 0.045, *frame))
        parts.append(block((-d / 2 + 0.04, y - 0.035, arm_top - 0.03), (d / 2, y + 0.035, arm_top), *frame))
        parts.append(block((-d / 2 + 0.1, y - 0.015, rail - 0.05), (d / 2 - 0.06, y + 0.015, rail), *frame))
    inner = w - 0.10
    parts.append(block((d / 2 - 0.10, -inner / 2, rail - 0.05), (d / 2 - 0.07, inner / 2, rail), *frame))
    parts.append(beam((-d / 2 + 0.14, 0, rail + 0.05), (d / 2 - 0.02, 0, rail + 0.11), inner, 0.14, *body))
    parts.append(
        beam((-d / 2 + 0.20, 0, rail + 0.02), (-d / 2 + 0.07, 0, h - 0.02), inner, 0.13, *body.shade(0.96))
    )
    return Shape(parts)


def stool(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A round seat on four legs joined by rungs."""
    r, h = extents[1] / 2, extents[2]
    thick = rng.uniform(0.035, 0.07)
    tone = frame_paint(rng)
    splay = rng.uniform(0.0, 0.10)
    top, foot = r * 0.60, min(r * 0.62 + splay, r - 0.016)
    parts = [rod(0, 0, h - thick, h, r, *body)]
    rung = h * rng.uniform(0.25, 0.40)
    at_rung = foot + (top - foot) * rung / (h - thick)
    spots = []
    for i in range(4):
        c, s = np.cos(np.pi / 4 + i * np.pi / 2), np.sin(np.pi / 4 + i * np.pi / 2)
        parts.append(tube((foot * c, foot * s, 0.002), (top * c, top * s, h - thick), 0.016, *tone))
        spots.append((at_rung * c, at_rung * s, rung))
    for a, b in pairwise([*spots, spots[0]]):
        parts.append(tube(a, b, 0.009, *tone))
    return Shape(parts, (_round_top(r, h),))


def bar_stool(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A padded round seat high on one column with a foot ring and a plate."""
    r, h = extents[1] / 2, extents[2]
    tone = (STEEL, GRAPHITE)[rng.integers(2)]
    pad = rng.uniform(0.06, 0.10)
    ring, reach = h * rng.uniform(0.30, 0.40), r * 0.72
    corners = [(reach * np.cos(a), reach * np.sin(a), ring) for a in np.arange(6) * np.pi / 3]
    parts = [
        rod(0, 0, 0, 0.02, r * rng.uniform(0.92, 1.05), *tone),
        rod(0, 0, 0.02, h - pad - 0.015, 0.026, *tone),
        rod(0, 0, h - pad - 0.015, h - pad, r * 0.8, *GRAPHITE),
        rod(0, 0, h - pad, h, r, *body),
        tube(corners[0], corners[3], 0.011, *tone),
        *(tube(a, b, 0.011, *tone) for a, b in pairwise([*corners, corners[0]])),
    ]
    return Shape(parts, (_round_top(r, h),))


def _round_top(r: float, h: float):
    inner = 0.70 * r
    return surface((-inner, -inner), (inner, inner), h, ON)


def bench(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A long seat without a back: slats or a pad over two end frames."""
    d, w, h = extents
    tone = frame_paint(rng)
    end = w / 2 - rng.uniform(0.08, 0.16)
    parts: list[Part] = []
    slatted = body.finish in ("wood", "metal", "plastic")
    thick = 0.03 if slatted else rng.uniform(0.06, 0.09)
    for side in (-1, 1):
        y = side * end
        parts.append(
            block((-d / 2 + 0.02, y - 0.025, h - thick - 0.04), (d / 2 - 0.02, y + 0.025, h - thick), *tone)
        )
        for x in (-d / 2 + 0.045, d / 2 - 0.045):
            parts.append(block((x - 0.025, y - 0.025, 0), (x + 0.025, y + 0.025, h - thick - 0.04), *tone))
        parts.append(block((-d / 2 + 0.07, y - 0.015, 0.10), (d / 2 - 0.07, y + 0.015, 0.14), *tone))
    parts.append(block((-0.015, -end, 0.10), (0.015, end, 0.14), *tone))
    if not slatted:
        parts.append(block((-d / 2, -w / 2, h - thick), (d / 2, w / 2, h), *body))
        return Shape(parts, (surface((-d / 2, -w / 2), (d / 2, w / 2), h, ON),))
    return Shape(
        parts + _slats(rng, (-d / 2, d / 2), w, h, thick, body),
        (surface((-d / 2, -w / 2), (d / 2, w / 2), h, ON),),
    )


def backed_bench(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A slatted garden bench with a slatted back and armrests."""
    d, w, h = extents
    tone = (body.shade(0.8), GRAPHITE)[rng.integers(2)]
    seat, thick = h * rng.uniform(0.50, 0.54), 0.03
    parts: list[Part] = []
    for side in (-1, 1):
        y = side * (w / 2 - 0.03)
        parts.append(block((-d / 2, y - 0.03, 0), (-d / 2 + 0.055, y + 0.03, h), *tone))
        parts.append(block((d / 2 - 0.055, y - 0.03, 0), (d / 2, y + 0.03, seat + 0.18), *tone))
        parts.append(
            block((-d / 2 + 0.055, y - 0.025, seat - 0.08), (d / 2 - 0.055, y + 0.025, seat - thick), *tone)
        )
        parts.append(block((-d / 2, y - 0.03, seat + 0.18), (d / 2, y + 0.03, seat + 0.21), *tone))
    inner = w - 0.10
    x = -d / 2 + 0.06
    parts += _slats(rng, (-d / 2 + 0.06, d / 2), inner, seat, thick, body)
    edges = np.linspace(seat + 0.06, h, 4)
    for low, high in pairwise(edges):
        parts.append(block((x - 0.03, -inner / 2, low + 0.02), (x, inner / 2, high), *body))
    half = inner / 2 - 0.012  # between the armrests
    return Shape(parts, (surface((-d / 2 + 0.07, -half), (d / 2 - 0.06, half), seat, ON),))


def _slats(
    rng: np.random.Generator, span: tuple[float, float], w: float, top: float, thick: float, body: Paint
) -> list[Part]:
    edges = np.linspace(*span, int(rng.integers(3, 5)) + 1)
    last = len(edges) - 2
    return [
        block(
            (left + (0.006 if i else 0.0), -w / 2, top - thick),
            (right - (0.006 if i < last else 0.0), w / 2, top),
            *body.shade(rng.uniform(0.94, 1.04)),
        )
        for i, (left, right) in enumerate(pairwise(edges))
    ]
