# SPDX-License-Identifier: Apache-2.0
"""What a room can hold: categories with their sizes and surfaces, and the named colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ide3d_training.worlds import furniture, small_objects
from ide3d_training.worlds.parts import RGB, Part, bounds, radius

# Half width of the uniform spread of an object's extents around its category's mean.
SIZE_SPREAD = 0.12

COLORS: dict[str, RGB] = {
    "red": (0.76, 0.09, 0.09),
    "green": (0.13, 0.58, 0.20),
    "blue": (0.11, 0.27, 0.78),
    "yellow": (0.94, 0.78, 0.10),
    "white": (0.94, 0.94, 0.93),
    "black": (0.055, 0.055, 0.06),
    "brown": (0.40, 0.22, 0.09),
    "purple": (0.50, 0.16, 0.64),
    "orange": (0.93, 0.45, 0.08),
    "pink": (0.93, 0.47, 0.62),
}

MATERIALS = ("plastic", "wood", "metal", "fabric", "leather", "glass", "ceramic", "wicker", "paper")
"""What an object's main body is made of, as labels name it."""


@dataclass(frozen=True)
class Category:
    """A kind of object.

    Attributes:
        name: the word an expression uses.
        extents: mean full size, metres: depth along its front axis, width, height. The prior of the box head.
        build: makes its parts, see ``furniture``.
        small: stands on other things rather than on the floor (a ball may do both).
        supports: small objects may stand on its top.
        against_wall: its back stands against a wall, its front faces the room.
        symmetry: "none", "half_turn" (front and back look alike) or "round" (every side does). Boxes of
            symmetric objects get the equivalent yaw whose front faces the camera best.
    """

    name: str
    extents: tuple[float, float, float]
    build: Callable[[np.random.Generator, np.ndarray, RGB], list[Part]]
    small: bool = False
    supports: bool = False
    against_wall: bool = False
    symmetry: str = "none"


# The order is the class index: append, never reorder.
_ALL = (
    Category("chair", (0.48, 0.46, 0.90), furniture.chair),
    Category("table", (0.80, 1.25, 0.74), furniture.table, supports=True, symmetry="half_turn"),
    Category("sofa", (0.90, 1.75, 0.80), furniture.sofa, against_wall=True),
    Category("bed", (2.00, 1.35, 0.90), furniture.bed, against_wall=True),
    Category("cabinet", (0.45, 0.95, 0.90), furniture.cabinet, supports=True, against_wall=True),
    Category("bookshelf", (0.32, 0.85, 1.75), furniture.bookshelf, against_wall=True),
    Category("lamp", (0.40, 0.40, 1.55), furniture.lamp, symmetry="round"),
    Category("plant", (0.50, 0.50, 0.90), furniture.plant, symmetry="round"),
    Category("bin", (0.32, 0.32, 0.42), furniture.waste_bin, symmetry="round"),
    Category("stool", (0.38, 0.38, 0.50), furniture.stool, supports=True, symmetry="round"),
    Category("fridge", (0.68, 0.62, 1.70), furniture.fridge, against_wall=True),
    Category("mug", (0.13, 0.13, 0.11), small_objects.mug, small=True, symmetry="round"),
    Category("bottle", (0.09, 0.09, 0.30), small_objects.bottle, small=True, symmetry="round"),
    Category("book", (0.20, 0.28, 0.05), small_objects.book, small=True, symmetry="half_turn"),
    Category("laptop", (0.33, 0.37, 0.25), small_objects.laptop, small=True),
    Category("ball", (0.24, 0.24, 0.24), small_objects.ball, small=True, symmetry="round"),
)
CATEGORIES: tuple[str, ...] = tuple(category.name for category in _ALL)
BY_NAME: dict[str, Category] = {category.name: category for category in _ALL}


def build_object(category: Category, color: str, rng: np.random.Generator) -> tuple[list[Part], np.ndarray]:
    """Build one object of random size and proportions.

    Args:
        category: what to build.
        color: name of the main body's colour, a key of COLORS.
        rng: source of its size, proportions and slight change of tone.

    Returns:
        Its parts, standing on z = 0 with the footprint centred on the z axis, and its (3,) extents, metres:
        exactly what encloses the parts; for round categories what encloses them at any yaw.
    """
    wanted = np.array(category.extents) * rng.uniform(1.0 - SIZE_SPREAD, 1.0 + SIZE_SPREAD, 3)
    if category.symmetry == "round":
        wanted[1] = wanted[0]
    if category.name == "ball":
        wanted[:] = wanted[2]
    tone = furniture.shade(COLORS[color], rng.uniform(0.92, 1.06))
    parts = category.build(rng, wanted, tone)
    low, high = bounds(parts)
    if category.symmetry == "round":
        offset = np.array([0.0, 0.0, -low[2]])
        parts = [part.shifted(offset) for part in parts]
        side = 2.0 * radius(parts)
        return parts, np.array([side, side, high[2] - low[2]])
    offset = np.array([-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]])
    return [part.shifted(offset) for part in parts], high - low
