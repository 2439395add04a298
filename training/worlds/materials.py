# SPDX-License-Identifier: Apache-2.0
"""What finishes look like: gloss, and procedural grey patterns that a part's colour multiplies.

A flat pattern is laid on a board's broad faces in metres, with the grain along its length; elsewhere (solid
blocks, cylinders, ellipsoids) the pattern wraps the part as a cube does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ide3d_training.worlds.parts import BOX, FINISHES, SPINES, Part
from ide3d_training.worlds.textures import SIZE, noise, to_image

# A box whose thinnest side is below this share of its middle one is a board.
_BOARD = 0.3
# Metres that one tile of each pattern covers.
_TILE = {
    "wood": 0.9,
    "metal": 0.6,
    "fabric": 0.45,
    "leather": 0.8,
    "ceramic": 0.4,
    "wicker": 0.5,
    "paper": 0.6,
}
# Specular reflection and how narrow it is, as MuJoCo counts them.
_GLOSS = {
    "matt": (0.05, 0.1),
    "glossy": (0.45, 0.7),
    "spines": (0.02, 0.1),
    "plastic": (0.35, 0.45),
    "wood": (0.12, 0.25),
    "metal": (0.75, 0.55),
    "fabric": (0.0, 0.0),
    "leather": (0.40, 0.30),
    "glass": (1.0, 0.95),
    "ceramic": (0.85, 0.85),
    "wicker": (0.05, 0.1),
    "paper": (0.02, 0.1),
}


OPACITY = {"glass": 0.55}
"""Share of what lies behind that a finish hides, 1 where none is given; depth and ids see every part."""


@dataclass(frozen=True, eq=False)
class Look:
    """One material of the renderer.

    Attributes:
        name: of the finish, with a suffix where it is flat.
        specular, shininess: strength and sharpness of reflections, 0..1.
        image: (S, S, 3) uint8 grey pattern; None where it has none.
        tile: metres the pattern covers on a board; 0 where it wraps the part.
    """

    name: str
    specular: float
    shininess: float
    image: np.ndarray | None = None
    tile: float = 0.0


def _pattern(finish: str) -> np.ndarray:
    """Return the (SIZE, SIZE) brightness of a finish, about 0.95, periodic, the same every time."""
    rng = np.random.default_rng(sum(finish.encode()))
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    if finish == "wood":
        rings = np.sin((y + noise(rng, 3, 6) * 26) * (2 * np.pi * 9 / SIZE)) * 0.06
        return 0.90 + rings + noise(rng, 3, 64) * 0.045 + noise(rng, 4, 200) * 0.035
    if finish == "fabric":
        thread = 8
        weave = np.where((x // thread + y // thread) % 2 == 0, 0.045, -0.045)
        return 0.93 + weave + noise(rng, 128, 128) * 0.04 + noise(rng, 48, 48) * 0.03
    if finish == "leather":
        grain = np.abs(noise(rng, 20, 20))
        return 0.89 + np.minimum(grain, 0.9) * 0.07 + noise(rng, 6, 6) * 0.03
    if finish == "metal":
        return 0.93 + noise(rng, 2, 256) * 0.035 + noise(rng, 3, 48) * 0.03
    if finish == "wicker":
        cell = SIZE // 12
        along = np.where((x // cell + y // cell) % 2 == 0, x, y) % cell
        across = np.where((x // cell + y // cell) % 2 == 0, y, x) % cell
        bulge = np.sin(np.pi * (along + 0.5) / cell)
        strand = np.abs(np.sin(2 * np.pi * (across + 0.5) / cell))
        return 0.52 + 0.30 * bulge + 0.24 * strand + noise(rng, 64, 64) * 0.03
    if finish == "ceramic":  # a speckled glaze
        return 0.97 - 0.30 * (noise(rng, 44, 44) > 1.25) + noise(rng, 5, 5) * 0.015
    return 0.94 + noise(rng, 10, 10) * 0.012 + noise(rng, 3, 128) * 0.02


def _looks() -> tuple[Look, ...]:
    looks = []
    for finish in FINISHES:
        if finish == SPINES:
            looks.append(Look(finish, *_GLOSS[finish], _spines()))
            continue
        image = to_image(_pattern(finish)) if finish in _TILE else None
        looks.append(Look(finish, *_GLOSS[finish], image))
        if image is not None:
            looks.append(Look(_flat(finish), *_GLOSS[finish], image, _TILE[finish]))
    return tuple(looks)


def _spines() -> np.ndarray:
    """Return the (SIZE, SIZE, 3) picture of books standing in a row, in muted colours."""
    rng = np.random.default_rng(7)
    picture = np.empty((SIZE, SIZE, 3))
    left = 0
    while left < SIZE:
        right = left + int(rng.integers(SIZE // 11, SIZE // 6))
        tone = rng.uniform(0.35, 0.95) * np.array([1.0, rng.uniform(0.86, 1.0), rng.uniform(0.72, 1.0)])
        picture[:, left:right] = tone
        title = int(rng.integers(SIZE // 8, SIZE // 2))
        inset = (right - left) // 4
        picture[title : title + SIZE // 5, left + inset : right - inset] = tone * 0.6
        picture[:, left : left + 4] = 0.15
        left = right
    return np.ascontiguousarray((picture * 255).astype(np.uint8).swapaxes(0, 1))


def _flat(finish: str) -> str:
    return f"{finish}-flat"


LOOKS = _looks()
"""All materials the renderer needs."""


def applied(part: Part) -> tuple[str, np.ndarray, np.ndarray]:
    """Choose how a part's finish lies on it.

    Returns:
        The name of its look, its (3,) half sizes and its (3, 3) rotation. They describe the part itself; a
        board's axes are exchanged so that its length is x, its thickness z.
    """
    if part.shape != BOX or part.finish not in _TILE:
        return part.finish, part.half, part.rotation
    thin, middle, long = sorted(range(3), key=part.half.__getitem__)
    if part.half[thin] > _BOARD * part.half[middle]:
        return part.finish, part.half, part.rotation
    axes = part.rotation[:, [long, middle, thin]].copy()
    if np.linalg.det(axes) < 0:
        axes[:, 2] *= -1.0
    return _flat(part.finish), part.half[[long, middle, thin]], axes
