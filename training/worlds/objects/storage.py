# SPDX-License-Identifier: Apache-2.0
"""Shapes of cabinets, bookshelves and wardrobes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ide3d_training.worlds.objects.form import (
    GRAPHITE,
    STEEL,
    Paint,
    Shape,
    Surface,
    frame_paint,
    legs,
    surface,
)
from ide3d_training.worlds.parts import SPINES, Part, block, tube
from ide3d_training.worlds.scene_graph import IN, ON

_MIRROR = Paint((0.72, 0.78, 0.82), "glass")


def _doors(
    face: float, edges: np.ndarray, low: float, high: float, grip: tuple[float, float], paint: Paint
) -> list[Part]:
    """Return doors side by side with upright handles; their outer plane is x = ``face``."""
    parts = []
    count = len(edges) - 1
    for i, (left, right) in enumerate(pairwise(edges)):
        parts.append(
            block((face - 0.018, left + 0.006, low + 0.006), (face, right - 0.006, high - 0.006), *paint)
        )
        y = right - 0.045 if i % 2 == 0 and i < count - 1 or count == 1 else left + 0.045
        parts.append(block((face, y - 0.010, grip[0]), (face + 0.025, y + 0.010, grip[1]), *STEEL))
    return parts


def cabinet(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A cupboard on a plinth behind doors, or a chest of drawers."""
    d, w, h = extents
    plinth, top = 0.06, 0.025
    face = d / 2 - 0.025  # the doors' outer plane; the handles reach the box
    parts = [
        block((-d / 2 + 0.02, -w / 2 + 0.02, 0), (face - 0.05, w / 2 - 0.02, plinth), *GRAPHITE),
        block((-d / 2, -w / 2, plinth), (face - 0.018, w / 2, h - top), *body.shade(0.75)),
        block((-d / 2, -w / 2, h - top), (face + 0.01, w / 2, h), *body),
    ]
    if rng.random() < 0.5:
        doors = 2 if w < 1.0 else 3
        edges = np.linspace(-w / 2, w / 2, doors + 1)
        parts += _doors(face, edges, plinth, h - top, (h * 0.52, h * 0.68), body)
    else:
        edges = np.linspace(plinth, h - top, int(rng.integers(3, 5)) + 1)
        for low, high in pairwise(edges):
            parts.append(
                block((face - 0.018, -w / 2 + 0.008, low + 0.006), (face, w / 2 - 0.008, high - 0.006), *body)
            )
            z = (low + high) / 2
            for y in (-w / 4, w / 4) if w > 0.8 else (0.0,):
                parts.append(block((face, y - 0.06, z - 0.009), (d / 2, y + 0.06, z + 0.009), *STEEL))
    return Shape(parts, (surface((-d / 2, -w / 2), (face + 0.01, w / 2), h, ON),))


