# SPDX-License-Identifier: Apache-2.0
"""Shapes of beds and pillows, printed matter, balls and ladders."""

from __future__ import annotations

import numpy as np

from ide3d_training.worlds.objects.form import (
    GRAPHITE,
    LINEN,
    PAGES,
    STEEL,
    Paint,
    Shape,
    legs,
)
from ide3d_training.worlds.parts import CYLINDER, ELLIPSOID, Part, ball, beam, block, tilt, tube

_CLOTH = "fabric"


def _bedding(
    rng: np.random.Generator, x: tuple[float, float], w: float, low: float, body: Paint
) -> list[Part]:
    """Return mattress, blanket and pillows between the head end x[0] and the foot end x[1]."""
    head, foot = x
    mattress = low + rng.uniform(0.16, 0.20)
    fold = head + (foot - head) * rng.uniform(0.26, 0.36)
    cover = Paint(body.rgb, _CLOTH)
    parts = [
        block((head, -w / 2 + 0.03, low), (foot - 0.03, w / 2 - 0.03, mattress), *LINEN),
        block((fold, -w / 2 + 0.01, low + 0.03), (foot - 0.01, w / 2 - 0.01, mattress + 0.025), *cover),
        block(
            (fold, -w / 2 + 0.01, mattress + 0.025),
            (fold + 0.16, w / 2 - 0.01, mattress + 0.04),
            *LINEN.shade(1.12),
        ),
    ]
    pillows = 2 if w > 1.25 else 1
    span = (w - 0.16) / pillows
    for i in range(pillows):
        y = -w / 2 + 0.08 + span * (i + 0.5)
        parts += _cushion((head + 0.24, y, mattress), (0.34, span - 0.05, 0.14), LINEN.shade(1.1))
    return parts


