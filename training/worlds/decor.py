# SPDX-License-Identifier: Apache-2.0
"""Coloured images that stretch over one fixture each: pictures, views out of windows, rugs, curtains."""

from __future__ import annotations

import numpy as np

from ide3d_training.worlds.textures import noise

SIZE = 128  # texels a side

PICTURES = tuple(f"picture {i}" for i in range(8))
VIEWS = tuple(f"view {i}" for i in range(4))
RUGS = tuple(f"rug {i}" for i in range(6))
CURTAIN, BLIND = "curtain", "blind"
IMAGES = (*PICTURES, *VIEWS, *RUGS, CURTAIN, BLIND)

_ROWS, _COLUMNS = np.mgrid[0:SIZE, 0:SIZE] / (SIZE - 1.0)


def _ramp(top: tuple[float, float, float], bottom: tuple[float, float, float]) -> np.ndarray:
    return np.array(top) + (np.array(bottom) - np.array(top)) * _ROWS[..., None]


def _soft_color(rng: np.random.Generator) -> np.ndarray:
    """Return a colour that no object's name is taken for at a glance: muted, of middle brightness."""
    return 0.35 + 0.45 * rng.random() + rng.uniform(-0.10, 0.10, 3)


def _landscape(rng: np.random.Generator) -> np.ndarray:
    """Sky over ranges of hills that get darker towards the viewer."""
    image = _ramp((0.62, 0.74, 0.86), (0.90, 0.88, 0.82))
    tone = _soft_color(rng)
    for i in range(3):
        crest = 0.42 + 0.16 * i + 0.07 * noise(rng, 3 + 2 * i, 1, SIZE)[0]
        image[_ROWS > crest[None, :]] = tone * (0.95 - 0.22 * i)
    return image


def _blocks(rng: np.random.Generator) -> np.ndarray:
    """An abstract picture of overlapping rectangles."""
    image = np.empty((SIZE, SIZE, 3)) * 0 + 0.84
    for _ in range(7):
        x, y = rng.uniform(0.05, 0.7, 2)
        w, h = rng.uniform(0.12, 0.45, 2)
        inside = (_COLUMNS > x) & (_COLUMNS < x + w) & (_ROWS > y) & (_ROWS < y + h)
        image[inside] = _soft_color(rng)
    return image


def _discs(rng: np.random.Generator) -> np.ndarray:
    """An abstract picture of discs in a row or a heap."""
    image = _ramp(tuple(_soft_color(rng)), tuple(_soft_color(rng)))
    for _ in range(5):
        x, y = rng.uniform(0.15, 0.85, 2)
        image[np.hypot(_COLUMNS - x, _ROWS - y) < rng.uniform(0.06, 0.22)] = _soft_color(rng)
    return image


def _poster(rng: np.random.Generator) -> np.ndarray:
    """A light sheet with a block of colour and lines of text."""
    image = np.full((SIZE, SIZE, 3), 0.90)
    image[(_ROWS > 0.08) & (_ROWS < 0.55) & (_COLUMNS > 0.1) & (_COLUMNS < 0.9)] = _soft_color(rng)
    for line in range(5):
        row = 0.64 + 0.06 * line
        image[(np.abs(_ROWS - row) < 0.012) & (_COLUMNS > 0.1) & (_COLUMNS < rng.uniform(0.6, 0.9))] = 0.30
    return image


def _outside(rng: np.random.Generator, number: int) -> np.ndarray:
    """What is seen through a window: meadow and trees, a street of houses, hills, dusk over a town."""
    if number == 2:
        return np.clip(_landscape(rng) + 0.08, 0, 1)
    dusk = number == 3
    image = (
        _ramp((0.30, 0.36, 0.52), (0.86, 0.66, 0.54))
        if dusk
        else _ramp((0.66, 0.80, 0.95), (0.92, 0.95, 0.97))
    )
    if number == 0:
        image[_ROWS > 0.72] = (0.45, 0.58, 0.34)
        for _ in range(9):
            x, r = rng.uniform(0, 1), rng.uniform(0.07, 0.16)
            crown = np.hypot(_COLUMNS - x, (_ROWS - 0.66) * 0.8) < r
            image[crown] = np.array((0.28, 0.44, 0.24)) * rng.uniform(0.8, 1.25)
        return image
    left = 0.0
    while left < 1.0:
        width, roof = rng.uniform(0.12, 0.24), rng.uniform(0.30, 0.62)
        house = (_COLUMNS >= left) & (_COLUMNS < left + width) & (_ROWS > roof)
        image[house] = np.array((0.24, 0.25, 0.30)) if dusk else _soft_color(rng)
        panes = house & ((_COLUMNS * 26) % 1.0 < 0.45) & ((_ROWS * 18) % 1.0 < 0.5) & (_ROWS > roof + 0.05)
        image[panes] = (0.92, 0.80, 0.50) if dusk else (0.42, 0.48, 0.55)
        left += width
    return image


def _rug(rng: np.random.Generator, number: int) -> np.ndarray:
    """A rug with a border and a field of stripes, lozenges, rings, squares, zigzags or nothing."""
    base, second, third = (_soft_color(rng) for _ in range(3))
    image = np.empty((SIZE, SIZE, 3))
    image[:] = base
    x, y = np.abs(_COLUMNS - 0.5), np.abs(_ROWS - 0.5)
    fields = (
        (_ROWS * 9) % 1.0 < 0.5,
        ((_COLUMNS * 5) % 1.0 - 0.5) ** 2 < ((_ROWS * 5) % 1.0 - 0.5) ** 2,
        (np.hypot(x, y) * 9) % 1.0 < 0.5,
        ((_COLUMNS * 6) % 1.0 < 0.5) ^ ((_ROWS * 6) % 1.0 < 0.5),
        (_ROWS * 6 + np.abs((_COLUMNS * 6) % 1.0 - 0.5)) % 1.0 < 0.4,
        np.zeros((SIZE, SIZE), bool),
    )
    image[fields[number]] = second
    edge = np.maximum(x, y)
    image[edge > 0.43] = third
    image[edge > 0.475] = base
    return image * (0.94 + 0.06 * rng.standard_normal((SIZE, SIZE, 1)))


def image(name: str) -> np.ndarray:
    """Return the (SIZE, SIZE, 3) uint8 image of one of IMAGES, the same on every call."""
    rng = np.random.default_rng(sum(ord(letter) * (i + 1) for i, letter in enumerate(name)))
    number = IMAGES.index(name)
    if name in PICTURES:
        value = (_landscape, _blocks, _discs, _poster)[number % 4](rng)
    elif name in VIEWS:
        value = _outside(rng, VIEWS.index(name))
    elif name in RUGS:
        value = _rug(rng, RUGS.index(name))
    elif name == CURTAIN:
        value = np.repeat((0.80 + 0.18 * np.sin(_COLUMNS * 2 * np.pi * 7))[..., None], 3, axis=2)
    else:
        value = np.repeat(np.where((_ROWS * 22) % 1.0 < 0.16, 0.62, 0.95)[..., None], 3, axis=2)
    return np.clip(value * 255.0, 0, 255).astype(np.uint8)
