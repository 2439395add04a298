# SPDX-License-Identifier: Apache-2.0
"""Shapes of kitchen and office machines, and of lamps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ide3d_training.worlds.objects.form import (
    DARK_GLASS,
    GRAPHITE,
    LINEN,
    PALE_WOOD,
    STEEL,
    Paint,
    Shape,
    surface,
)
from ide3d_training.worlds.parts import BOX, GLOSSY, Part, ball, beam, block, cone, rod, tilt, tube
from ide3d_training.worlds.scene_graph import ON

_PALE_KEY = Paint((0.66, 0.67, 0.68))
_DISPLAY = Paint((0.42, 0.60, 0.62), GLOSSY)
_OFF = Paint((0.10, 0.13, 0.17), GLOSSY)
# What screens show: background and window.
_PICTURES = (
    (Paint((0.24, 0.36, 0.50), GLOSSY), Paint((0.82, 0.84, 0.86), GLOSSY)),
    (Paint((0.36, 0.44, 0.46), GLOSSY), Paint((0.14, 0.16, 0.19), GLOSSY)),
    (Paint((0.70, 0.74, 0.78), GLOSSY), Paint((0.36, 0.46, 0.58), GLOSSY)),
)


def _bar_handle(face: float, reach: float, y: float, low: float, high: float) -> list[Part]:
    """Return an upright bar standing off from the plane x = ``face`` on two feet."""
    parts = [block((reach - 0.022, y - 0.012, low), (reach, y + 0.012, high), *STEEL)]
    for z in (low, high - 0.03):
        parts.append(block((face, y - 0.009, z), (reach - 0.022, y + 0.009, z + 0.03), *STEEL))
    return parts


def fridge(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """Two doors above each other, or two tall doors above a drawer."""
    d, w, h = extents
    plinth, door, grip = 0.05, 0.05, 0.045
    face = d / 2 - grip
    parts = [
        block((-d / 2 + 0.02, -w / 2 + 0.02, 0), (face - door - 0.02, w / 2 - 0.02, plinth), *GRAPHITE),
        block((-d / 2, -w / 2, plinth), (face - door - 0.008, w / 2, h), *body.shade(0.85)),
        block(
            (face - door - 0.008, -w / 2 + 0.01, plinth + 0.01),
            (face - door, w / 2 - 0.01, h - 0.01),
            *GRAPHITE,
        ),
    ]
    if w > 0.74:
        split = h * rng.uniform(0.30, 0.38)
        parts.append(block((face - door, -w / 2, plinth), (face, w / 2, split - 0.006), *body))
        parts.append(block((face - door, -w / 2, split + 0.006), (face, -0.005, h), *body))
        parts.append(block((face - door, 0.005, split + 0.006), (face, w / 2, h), *body))
        for y in (-0.045, 0.045):
            parts += _bar_handle(face, d / 2, y, split + 0.15, min(split + 0.70, h - 0.15))
        parts.append(block((face, -w * 0.3, split - 0.09), (d / 2 - 0.01, w * 0.3, split - 0.065), *STEEL))
        parts.append(block((face, -w * 0.36, h - 0.62), (face + 0.006, -w * 0.14, h - 0.32), *DARK_GLASS))
        return Shape(parts)
    split = h * (rng.uniform(0.30, 0.42) if rng.random() < 0.5 else rng.uniform(0.62, 0.72))
    parts.append(block((face - door, -w / 2, plinth), (face, w / 2, split - 0.008), *body))
    parts.append(block((face - door, -w / 2, split + 0.008), (face, w / 2, h), *body))
    y = (w / 2 - 0.06) * (-1, 1)[rng.integers(2)]
    lower, upper = min(0.40, split - plinth - 0.12), min(0.40, h - split - 0.12)
    parts += _bar_handle(face, d / 2, y, split - 0.06 - lower, split - 0.06)
    parts += _bar_handle(face, d / 2, y, split + 0.06, split + 0.06 + upper)
    return Shape(parts)


def stove(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """Four hobs above a row of knobs and an oven door with a window; sometimes a splash plate behind."""
    d, w, h = extents
    plinth, grip = 0.06, 0.045
    face = d / 2 - grip
    plate = rng.random() < 0.5
    top = h - 0.10 if plate else h - 0.008
    panel = top - 0.13
    parts = [
        block((-d / 2 + 0.02, -w / 2 + 0.02, 0), (face - 0.06, w / 2 - 0.02, plinth), *GRAPHITE),
        block((-d / 2, -w / 2, plinth), (face - 0.02, w / 2, top - 0.03), *body.shade(0.88)),
        block((-d / 2, -w / 2, top - 0.03), (face, w / 2, top), *DARK_GLASS),
        block((face - 0.02, -w / 2, panel), (face, w / 2, top - 0.03), *body),
        block((face - 0.02, -w / 2, plinth + 0.17), (face, w / 2, panel - 0.01), *body),
        block((face, -w * 0.36, plinth + 0.25), (face + 0.004, w * 0.36, panel - 0.11), *DARK_GLASS),
        block((face - 0.02, -w / 2, plinth), (face, w / 2, plinth + 0.16), *body.shade(0.95)),
        tube(
            (d / 2 - 0.012, -w * 0.38, panel - 0.05), (d / 2 - 0.012, w * 0.38, panel - 0.05), 0.012, *STEEL
        ),
    ]
    for y in (-w * 0.34, w * 0.34):
        parts.append(block((face, y - 0.01, panel - 0.06), (d / 2 - 0.012, y + 0.01, panel - 0.04), *STEEL))
    for y in np.linspace(-w * 0.36, w * 0.36, 5):
        parts.append(
            tube(
                (face, y, (panel + top - 0.03) / 2),
                (face + 0.028, y, (panel + top - 0.03) / 2),
                0.021,
                *GRAPHITE,
            )
        )
    surfaces = []
    for x in (-d * 0.20, d * 0.20 - grip):
        for y in (-w * 0.235, w * 0.235):
            parts.append(rod(x, y, top, top + 0.008, 0.115, *GRAPHITE.shade(1.4)))
            surfaces.append(surface((x - 0.08, y - 0.08), (x + 0.08, y + 0.08), top + 0.008, ON))
    if plate:
        parts.append(block((-d / 2, -w / 2, top), (-d / 2 + 0.035, w / 2, h), *body))
    return Shape(parts, tuple(surfaces))


def microwave(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A box with a dark window in its door, a handle, a display and two rows of buttons."""
    d, w, h = extents
    foot, face = 0.015, d / 2 - 0.03
    split = -w / 2 + w * rng.uniform(0.22, 0.28)  # the controls are at the right of who stands before it
    parts = [
        block((-d / 2 + 0.03, -w / 2 + 0.03, 0), (face - 0.04, w / 2 - 0.03, foot), *GRAPHITE),
        block((-d / 2, -w / 2, foot), (face - 0.02, w / 2, h), *body.shade(0.9)),
        block((face - 0.02, split + 0.004, foot), (face, w / 2, h), *body),
        block((face, split + 0.05, foot + 0.045), (face + 0.003, w / 2 - 0.03, h - 0.045), *DARK_GLASS),
        block((face - 0.02, -w / 2, foot), (face, split - 0.004, h), *GRAPHITE),
        block((face, -w / 2 + 0.018, h - 0.075), (face + 0.002, split - 0.022, h - 0.035), *_DISPLAY),
        *_bar_handle(face, d / 2, split + 0.025, foot + 0.03, h - 0.03),
    ]
    for z in np.linspace(foot + 0.03, h - 0.12, 3):
        parts.append(block((face, -w / 2 + 0.02, z), (face + 0.004, split - 0.024, z + 0.022), *_PALE_KEY))
    return Shape(parts)


