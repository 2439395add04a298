# SPDX-License-Identifier: Apache-2.0
"""Shapes of the things that stand on the floor.

Every builder has the signature ``(rng, extents, color) -> list[Part]``: ``extents`` (3,) is the wanted size
(depth along the front axis, width, height), ``color`` the named colour of the main body. Builders vary
proportions through ``rng`` and need not fill ``extents`` to the millimetre: the box is taken from the parts
afterwards.
Neutral tones avoid the named colours: greys between black and white, and a pale wood that is no brown.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ide3d_training.worlds.parts import ELLIPSOID, GLOSSY, RGB, Part, ball, block, rod, taper, tilt

STEEL: RGB = (0.60, 0.61, 0.63)
GRAPHITE: RGB = (0.27, 0.27, 0.28)
PALE_WOOD: RGB = (0.74, 0.66, 0.54)
LINEN: RGB = (0.80, 0.77, 0.71)
LEAF: RGB = (0.16, 0.42, 0.14)
SOIL: RGB = (0.20, 0.16, 0.13)
PAPER: RGB = (0.83, 0.80, 0.72)


def shade(rgb: RGB, factor: float) -> RGB:
    """Return the colour lighter (factor > 1) or darker, keeping black distinguishable from itself."""
    lift = 0.03 * (factor - 1.0)
    return tuple(min(max(float(channel * factor + lift), 0.0), 1.0) for channel in rgb)


def _legs(d: float, w: float, top: float, inset: float, r: float, rgb: RGB, square: bool) -> list[Part]:
    x, y = d / 2 - inset - r, w / 2 - inset - r
    corners = [(-x, -y), (-x, y), (x, -y), (x, y)]
    if square:
        return [block((cx - r, cy - r, 0), (cx + r, cy + r, top), rgb) for cx, cy in corners]
    return [rod(cx, cy, 0, top, r, rgb) for cx, cy in corners]


def _leg_tone(rng: np.random.Generator) -> RGB:
    return (PALE_WOOD, STEEL, GRAPHITE)[rng.integers(3)]


def chair(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    d, w, h = extents
    seat = h * rng.uniform(0.48, 0.53)
    thick = rng.uniform(0.045, 0.07)
    back = rng.uniform(0.035, 0.05)
    parts = _legs(d, w, seat - thick, 0.01, rng.uniform(0.017, 0.024), _leg_tone(rng), bool(rng.integers(2)))
    parts.append(block((-d / 2, -w / 2, seat - thick), (d / 2, w / 2, seat), color))
    if rng.random() < 0.5:  # one solid back
        parts.append(block((-d / 2, -w / 2, seat), (-d / 2 + back, w / 2, h), shade(color, 0.9)))
    else:  # two posts with a panel and a rail
        for side in (-1, 1):
            y = side * (w / 2 - 0.02)
            parts.append(block((-d / 2, y - 0.02, seat), (-d / 2 + back, y + 0.02, h), shade(color, 0.8)))
        split = seat + (h - seat) * 0.42
        parts.append(
            block(
                (-d / 2 + 0.006, -w / 2 + 0.04, split), (-d / 2 + back - 0.006, w / 2 - 0.04, h - 0.01), color
            )
        )
        low = seat + (h - seat) * 0.12
        parts.append(
            block(
                (-d / 2 + 0.01, -w / 2 + 0.04, low), (-d / 2 + back - 0.01, w / 2 - 0.04, low + 0.05), color
            )
        )
    return parts


def table(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    d, w, h = extents
    thick = rng.uniform(0.035, 0.055)
    tone = _leg_tone(rng)
    r = rng.uniform(0.024, 0.036)
    inset = rng.uniform(0.02, 0.06)
    parts = [block((-d / 2, -w / 2, h - thick), (d / 2, w / 2, h), color)]
    parts += _legs(d, w, h - thick, inset, r, tone, bool(rng.integers(2)))
    x, y = d / 2 - inset - r, w / 2 - inset - r
    apron = h - thick - rng.uniform(0.05, 0.09)
    for side in (-1, 1):
        parts.append(block((side * x - 0.01, -y, apron), (side * x + 0.01, y, h - thick), shade(color, 0.8)))
        parts.append(block((-x, side * y - 0.01, apron), (x, side * y + 0.01, h - thick), shade(color, 0.8)))
    return parts


def sofa(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    d, w, h = extents
    foot = rng.uniform(0.05, 0.10)
    seat = h * rng.uniform(0.50, 0.56)
    arm = rng.uniform(0.13, 0.19)
    back = d * rng.uniform(0.22, 0.28)
    base = seat - 0.14
    parts = _legs(d, w, foot, 0.02, 0.025, GRAPHITE, True)
    parts.append(block((-d / 2, -w / 2, foot), (d / 2 - 0.02, w / 2, base), shade(color, 0.8)))
    parts.append(block((-d / 2, -w / 2 + arm, base), (-d / 2 + back, w / 2 - arm, h), shade(color, 0.9)))
    arm_top = h * rng.uniform(0.68, 0.78)
    for side in (-1, 1):
        inner, outer = side * (w / 2 - arm), side * w / 2
        parts.append(
            block(
                (-d / 2, min(inner, outer), base),
                (d / 2 - 0.02, max(inner, outer), arm_top),
                shade(color, 0.92),
            )
        )
    cushions = int(rng.integers(2, 4))
    edges = np.linspace(-w / 2 + arm, w / 2 - arm, cushions + 1)
    for left, right in pairwise(edges):
        parts.append(block((-d / 2 + back, left + 0.006, base), (d / 2, right - 0.006, seat), color))
        parts.append(
            block(
                (-d / 2 + back, left + 0.012, seat + 0.01),
                (-d / 2 + back + 0.10, right - 0.012, h - 0.05),
                shade(color, 1.04),
            )
        )
    return parts


def bed(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    d, w, h = extents
    frame_top = rng.uniform(0.26, 0.32)
    mattress = frame_top + rng.uniform(0.16, 0.20)
    head = 0.06
    parts = _legs(d, w, 0.10, 0.02, 0.035, GRAPHITE, True)
    parts.append(block((-d / 2 + head, -w / 2, 0.10), (d / 2, w / 2, frame_top), PALE_WOOD))
    parts.append(block((-d / 2, -w / 2, 0.10), (-d / 2 + head, w / 2, h), shade(color, 0.85)))
    parts.append(
        block((-d / 2 + head, -w / 2 + 0.03, frame_top), (d / 2 - 0.03, w / 2 - 0.03, mattress), LINEN)
    )
    fold = -d / 2 + d * rng.uniform(0.28, 0.36)
    parts.append(
        block((fold, -w / 2 + 0.01, frame_top + 0.03), (d / 2 - 0.01, w / 2 - 0.01, mattress + 0.025), color)
    )
    parts.append(
        block(
            (fold, -w / 2 + 0.01, mattress + 0.025),
            (fold + 0.14, w / 2 - 0.01, mattress + 0.04),
            shade(color, 1.12),
        )
    )
    pillows = 2 if w > 1.25 else 1
    span = (w - 0.16) / pillows
    for i in range(pillows):
        y = -w / 2 + 0.08 + span * (i + 0.5)
        parts.append(ball((-d / 2 + head + 0.24, y, mattress + 0.055), (0.17, span / 2 - 0.02, 0.075), LINEN))
    return parts


def cabinet(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    d, w, h = extents
    plinth, front, top = 0.06, 0.018, 0.025
    face = d / 2 - 0.025  # the doors' outer plane; the knobs reach the box
    parts = [
        block((-d / 2 + 0.02, -w / 2 + 0.02, 0), (face - 0.05, w / 2 - 0.02, plinth), GRAPHITE),
        block((-d / 2, -w / 2, plinth), (face - front, w / 2, h - top), shade(color, 0.75)),
        block((-d / 2, -w / 2, h - top), (face + 0.01, w / 2, h), color),
    ]
    gap = 0.008
    if rng.random() < 0.5:  # doors side by side
        doors = 2 if w < 1.0 else 3
        edges = np.linspace(-w / 2, w / 2, doors + 1)
        for i, (left, right) in enumerate(pairwise(edges)):
            parts.append(
                block((face - front, left + gap, plinth + gap), (face, right - gap, h - top - gap), color)
            )
            y = right - 0.05 if i % 2 == 0 else left + 0.05
            parts.append(block((face, y - 0.010, h * 0.52), (d / 2, y + 0.010, h * 0.68), STEEL, GLOSSY))
    else:  # drawers above each other
        drawers = int(rng.integers(3, 5))
        edges = np.linspace(plinth, h - top, drawers + 1)
        for low, high in pairwise(edges):
            parts.append(
                block((face - front, -w / 2 + gap, low + gap), (face, w / 2 - gap, high - gap), color)
            )
            middle = (low + high) / 2
            parts.append(block((face, -0.09, middle - 0.010), (d / 2, 0.09, middle + 0.010), STEEL, GLOSSY))
    return parts


def bookshelf(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    d, w, h = extents
    side = 0.025
    parts = [
        block((-d / 2, -w / 2, 0), (d / 2, -w / 2 + side, h), color),
        block((-d / 2, w / 2 - side, 0), (d / 2, w / 2, h), color),
        block((-d / 2, -w / 2 + side, 0.02), (-d / 2 + 0.012, w / 2 - side, h), shade(color, 0.6)),
    ]
    shelves = int(rng.integers(4, 6))
    heights = np.linspace(0.05, h - side, shelves + 1)
    inner = w / 2 - side
    for i, z in enumerate(heights):
        parts.append(block((-d / 2 + 0.012, -inner, z), (d / 2 - 0.004, inner, z + side), shade(color, 0.95)))
        if i == shelves:
            break
        room_above = heights[i + 1] - z - side
        left = -inner + 0.01
        for _ in range(3):  # rows of books, in paper tones, with gaps between them
            width = rng.uniform(0.10, 0.30) * 2 * inner
            if left + width > inner - 0.01:
                break
            height = room_above * rng.uniform(0.55, 0.88)
            grey = rng.uniform(0.42, 0.80)
            rgb = (grey, grey * rng.uniform(0.94, 0.98), grey * rng.uniform(0.84, 0.93))
            depth = d * rng.uniform(0.60, 0.80)
            parts.append(
                block(
                    (-d / 2 + 0.012, left, z + side), (-d / 2 + depth, left + width, z + side + height), rgb
                )
            )
            left += width + rng.uniform(0.0, 0.22) * inner
    return parts


def lamp(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    r, h = extents[1] / 2, extents[2]
    shade_height = h * rng.uniform(0.20, 0.26)
    pole = (STEEL, GRAPHITE)[rng.integers(2)]
    return [
        rod(0, 0, 0, 0.025, r * rng.uniform(0.62, 0.75), pole),
        rod(0, 0, 0.025, h - shade_height * 0.3, 0.013, pole, GLOSSY),
        *taper(h - shade_height, h, r, r * rng.uniform(0.55, 0.75), 8, color),
    ]


def plant(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    r, h = extents[1] / 2, extents[2]
    pot_height = h * rng.uniform(0.36, 0.44)
    pot_r = r * rng.uniform(0.66, 0.76)
    parts = taper(0, pot_height - 0.04, pot_r * 0.74, pot_r * 0.93, 4, color)
    parts.append(rod(0, 0, pot_height - 0.04, pot_height, pot_r, shade(color, 0.9)))
    parts.append(rod(0, 0, pot_height, pot_height + 0.004, pot_r * 0.88, SOIL))
    parts.append(rod(0, 0, pot_height, pot_height + (h - pot_height) * 0.4, 0.012, SOIL))
    leaves = int(rng.integers(9, 13))
    turn = rng.uniform(0, 2 * np.pi)
    for i in range(leaves):
        # Lower leaves lean outwards, the last one stands upright and reaches the wanted height.
        level = i / (leaves - 1)
        lean = (1.0 - level) * rng.uniform(0.75, 1.05)
        length = (h - pot_height) * (0.46 + 0.04 * level)
        length = min(length, r / max(np.sin(lean), 0.2) / 2.03)
        turn += 2.4  # the golden angle spreads the leaves evenly
        rotation = tilt("z", turn) @ tilt("y", lean)
        foot = np.array([0, 0, pot_height + (h - pot_height - 2 * length * np.cos(lean)) * level * 0.98])
        green = shade(LEAF, rng.uniform(0.8, 1.3))
        half = np.array([0.012, length * 0.30, length])
        parts.append(Part(ELLIPSOID, foot + rotation @ np.array([0, 0, length]), half, green, rotation))
    return parts


def waste_bin(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    r, h = extents[1] / 2, extents[2]
    rim = 0.03
    return [
        *taper(0, h - rim, r * rng.uniform(0.72, 0.82), r * 0.97, 6, color),
        rod(0, 0, h - rim, h - 0.003, r, shade(color, 0.85)),
        rod(0, 0, h - 0.003, h, r * 0.90, GRAPHITE),  # the dark opening
    ]


def stool(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    r, h = extents[1] / 2, extents[2]
    thick = rng.uniform(0.04, 0.07)
    tone = _leg_tone(rng)
    spread, leg = r * 0.68, 0.016
    parts = [rod(0, 0, h - thick, h, r, color)]
    for i in range(4):
        angle = np.pi / 4 + i * np.pi / 2
        parts.append(rod(spread * np.cos(angle), spread * np.sin(angle), 0, h - thick, leg, tone))
    rung = h * rng.uniform(0.22, 0.34)
    side = spread * np.cos(np.pi / 4)
    for sign in (-1, 1):
        parts.append(
            block((sign * side - 0.008, -side, rung), (sign * side + 0.008, side, rung + 0.018), tone)
        )
        parts.append(
            block((-side, sign * side - 0.008, rung), (side, sign * side + 0.008, rung + 0.018), tone)
        )
    return parts


def fridge(rng: np.random.Generator, extents: np.ndarray, color: RGB) -> list[Part]:
    d, w, h = extents
    plinth, door, grip = 0.05, 0.05, 0.035
    face = d / 2 - grip
    split = h * rng.uniform(0.30, 0.70)
    parts = [
        block((-d / 2 + 0.02, -w / 2 + 0.02, 0), (face - door - 0.02, w / 2 - 0.02, plinth), GRAPHITE),
        block((-d / 2, -w / 2, plinth), (face - door - 0.008, w / 2, h), shade(color, 0.85), GLOSSY),
        block(
            (face - door - 0.008, -w / 2 + 0.01, plinth + 0.01),
            (face - door, w / 2 - 0.01, h - 0.01),
            GRAPHITE,
        ),
        block((face - door, -w / 2, plinth), (face, w / 2, split - 0.008), color, GLOSSY),
        block((face - door, -w / 2, split + 0.008), (face, w / 2, h), color, GLOSSY),
    ]
    y = (w / 2 - 0.06) * (1 if rng.random() < 0.5 else -1)
    lower, upper = min(0.40, split - plinth - 0.12), min(0.40, h - split - 0.12)
    for low, high in ((split - 0.06 - lower, split - 0.06), (split + 0.06, split + 0.06 + upper)):
        parts.append(block((face + 0.012, y - 0.013, low), (d / 2, y + 0.013, high), STEEL, GLOSSY))
        for z in (low, high - 0.03):
            parts.append(block((face, y - 0.010, z), (face + 0.012, y + 0.010, z + 0.03), STEEL, GLOSSY))
    return parts