def bed(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A mattress with a blanket and pillows in a frame with a headboard."""
    d, w, h = extents
    frame = rng.uniform(0.24, 0.32)
    head = 0.06
    parts = legs(d, w, 0.10, 0.035, GRAPHITE, True, 0.02)
    parts.append(block((-d / 2 + head, -w / 2, 0.10), (d / 2, w / 2, frame), *body.shade(0.85)))
    parts.append(block((-d / 2, -w / 2, 0.04), (-d / 2 + head, w / 2, h), *body))
    if rng.random() < 0.4:
        parts.append(block((d / 2 - 0.04, -w / 2, 0.04), (d / 2, w / 2, frame + 0.24), *body))
    return Shape(parts + _bedding(rng, (-d / 2 + head, d / 2 - 0.02), w, frame, body))


def barred_bed(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A bed between two ends of upright bars."""
    d, w, h = extents
    frame = rng.uniform(0.28, 0.34)
    r = 0.018
    parts = [
        block((-d / 2 + r, -w / 2 + 0.01, frame - 0.05), (d / 2 - r, w / 2 - 0.01, frame), *body.shade(0.85))
    ]
    for x, top in ((-d / 2 + r, h - r), (d / 2 - r, h * rng.uniform(0.70, 0.78))):
        for y in (-w / 2 + r, w / 2 - r):
            parts.append(tube((x, y, 0), (x, y, top), r, *body))
        parts.append(tube((x, -w / 2 + r, top), (x, w / 2 - r, top), r, *body))
        for y in np.linspace(-w / 2, w / 2, 6)[1:-1]:
            parts.append(tube((x, y, frame - 0.02), (x, y, top), 0.009, *body))
    return Shape(parts + _bedding(rng, (-d / 2 + 2 * r, d / 2 - 2 * r), w, frame, body))


def _cushion(
    bottom: tuple[float, float, float], size: tuple[float, float, float], paint: Paint
) -> list[Part]:
    """Return a stuffed cushion lying on ``bottom``."""
    x, y, z = bottom
    d, w, h = size
    middle = z + h / 2
    return [
        ball((x, y, middle), (d * 0.49, w * 0.49, h / 2), *paint),
        ball((x, y, middle), (d * 0.485, w * 0.37, h * 0.34), *paint),
        ball((x, y, middle), (d * 0.37, w * 0.485, h * 0.34), *paint),
    ]


def pillow(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A stuffed cushion with corners, sometimes with a band."""
    d, w, h = extents
    parts = _cushion((0.0, 0.0, 0.0), (d, w, h), body)
    for i in (-1, 1):
        for j in (-1, 1):
            parts.append(ball((i * d * 0.28, j * w * 0.28, h / 2), (d * 0.20, w * 0.20, h * 0.24), *body))
    if rng.random() < 0.4:
        parts.append(ball((0.0, 0.0, h / 2), (d * 0.495, w * rng.uniform(0.08, 0.16), h * 0.505), *LINEN))
    return Shape(parts)


def book(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A closed book lying flat: two covers and a spine around pages, a title on the front."""
    d, w, h = extents
    cover = 0.004
    ink = LINEN if sum(body.rgb) < 1.5 else GRAPHITE
    band = d * rng.uniform(-0.25, 0.1)
    parts = [
        block((-d / 2, -w / 2, 0), (d / 2, w / 2, cover), *body),
        block((-d / 2 + cover, -w / 2 + 0.007, cover), (d / 2 - 0.007, w / 2 - 0.007, h - cover), *PAGES),
        block((-d / 2, -w / 2, cover), (-d / 2 + cover, w / 2, h - cover), *body),
        block((-d / 2, -w / 2, h - cover), (d / 2, w / 2, h - 0.0005), *body),
        block((band, -w * 0.30, h - 0.0005), (band + 0.022, w * 0.30, h), *ink),
    ]
    if rng.random() < 0.5:
        parts.append(block((band + 0.04, -w * 0.18, h - 0.0005), (band + 0.052, w * 0.18, h), *ink))
    return Shape(parts)


def magazine(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A thin issue lying flat: a coloured cover with a title and a photograph."""
    d, w, h = extents
    sky = rng.uniform(0.45, 0.70)
    photo = Paint((sky * 0.85, sky * 0.95, sky))
    ground = Paint((sky * 0.72, sky * 0.70, sky * 0.55))
    ink = LINEN.shade(1.15) if sum(body.rgb) < 1.5 else GRAPHITE
    top = h - 0.0005
    left = w * rng.uniform(-0.36, -0.20)
    right = w * rng.uniform(0.24, 0.36)
    # It is read from its front: the title is at the back end.
    return Shape(
        [
            block((-d / 2 + 0.003, -w / 2 + 0.002, 0), (d / 2 - 0.003, w / 2 - 0.002, h * 0.7), *PAGES),
            block((-d / 2, -w / 2, h * 0.7), (d / 2, w / 2, top), *body),
            block((-d * 0.42, -w * 0.36, top), (-d * 0.30, w * 0.36, h), *ink),
            block((-d * 0.20, left, top), (d * 0.12, right, h), *photo),
            block((d * 0.12, left, top), (d * 0.36, right, h), *ground),
            ball((d * 0.06, (left + right) / 2, h - 0.0004), (0.035, 0.022, 0.0005), *ink.shade(0.8)),
        ]
    )


def ringed_ball(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A ball with one or two pale rings."""
    r = extents[2] / 2
    parts = [ball((0, 0, r), (r, r, r), *body)]
    lean = rng.uniform(0.3, 1.2)
    for turn in (0.0, np.pi / 2)[: int(rng.integers(1, 3))]:
        half = np.array([r * 1.004, r * 1.004, rng.uniform(0.05, 0.10) * r])
        rotation = tilt("x", lean) @ tilt("y", turn)
        parts.append(Part(CYLINDER, np.array([0, 0, r]), half, LINEN.rgb, rotation))
    return Shape(parts)


def spotted_ball(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A football: dark patches, or pale ones on a dark ball."""
    r = extents[2] / 2
    patch = GRAPHITE.shade(0.5) if sum(body.rgb) > 0.6 else LINEN
    spin = tilt("z", rng.uniform(0, 2 * np.pi)) @ tilt("x", rng.uniform(0.2, 1.0))
    golden = (1 + np.sqrt(5)) / 2
    corners = [(0.0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]
    corners = [np.roll(corner, shift) for corner in corners for shift in range(3)]
    parts = [ball((0, 0, r), (r, r, r), *body)]
    for corner in corners:
        away = spin @ (corner / np.linalg.norm(corner))
        # Flatter than the ball and a little further out: its cap shows as a round patch.
        turned = tilt("z", np.arctan2(away[1], away[0])) @ tilt("y", np.arccos(away[2]))
        center = away * 0.6 * r + np.array([0.0, 0.0, r])
        parts.append(Part(ELLIPSOID, center, np.array([0.60, 0.60, 0.415]) * r, patch.rgb, turned))
    return Shape(parts)


def ladder(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A stepladder: treads between two leaning rails, two struts behind, a platform on top."""
    d, w, h = extents
    front = d / 2 - 0.02
    top_x = -d / 2 + d * rng.uniform(0.34, 0.42)
    narrow = w * rng.uniform(0.66, 0.78) / 2
    wide = w / 2 - 0.015
    deck = h - 0.03
    prop = (body, STEEL)[rng.integers(2)]
    parts = [
        block((top_x - 0.11, -narrow - 0.015, deck), (top_x + 0.13, narrow + 0.015, h), *body.shade(0.85))
    ]
    for side in (-1, 1):
        parts.append(
            beam((front, side * wide, 0.012), (top_x + 0.06, side * narrow, deck), 0.028, 0.062, *body)
        )
        parts.append(
            beam((-d / 2 + 0.02, side * wide, 0.006), (top_x - 0.07, side * narrow, deck), 0.024, 0.04, *prop)
        )
    x, y = -d / 2 + 0.02 + (top_x - 0.09 + d / 2) * 0.3, wide + (narrow - wide) * 0.3
    parts.append(beam((x, -y, deck * 0.3), (x, y, deck * 0.3), 0.03, 0.02, *prop))
    steps = max(3, int(round(h / 0.27)) - 1)
    for i in range(1, steps + 1):
        share = i / (steps + 1)
        x = front + (top_x + 0.06 - front) * share
        y = wide + (narrow - wide) * share
        z = deck * share
        parts.append(block((x - 0.045, -y, z - 0.012), (x + 0.045, y, z + 0.012), *body.shade(0.9)))
    for side in (-1, 1):
        y = side * (wide + narrow) / 2
        a = front + (top_x + 0.06 - front) * 0.42
        b = (-d / 2 + 0.02) + (top_x - 0.07 + d / 2 - 0.02) * 0.42
        parts.append(beam((a, y * 1.03, deck * 0.42), (b, y * 1.03, deck * 0.42), 0.008, 0.022, *GRAPHITE))
    return Shape(parts)
