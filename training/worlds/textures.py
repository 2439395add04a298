# SPDX-License-Identifier: Apache-2.0
"""Procedural surfaces for floors and walls: light grey patterns that a room's colours multiply."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SIZE = 512  # texels a side

FLOORS = ("planks", "boards", "parquet", "tiles", "checker", "carpet", "concrete", "terrazzo")
WALLS = ("plaster", "stripes", "wallpaper", "panelling", "brick", "wall tiles", "block")

TILE = {
    "planks": 1.6,
    "boards": 2.4,
    "parquet": 1.2,
    "tiles": 1.5,
    "checker": 1.6,
    "carpet": 1.0,
    "concrete": 2.5,
    "terrazzo": 1.2,
    "plaster": 2.0,
    "stripes": 1.6,
    "wallpaper": 1.2,
    "panelling": 2.0,
    "brick": 1.28,
    "wall tiles": 0.9,
    "block": 1.6,
}
"""Metres that one tile of each pattern covers."""


def noise(rng: np.random.Generator, cells_x: int, cells_y: int, size: int = SIZE) -> np.ndarray:
    """Return (size, size) periodic smooth noise, zero mean, about unit deviation."""
    grid = rng.standard_normal((cells_y, cells_x))

    def stretch(values: np.ndarray, axis: int) -> np.ndarray:
        count = values.shape[axis]
        at = np.arange(size) * count / size
        low = at.astype(int)
        weight = at - low
        weight = weight * weight * (3 - 2 * weight)
        weight = weight[:, None] if axis == 0 else weight[None, :]
        return (
            np.take(values, low % count, axis) * (1 - weight)
            + np.take(values, (low + 1) % count, axis) * weight
        )

    return stretch(stretch(grid, 0), 1)


def _planks(rng: np.random.Generator, rows: int, contrast: float) -> np.ndarray:
    """Rows of planks of half a tile's length, each with its own seam and tone."""
    value = np.full((SIZE, SIZE), 0.92)
    height = SIZE // rows
    grain = noise(rng, 4, 128) * 0.035 + noise(rng, 2, 256) * 0.02
    for row in range(rows):
        band = slice(row * height, (row + 1) * height)
        seam = int(rng.integers(SIZE))
        columns = (np.arange(SIZE) - seam) % SIZE
        tones = rng.uniform(-contrast, 0.04, 2)
        value[band] += np.where(columns < SIZE // 2, *tones) + np.roll(grain[band], seam, axis=1)
        value[row * height : row * height + 2] *= 0.72
        value[band, seam] *= 0.72
        value[band, (seam + SIZE // 2) % SIZE] *= 0.72
    return value


def _parquet(rng: np.random.Generator) -> np.ndarray:
    """Squares of four strips, turned by a quarter from one square to the next."""
    value = np.full((SIZE, SIZE), 0.92)
    side, strips = SIZE // 4, 4
    along = noise(rng, 8, 128) * 0.03
    for row in range(4):
        for column in range(4):
            cell = np.repeat(rng.uniform(-0.10, 0.04, strips), side // strips)[:, None] + along[:side, :side]
            cell[:: side // strips] -= 0.16
            turned = cell if (row + column) % 2 == 0 else cell.T
            value[row * side : (row + 1) * side, column * side : (column + 1) * side] += turned
    return value


def _grid(rng: np.random.Generator, count: int, joint: int, depth: float, spread: float) -> np.ndarray:
    """Square tiles with dark joints."""
    side = SIZE / count
    index = (np.arange(SIZE) / side).astype(int)
    tones = rng.uniform(-spread, spread / 2, (count, count))
    value = 0.92 + tones[index[:, None], index[None, :]] + noise(rng, 24, 24) * 0.012
    seam = (np.arange(SIZE) % side) < joint
    value[seam, :] = depth
    value[:, seam] = depth
    return value


def _checker(rng: np.random.Generator) -> np.ndarray:
    index = np.arange(SIZE) * 4 // SIZE
    dark = (index[:, None] + index[None, :]) % 2 == 1
    return np.where(dark, 0.42, 0.95) + noise(rng, 24, 24) * 0.012


def _carpet(rng: np.random.Generator) -> np.ndarray:
    return 0.86 + rng.standard_normal((SIZE, SIZE)) * 0.05 + noise(rng, 64, 64) * 0.03


def _concrete(rng: np.random.Generator) -> np.ndarray:
    return 0.92 + noise(rng, 6, 6) * 0.03 + noise(rng, 24, 24) * 0.02 + noise(rng, 96, 96) * 0.012


def _terrazzo(rng: np.random.Generator) -> np.ndarray:
    chips = noise(rng, 56, 56)
    return np.where(chips > 1.1, 0.72, np.where(chips < -1.2, 1.0, 0.90)) + noise(rng, 128, 128) * 0.01


def _plaster(rng: np.random.Generator) -> np.ndarray:
    return 0.95 + noise(rng, 64, 64) * 0.008


def _stripes(rng: np.random.Generator) -> np.ndarray:
    return _plaster(rng) + np.where((np.arange(SIZE) // 32) % 2 == 0, 0.02, -0.06)[None, :]


def _wallpaper(rng: np.random.Generator) -> np.ndarray:
    """Rows of four-leaved motifs, every other row shifted by half a step."""
    value = _plaster(rng)
    y, x = np.mgrid[0:SIZE, 0:SIZE] * (8.0 / SIZE)
    x = x + 0.5 * (np.floor(y) % 2)
    u, v = x % 1.0 - 0.5, y % 1.0 - 0.5
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    return value - 0.10 * (radius < 0.30 * np.abs(np.cos(2 * angle)) + 0.05)


def _panelling(rng: np.random.Generator) -> np.ndarray:
    value = _plaster(rng)
    value[:, (np.arange(SIZE) % 64) < 4] -= 0.16
    return value


def _courses(rng: np.random.Generator, rows: int, columns: int, joint: int, spread: float) -> np.ndarray:
    """Bricks or blocks in stretcher bond with light joints."""
    value = np.full((SIZE, SIZE), 0.95)
    height, width = SIZE // rows, SIZE // columns
    surface = noise(rng, 96, 96) * 0.03
    for row in range(rows):
        shift = (row % 2) * width // 2
        for column in range(columns):
            tone = 0.78 + rng.uniform(-spread, spread)
            across = (np.arange(column * width + joint, (column + 1) * width) + shift) % SIZE
            lines = slice(row * height + joint, (row + 1) * height)
            value[lines, across] = tone + surface[lines, across]
    return value


_PATTERNS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "planks": lambda rng: _planks(rng, 8, 0.09),
    "boards": lambda rng: _planks(rng, 16, 0.16),
    "parquet": _parquet,
    "tiles": lambda rng: _grid(rng, 3, 5, 0.70, 0.04),
    "checker": _checker,
    "carpet": _carpet,
    "concrete": _concrete,
    "terrazzo": _terrazzo,
    "plaster": _plaster,
    "stripes": _stripes,
    "wallpaper": _wallpaper,
    "panelling": _panelling,
    "brick": lambda rng: _courses(rng, 16, 4, 5, 0.10),
    "wall tiles": lambda rng: _grid(rng, 6, 4, 0.74, 0.02),
    "block": lambda rng: _courses(rng, 8, 4, 4, 0.03),
}


def to_image(value: np.ndarray) -> np.ndarray:
    """Return brightness (H, W), 0..1, as a grey (H, W, 3) uint8 picture."""
    grey = np.clip(value * 255.0, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def pattern(name: str) -> np.ndarray:
    """Return the (SIZE, SIZE, 3) uint8 pattern of one of FLOORS or WALLS, the same on every call."""
    return to_image(_PATTERNS[name](np.random.default_rng(sum(name.encode()))))