def sideboard(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A long, low cabinet on legs: doors at the ends, drawers or an open compartment in the middle."""
    d, w, h = extents
    foot, wall = rng.uniform(0.13, 0.20), 0.024
    face = d / 2 - 0.025
    third = w * rng.uniform(0.15, 0.18)
    parts = legs(d - 0.05, w, foot, 0.02, frame_paint(rng), bool(rng.integers(2)), 0.03)
    parts.append(block((-d / 2, -w / 2, h - wall), (face + 0.008, w / 2, h), *body))
    parts.append(block((-d / 2, -w / 2, foot), (face, w / 2, foot + wall), *body))
    surfaces = [surface((-d / 2, -w / 2), (face + 0.008, w / 2), h, ON)]
    low, high = foot + wall, h - wall
    for left, right in ((-w / 2, -third), (third, w / 2)):
        parts.append(block((-d / 2, left, low), (face - 0.018, right, high), *body.shade(0.75)))
        parts += _doors(face, np.array([left, right]), low, high, (h - 0.20, h - 0.08), body)
    if rng.random() < 0.5:
        parts.append(block((-d / 2, -third, low), (-d / 2 + 0.012, third, high), *body.shade(0.55)))
        surfaces.append(surface((-d / 2 + 0.014, -third), (face - 0.02, third), low, IN, high - low))
    else:
        parts.append(block((-d / 2, -third, low), (face - 0.018, third, high), *body.shade(0.75)))
        for bottom, above in pairwise(np.linspace(low, high, 4)):
            parts.append(
                block(
                    (face - 0.018, -third + 0.006, bottom + 0.005),
                    (face, third - 0.006, above - 0.005),
                    *body,
                )
            )
            z = (bottom + above) / 2
            parts.append(block((face, -0.05, z - 0.008), (d / 2, 0.05, z + 0.008), *STEEL))
    return Shape(parts, tuple(surfaces))


def _row_of_books(
    rng: np.random.Generator, rear: float, span: tuple[float, float], z: float, room: float, depth: float
) -> list[Part]:
    """Return one to three rows of books from the left end of a compartment on."""
    left, right = span
    parts = []
    for _ in range(int(rng.integers(1, 4))):
        width = rng.uniform(0.28, 0.50) * (right - left)
        if left + width > right:
            break
        high = z + min(room * rng.uniform(0.60, 0.90), 0.34)
        face = rear + depth * rng.uniform(0.68, 0.85)
        paint = Paint((rng.uniform(0.7, 0.95),) * 3, SPINES)
        parts.append(block((rear, left, z), (face, left + width, high), *paint))
        left += width + (rng.uniform(0.02, 0.10) if rng.random() < 0.3 else 0.002)
    return parts


def _compartments(
    rng: np.random.Generator,
    rear: float,
    face: float,
    spans: list[tuple[float, float]],
    levels: list[tuple[float, float]],
    free_share: float,
) -> tuple[list[Part], list[Surface]]:
    """Fill some compartments with books and return the free ones as surfaces; at least one stays free."""
    cells = [(span, level) for level in levels for span in spans]
    free = rng.random(len(cells)) < free_share
    free[rng.integers(len(cells))] = True
    parts: list[Part] = []
    surfaces = []
    for (span, (z, top)), is_free in zip(cells, free, strict=True):
        if is_free:
            surfaces.append(surface((rear, span[0]), (face, span[1]), z, IN, top - z))
        else:
            inside = (span[0] + 0.005, span[1] - 0.005)
            parts += _row_of_books(rng, rear, inside, z, top - z, face - rear)
    return parts, surfaces


def bookshelf(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A tall case of shelves, some full of books, some free."""
    d, w, h = extents
    side = 0.025
    inner = w / 2 - side
    rear = -d / 2 + 0.012
    parts = [
        block((-d / 2, -w / 2, 0), (d / 2, -inner, h), *body),
        block((-d / 2, inner, 0), (d / 2, w / 2, h), *body),
        block((-d / 2, -inner, 0.02), (rear, inner, h), *body.shade(0.6)),
    ]
    heights = np.linspace(0.05, h - side, int(rng.integers(4, 6)) + 1)
    for z in heights:
        parts.append(block((rear, -inner, z), (d / 2 - 0.004, inner, z + side), *body.shade(0.95)))
    levels = [(low + side, high) for low, high in pairwise(heights)]
    books, surfaces = _compartments(rng, rear, d / 2 - 0.004, [(-inner, inner)], levels, 0.45)
    return Shape(parts + books, tuple(surfaces))


def cube_shelf(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A low case of square compartments."""
    d, w, h = extents
    side = 0.03
    inner, rear = w / 2 - side, -d / 2 + 0.012
    columns = 2 if w < 1.05 else 3
    parts = [
        block((-d / 2, -w / 2, 0), (d / 2, -inner, h), *body),
        block((-d / 2, inner, 0), (d / 2, w / 2, h), *body),
        block((-d / 2, -inner, 0.02), (rear, inner, h), *body.shade(0.6)),
    ]
    for z in (0.0, (h - side) / 2, h - side):
        parts.append(block((rear, -inner, z), (d / 2, inner, z + side), *body.shade(0.95)))
    edges = np.linspace(-inner, inner, columns + 1)
    for y in edges[1:-1]:
        parts.append(
            block((rear, y - side / 2, side), (d / 2 - 0.002, y + side / 2, h - side), *body.shade(0.95))
        )
    spans = [
        (left + (side / 2 if i else 0.0), right - (side / 2 if i < columns - 1 else 0.0))
        for i, (left, right) in enumerate(pairwise(edges))
    ]
    levels = [(side, (h - side) / 2), ((h + side) / 2, h - side)]
    books, surfaces = _compartments(rng, rear, d / 2 - 0.002, spans, levels, 0.5)
    return Shape(parts + books, (surface((-d / 2, -w / 2), (d / 2, w / 2), h, ON), *surfaces))


def rack(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """Open shelves between four posts."""
    d, w, h = extents
    r, thick = 0.014, 0.025
    posts = (STEEL, GRAPHITE)[rng.integers(2)]
    parts = legs(d, w, h, r, posts, True)
    heights = np.linspace(0.10, h - thick - 0.01, int(rng.integers(4, 6)))
    inner = w / 2 - 2 * r
    for z in heights:
        parts.append(
            block((-d / 2 + 0.004, -w / 2 + 0.004, z), (d / 2 - 0.004, w / 2 - 0.004, z + thick), *body)
        )
    levels = [(low + thick, high) for low, high in pairwise(heights)]
    books, surfaces = _compartments(rng, -d / 2 + 0.01, d / 2 - 0.01, [(-inner, inner)], levels, 0.5)
    return Shape(parts + books, tuple(surfaces))


def wardrobe(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A tall cupboard with two or three doors, one of them sometimes a mirror, sometimes drawers below."""
    d, w, h = extents
    plinth = 0.07
    face = d / 2 - 0.025
    parts = [
        block((-d / 2 + 0.02, -w / 2 + 0.02, 0), (face - 0.04, w / 2 - 0.02, plinth), *GRAPHITE),
        block((-d / 2, -w / 2, plinth), (face - 0.018, w / 2, h - 0.04), *body.shade(0.75)),
        block((-d / 2, -w / 2, h - 0.04), (face + 0.015, w / 2, h), *body.shade(0.9)),
    ]
    low = plinth
    if rng.random() < 0.5:
        low = plinth + rng.uniform(0.22, 0.32)
        for left, right in ((-w / 2, 0.0), (0.0, w / 2)):
            parts.append(
                block((face - 0.018, left + 0.006, plinth + 0.006), (face, right - 0.006, low - 0.006), *body)
            )
            y, z = (left + right) / 2, (plinth + low) / 2
            parts.append(block((face, y - 0.07, z - 0.009), (d / 2, y + 0.07, z + 0.009), *STEEL))
    doors = 2 if w < 1.05 else 3
    edges = np.linspace(-w / 2, w / 2, doors + 1)
    parts += _doors(face, edges, low, h - 0.04, (h * 0.46, h * 0.62), body)
    if rng.random() < 0.4:
        i = int(rng.integers(doors))
        parts.append(
            block(
                (face, edges[i] + 0.08, low + 0.12), (face + 0.004, edges[i + 1] - 0.08, h - 0.16), *_MIRROR
            )
        )
    return Shape(parts)


def open_wardrobe(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    """A case without doors: clothes on a rail above a floor, a shelf above them."""
    d, w, h = extents
    side = 0.03
    inner, rear = w / 2 - side, -d / 2 + 0.014
    floor, shelf = 0.08, h - rng.uniform(0.30, 0.36)
    parts = [
        block((-d / 2, -w / 2, 0), (d / 2, -inner, h), *body),
        block((-d / 2, inner, 0), (d / 2, w / 2, h), *body),
        block((-d / 2, -inner, 0.02), (rear, inner, h), *body.shade(0.6)),
        block((rear, -inner, h - side), (d / 2, inner, h), *body),
        block((rear, -inner, shelf - side), (d / 2, inner, shelf), *body.shade(0.95)),
        block((rear, -inner, floor - side), (d / 2, inner, floor), *body.shade(0.95)),
        tube((0, -inner, shelf - 0.11), (0, inner, shelf - 0.11), 0.014, *STEEL),
    ]
    lowest, left = shelf, -inner + 0.06
    while left < inner - 0.10:
        width = rng.uniform(0.045, 0.09)
        grey = rng.uniform(0.30, 0.80)
        cloth = Paint((grey, grey * rng.uniform(0.93, 1.0), grey * rng.uniform(0.90, 1.04)), "fabric")
        bottom = shelf - 0.13 - (shelf - floor) * rng.uniform(0.40, 0.58)
        lowest = min(lowest, bottom)
        wide = d * rng.uniform(0.34, 0.42)
        parts.append(block((-wide, left, bottom), (wide, left + width, shelf - 0.11), *cloth))
        left += width + rng.uniform(0.012, 0.10)
    return Shape(
        parts,
        (
            surface((rear, -inner), (d / 2, inner), floor, IN, lowest - floor),
            surface((rear, -inner), (d / 2, inner), shelf, IN, h - side - shelf),
        ),
    )
