# SPDX-License-Identifier: Apache-2.0
"""Procedural surfaces for floors and walls: light grey patterns that a room's colours multiply."""

from __future__ import annotations

import numpy as np

SIZE = 512  # texels a side
# Metres that one tile of each pattern covers.
FLOOR_TILE = {"planks": 1.6, "tiles": 1.5, "carpet": 1.0, "concrete": 2.5}
WALL_TILE = 2.0


def noise(rng: np.random.Generator, cells_x: int, cells_y: int) -> np.ndarray:
    """Return (SIZE, SIZE) periodic smooth noise, zero mean, about unit deviation."""
    grid = rng.standard_normal((cells_y, cells_x))

    def stretch(values: np.ndarray, axis: int) -> np.ndarray:
        count = values.shape[axis]
        at = np.arange(SIZE) * count / SIZE
        low = at.astype(int)
        weight = at - low
        weight = weight * weight * (3 - 2 * weight)
        weight = weight[:, None] if axis == 0 else weight[None, :]
        return (
            np.take(values, low % count, axis) * (1 - weight)
            + np.take(values, (low + 1) % count, axis) * weight
        )

    return stretch(stretch(grid, 0), 1)


def to_image(value: np.ndarray) -> np.ndarray:
    """Return brightness (H, W), 0..1, as a grey (H, W, 3) uint8 picture."""
    grey = np.clip(value * 255.0, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def floor(style: str) -> np.ndarray:
    """Return the (SIZE, SIZE, 3) uint8 pattern of a floor style, the same on every call."""
    rng = np.random.default_rng(sum(style.encode()))
    value = np.full((SIZE, SIZE), 0.92)
    if style == "planks":
        rows = 8
        height = SIZE // rows
        grain = noise(rng, 4, 128) * 0.035 + noise(rng, 2, 256) * 0.02
        for row in range(rows):
            band = slice(row * height, (row + 1) * height)
            seam = int(rng.integers(SIZE))
            columns = (np.arange(SIZE) - seam) % SIZE
            tone = np.where(columns < SIZE // 2, rng.uniform(-0.09, 0.04), rng.uniform(-0.09, 0.04))
            value[band] += tone + np.roll(grain[band], int(rng.integers(SIZE)), axis=1)
            value[row * height : row * height + 2] *= 0.72
            value[band, seam % SIZE] *= 0.72
            value[band, (seam + SIZE // 2) % SIZE] *= 0.72
    elif style == "tiles":
        count = 3
        side = SIZE / count
        index = (np.arange(SIZE) / side).astype(int)
        tones = rng.uniform(-0.04, 0.02, (count, count))
        value += tones[index[:, None], index[None, :]] + noise(rng, 24, 24) * 0.012
        joint = (np.arange(SIZE) % side) < 5
        value[joint, :] = 0.70
        value[:, joint] = 0.70
    elif style == "carpet":
        value += rng.standard_normal((SIZE, SIZE)) * 0.05 + noise(rng, 64, 64) * 0.03 - 0.06
    else:
        value += noise(rng, 6, 6) * 0.03 + noise(rng, 24, 24) * 0.02 + noise(rng, 96, 96) * 0.012
    return to_image(value)


def wall(pattern: int) -> np.ndarray:
    """Return the (SIZE, SIZE, 3) uint8 pattern of a wall: 0 plaster, 1 faint stripes, 2 panelling."""
    rng = np.random.default_rng(1000 + pattern)
    value = np.full((SIZE, SIZE), 0.95) + noise(rng, 64, 64) * 0.008
    if pattern == 1:
        value += np.where((np.arange(SIZE) // 32) % 2 == 0, 0.015, -0.025)[None, :]
    elif pattern == 2:
        value[:, (np.arange(SIZE) % 128) < 3] -= 0.12
    return to_image(value)