def kettle(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """An electric jug on a base: spout in front, handle behind."""
    d, w, h = extents
    r, base = w / 2, 0.025
    x = d / 2 - r - 0.25 * (d - 2 * r)  # between spout and handle
    top = h - 0.02
    jug = cone(r, r * rng.uniform(0.70, 0.80), base, top - 0.03, *body)
    offset = np.array([x, 0.0, 0.0])
    lip = np.array([x + r * 0.6, 0.0, top - 0.05])
    rear, inner = -d / 2 + 0.011, x - r * 0.72
    low = base + (top - base) * 0.22
    return Shape(
        [
            rod(x, 0, 0, base - 0.005, r * 1.02, *GRAPHITE),
            rod(x, 0, base - 0.005, base, r * 0.9, *GRAPHITE.shade(0.7)),
            *(part.shifted(offset) for part in jug),
            rod(x, 0, top - 0.03, top - 0.012, r * 0.74, *GRAPHITE),
            rod(x, 0, top - 0.012, h, r * 0.16, *GRAPHITE),
            beam(tuple(lip - np.array([0.02, 0, 0.03])), (d / 2 - 0.012, 0, top - 0.03), 0.05, 0.035, *body),
            block((rear - 0.011, -0.014, low), (rear + 0.013, 0.014, top - 0.02), *GRAPHITE),
            block((rear, -0.012, top - 0.04), (inner + 0.03, 0.012, top - 0.018), *GRAPHITE),
            block((rear, -0.012, low), (x - r * 0.85, 0.012, low + 0.022), *GRAPHITE),
        ]
    )


def whistling_kettle(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A squat kettle for the hob: a slanting spout and a handle arched over the lid."""
    d, w, h = extents
    r = w / 2
    belly = h * rng.uniform(0.54, 0.60)
    x = -(d / 2 - r)
    arch = [
        (x + r * 0.72, belly * 0.82),
        (x + r * 0.55, h - 0.012),
        (x - r * 0.55, h - 0.012),
        (x - r * 0.72, belly * 0.82),
    ]
    return Shape(
        [
            rod(x, 0, 0, belly * 0.30, r * 0.92, *body),
            ball((x, 0, belly * 0.48), (r, r, belly * 0.48), *body),
            rod(x, 0, belly * 0.84, belly * 0.96, r * 0.5, *body.shade(0.9)),
            rod(x, 0, belly * 0.96, belly * 1.08, r * 0.12, *GRAPHITE),
            tube((x + r * 0.7, 0, belly * 0.45), (d / 2 - 0.012, 0, belly * 0.95), 0.017, *body),
            *(tube((ax, 0, az), (bx, 0, bz), 0.011, *GRAPHITE) for (ax, az), (bx, bz) in pairwise(arch)),
        ]
    )


def _picture(rng: np.random.Generator, face: float, w: float, low: float, high: float) -> list[Part]:
    """Return what a screen whose glass is the plane x = ``face`` shows, if it is on."""
    if rng.random() < 0.35:
        return [block((face, -w / 2, low), (face + 0.002, w / 2, high), *_OFF)]
    background, window = _PICTURES[rng.integers(len(_PICTURES))]
    height = high - low
    left, bottom = -w / 2 + w * rng.uniform(0.08, 0.30), low + height * rng.uniform(0.12, 0.30)
    corner = (left + w * rng.uniform(0.40, 0.58), bottom + height * rng.uniform(0.45, 0.58))
    return [
        block((face, -w / 2, low), (face + 0.002, w / 2, high), *background),
        block((face + 0.002, left, bottom), (face + 0.003, *corner), *window),
    ]


def monitor(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A computer screen on a stem with a foot plate."""
    d, w, h = extents
    low = h * rng.uniform(0.24, 0.30)
    thick = rng.uniform(0.03, 0.045)
    face = thick / 2 + 0.01
    bezel, chin = 0.012, rng.uniform(0.02, 0.04)
    parts = [
        block((-d / 2, -w * 0.22, 0), (d / 2, w * 0.22, 0.012), *body.shade(0.85)),
        block((-0.045, -0.03, 0.012), (0.0, 0.03, low + 0.10), *body.shade(0.85)),
        block((face - thick, -w / 2, low), (face, w / 2, h), *body),
        *_picture(rng, face, w - 2 * bezel, low + chin, h - bezel),
    ]
    return Shape(parts)


def television(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A broad flat screen on two feet."""
    d, w, h = extents
    low, thick = 0.06, 0.045
    face = thick / 2
    parts = [
        block((-thick / 2, -w / 2, low), (face, w / 2, h), *body),
        *_picture(rng, face, w - 0.03, low + 0.025, h - 0.015),
    ]
    for y in (-w * 0.34, w * 0.34):
        for x in (-d / 2 + 0.005, d / 2 - 0.005):
            parts.append(beam((0, y, low + 0.01), (x, y, 0.008), 0.03, 0.014, *body.shade(0.85)))
    return Shape(parts)


def keyboard(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A flat case, higher at its back, with rows of keys, a space bar and a block of digits."""
    d, w, h = extents * (1.0, 1.0, 0.84)  # it lies tilted: its back edge reaches the wanted height
    rise = tilt("y", np.arctan2(h * 0.35, d))
    keys = (GRAPHITE.shade(0.6), _PALE_KEY)[int(max(body.rgb) < 0.35)]
    case = Part(
        BOX, np.array([0, 0, h * 0.42]), np.array([d / 2, w / 2, h * 0.30]), body.rgb, rise, body.finish
    )

    def row(x: float, left: float, right: float) -> Part:
        half = np.array([d * 0.075, (right - left) / 2, h * 0.16])
        center = case.center + rise @ np.array([x, (left + right) / 2, h * 0.42])
        return Part(BOX, center, half, keys.rgb, rise)

    digits = -w * 0.27  # to the right of who sits before it
    parts = [case]
    for y in (-w * 0.42, w * 0.42):
        parts.append(block((-d * 0.44, y - 0.02, 0), (-d * 0.38, y + 0.02, h * 0.5), *GRAPHITE))
    for x in (-d * 0.34, -d * 0.15, d * 0.04, d * 0.22):
        parts.append(row(x, digits + w * 0.03, w * 0.47))
        parts.append(row(x, -w * 0.47, digits))
    parts.append(row(d * 0.39, digits + w * 0.18, w * 0.30))
    return Shape(parts)


def laptop(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """An open laptop whose screen leans out behind its base."""
    total, w, h = extents
    base = 0.020
    lean = rng.uniform(0.20, 0.42)  # of the screen, backwards from upright, radians
    length = (h - base) / np.cos(lean)
    d = total - (h - base) * np.tan(lean)
    thick = 0.012
    dark = GRAPHITE.shade(0.6) if max(body.rgb) > 0.35 else _PALE_KEY
    parts = [block((-d / 2, -w / 2, 0), (d / 2, w / 2, base), *body)]
    for x in np.linspace(-d / 2 + 0.035, -d / 2 + d * 0.48, 4):
        parts.append(
            block((x - d * 0.045, -w / 2 + 0.03, base), (x + d * 0.045, w / 2 - 0.03, base + 0.003), *dark)
        )
    parts.append(
        block((d / 2 - 0.085, -0.055, base), (d / 2 - 0.015, 0.055, base + 0.002), *body.shade(0.75))
    )
    rotation = tilt("y", -lean)
    hinge = np.array([-d / 2 + 0.01, 0.0, base])
    lid = [block((-thick / 2, -w / 2, 0), (thick / 2, w / 2, length), *body)]
    lid += _picture(rng, thick / 2, w - 0.03, 0.022, length - 0.015)
    for part in lid:
        parts.append(Part(BOX, hinge + rotation @ part.center, part.half, part.rgb, rotation, part.finish))
    return Shape(parts)


def printer(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A box with a scanner lid, paper standing behind it, and paper coming out in front."""
    d, w, h = extents
    deep, top = d * 0.36, h * rng.uniform(0.66, 0.74)
    paper = Paint((0.86, 0.86, 0.85), "paper")
    rear = -d / 2 + 0.05
    slot = top * 0.48
    parts = [
        block((rear, -w / 2, 0), (deep, w / 2, slot), *body.shade(0.9)),
        block((rear, -w / 2, slot), (deep - 0.05, w / 2, top - 0.035), *GRAPHITE.shade(0.8)),
        block((deep - 0.05, -w / 2, slot + 0.045), (deep, w / 2, top - 0.035), *body),
        block((rear - 0.005, -w / 2, top - 0.033), (deep + 0.005, w / 2, top), *body),
        block((deep, -w * 0.34, slot * 0.30), (d / 2, w * 0.34, slot * 0.30 + 0.012), *GRAPHITE),
        beam((deep - 0.06, 0, slot + 0.012), (d / 2 - 0.02, 0, slot * 0.3 + 0.016), w * 0.56, 0.006, *paper),
        beam((rear + 0.06, 0, top - 0.04), (-d / 2, 0, h), w * 0.58, 0.012, *GRAPHITE),
        beam((rear + 0.075, 0, top - 0.04), (-d / 2 + 0.02, 0, h - 0.02), w * 0.52, 0.008, *paper),
        block((deep, w * 0.20, slot + 0.055), (deep + 0.006, w * 0.42, top - 0.045), *_DISPLAY),
    ]
    return Shape(parts)


def standing_lamp(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A shade on a pole with a round foot, or on three legs."""
    r, h = extents[1] / 2, extents[2]
    high = h * rng.uniform(0.18, 0.26)
    pole = (STEEL, GRAPHITE)[rng.integers(2)]
    narrow = rng.uniform(0.55, 1.0)
    parts = cone(r, r * narrow, h - high, h, *body)
    if rng.random() < 0.35:
        wood = (PALE_WOOD, GRAPHITE)[rng.integers(2)]
        for a in np.arange(3) * 2 * np.pi / 3:
            foot = ((r - 0.016) * np.cos(a), (r - 0.016) * np.sin(a), 0.012)
            parts.append(tube(foot, (0.02 * np.cos(a), 0.02 * np.sin(a), h - high), 0.014, *wood))
        parts.append(rod(0, 0, h - high - 0.03, h - high * 0.5, 0.02, *GRAPHITE))
        return Shape(parts)
    parts.append(rod(0, 0, 0, 0.025, r * rng.uniform(0.62, 0.78), *pole))
    parts.append(rod(0, 0, 0.025, h - high * 0.3, 0.013, *pole))
    return Shape(parts)


def arc_lamp(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A lamp whose pole bends forwards over its shade from a heavy foot."""
    d, w, h = extents
    pole = (STEEL, GRAPHITE)[rng.integers(2)]
    r, high = w / 2, rng.uniform(0.16, 0.22)
    foot = min(r * 0.85, 0.17)
    x0, x1 = -d / 2 + foot, d / 2 - r
    bend = h * 0.60
    angles = np.linspace(0.0, np.pi, 9)[:8]
    middle, rx, rz = (x0 + x1) / 2, (x1 - x0) / 2, h - 0.012 - bend
    points = [(middle - rx * np.cos(a), 0.0, bend + rz * np.sin(a)) for a in angles]
    end = points[-1]
    points.append((x1, 0.0, end[2] - 0.10))
    shade_top = points[-1][2] + 0.01
    shades = cone(r, r * 0.45, shade_top - high, shade_top, *body)
    return Shape(
        [
            rod(x0, 0, 0, 0.035, foot, *GRAPHITE),
            rod(x0, 0, 0.035, bend, 0.013, *pole),
            *(tube(a, b, 0.012, *pole) for a, b in pairwise(points)),
            *(part.shifted(np.array([x1, 0.0, 0.0])) for part in shades),
        ]
    )


def desk_lamp(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A tall reading lamp: a jointed arm ending in a small dome that points at the floor in front."""
    d, w, h = extents
    foot = w / 2
    x0 = -d / 2 + foot
    elbow, head = (x0 - 0.02, 0.0, h * 0.62), (d / 2 - 0.145, 0.0, h - 0.065)
    aim = np.array([0.45, 0.0, -1.0]) / np.hypot(0.45, 1.0)
    top = np.array(head)
    return Shape(
        [
            rod(x0, 0, 0, 0.03, foot, *GRAPHITE),
            tube((x0, 0, 0.03), elbow, 0.012, *STEEL),
            tube(elbow, head, 0.011, *STEEL),
            tube(tuple(top - 0.05 * aim), tuple(top + 0.03 * aim), 0.045, *body),
            tube(tuple(top + 0.03 * aim), tuple(top + 0.08 * aim), 0.070, *body),
            tube(tuple(top + 0.08 * aim), tuple(top + 0.14 * aim), 0.090, *body),
            tube(tuple(top + 0.14 * aim), tuple(top + 0.145 * aim), 0.08, *LINEN.shade(1.2)),
        ]
    )
