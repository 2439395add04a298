# SPDX-License-Identifier: Apache-2.0
"""What a room can hold: categories with their styles, sizes and materials, and the named colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ide3d_training.worlds.objects import appliances, containers, seating, storage, tables, things, vessels
from ide3d_training.worlds.objects.form import Builder, Paint, Surface
from ide3d_training.worlds.parts import MATERIALS, RGB, Part, bounds, radius

# Half width of the uniform spread of an object's extents around its style's mean.
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


@dataclass(frozen=True)
class Style:
    """One way a kind of object is made.

    Attributes:
        extents: mean full size, metres: depth along its front axis, width, height.
        build: makes its parts, see ``objects.form``.
        materials: what its main body may be made of, names of MATERIALS.
        symmetry: "none", "half_turn" (front and back look alike) or "round" (every side does). Boxes of
            symmetric objects get the equivalent yaw whose front faces the camera best.
    """

    extents: tuple[float, float, float]
    build: Builder
    materials: tuple[str, ...]
    symmetry: str = "none"


@dataclass(frozen=True)
class Category:
    """A kind of object.

    Attributes:
        name: the word an expression uses.
        styles: the ways it is made.
        small: stands on other things rather than on the floor (a ball may do both).
        supports: some of its styles have surfaces that carry small objects.
        against_wall: its back stands against a wall, its front faces the room.
    """

    name: str
    styles: tuple[Style, ...]
    small: bool = False
    supports: bool = False
    against_wall: bool = False

    @cached_property
    def materials(self) -> tuple[str, ...]:
        """What its main body may be made of, in the order of MATERIALS."""
        used = {material for style in self.styles for material in style.materials}
        return tuple(material for material in MATERIALS if material in used)

    def styles_in(self, material: str) -> tuple[Style, ...]:
        """Return the styles that may be made of a material."""
        return tuple(style for style in self.styles if material in style.materials)

    @cached_property
    def extents(self) -> tuple[float, float, float]:
        """Mean full size over materials and their styles, metres: the prior of the box head."""
        means = [
            np.mean([style.extents for style in self.styles_in(material)], axis=0)
            for material in self.materials
        ]
        return tuple(float(value) for value in np.mean(means, axis=0))


@dataclass(frozen=True)
class BuiltObject:
    """One object, standing on z = 0 with the middle of its footprint on the z axis.

    Attributes:
        color: name of the main body's colour.
        material: name of the main body's material.
        parts: its primitives.
        extents: (3,) metres: exactly what encloses the parts; for round objects what encloses them at any
            yaw.
        surfaces: where other objects may stand.
        symmetry: "none", "half_turn" or "round", see ``Style``.
    """

    color: str
    material: str
    parts: tuple[Part, ...]
    extents: np.ndarray
    surfaces: tuple[Surface, ...]
    symmetry: str


_P, _W, _M, _F, _L, _G, _C, _K, _A = MATERIALS
_HALF, _ROUND = "half_turn", "round"

# The order is the class index: append, never reorder.
_ALL = (
    Category(
        "chair",
        (
            Style((0.48, 0.46, 0.90), seating.chair, (_P, _W, _M, _F, _L)),
            Style((0.52, 0.50, 0.86), seating.cantilever_chair, (_P, _W, _F, _L, _K)),
            Style((0.64, 0.64, 1.00), seating.office_chair, (_P, _F, _L)),
        ),
    ),
    Category(
        "table",
        (
            Style((0.80, 1.30, 0.74), tables.table, (_W, _M, _P, _G), _HALF),
            Style((0.90, 0.90, 0.74), tables.round_table, (_W, _P, _G), _ROUND),
            Style((0.80, 1.45, 0.74), tables.trestle_table, (_W, _M), _HALF),
            Style((0.58, 1.05, 0.44), tables.coffee_table, (_W, _G), _HALF),
        ),
        supports=True,
    ),
    Category(
        "sofa",
        (
            Style((0.90, 1.75, 0.80), seating.sofa, (_F, _L)),
            Style((1.45, 2.20, 0.78), seating.corner_sofa, (_F, _L)),
        ),
        against_wall=True,
    ),
    Category(
        "bed",
        (
            Style((2.00, 1.35, 0.90), things.bed, (_F, _W, _L)),
            Style((2.00, 1.20, 0.95), things.barred_bed, (_M, _W)),
        ),
        against_wall=True,
    ),
    Category(
        "cabinet",
        (
            Style((0.45, 0.90, 0.95), storage.cabinet, (_W, _M, _P)),
            Style((0.43, 1.45, 0.72), storage.sideboard, (_W,)),
        ),
        supports=True,
        against_wall=True,
    ),
    Category(
        "bookshelf",
        (
            Style((0.32, 0.85, 1.75), storage.bookshelf, (_W, _P)),
            Style((0.36, 1.05, 0.80), storage.cube_shelf, (_W, _P)),
            Style((0.36, 0.90, 1.65), storage.rack, (_W, _M, _G)),
        ),
        supports=True,
        against_wall=True,
    ),
    Category(
        "lamp",
        (
            Style((0.42, 0.42, 1.55), appliances.standing_lamp, (_F, _A, _P, _K), _ROUND),
            Style((1.05, 0.38, 1.75), appliances.arc_lamp, (_M, _P, _F)),
            Style((0.50, 0.24, 1.35), appliances.desk_lamp, (_M, _P)),
        ),
    ),
    Category(
        "plant",
        (
            Style((0.52, 0.52, 0.90), vessels.plant, (_C, _P, _K), _ROUND),
            Style((0.34, 0.34, 0.85), vessels.blade_plant, (_C, _P, _M), _ROUND),
            Style((0.32, 0.32, 0.70), vessels.cactus, (_C, _P), _ROUND),
        ),
    ),
    Category(
        "bin",
        (
            Style((0.32, 0.32, 0.38), vessels.waste_bin, (_P, _M, _K), _ROUND),
            Style((0.32, 0.32, 0.58), vessels.pedal_bin, (_M, _P), _ROUND),
        ),
        supports=True,
    ),
    Category(
        "stool",
        (
            Style((0.38, 0.38, 0.48), seating.stool, (_W, _M, _P, _L), _ROUND),
            Style((0.40, 0.40, 0.74), seating.bar_stool, (_L, _F, _P, _W), _ROUND),
        ),
        supports=True,
    ),
    Category(
        "fridge",
        (
            Style((0.68, 0.62, 1.70), appliances.fridge, (_M, _P)),
            Style((0.74, 0.88, 1.80), appliances.fridge, (_M,)),
        ),
        against_wall=True,
    ),
    Category("mug", (Style((0.13, 0.13, 0.11), vessels.mug, (_C, _P, _M), _ROUND),), small=True),
    Category(
        "bottle",
        (
            Style((0.09, 0.09, 0.31), vessels.bottle, (_G, _P), _ROUND),
            Style((0.08, 0.08, 0.25), vessels.flask, (_M, _P), _ROUND),
        ),
        small=True,
    ),
    Category("book", (Style((0.20, 0.28, 0.05), things.book, (_A, _L, _F), _HALF),), small=True),
    Category("laptop", (Style((0.33, 0.37, 0.25), appliances.laptop, (_P, _M)),), small=True),
    Category(
        "ball",
        (
            Style((0.24, 0.24, 0.24), things.ringed_ball, (_P, _F), _ROUND),
            Style((0.23, 0.23, 0.23), things.spotted_ball, (_L, _P), _ROUND),
        ),
        small=True,
    ),
    Category(
        "armchair",
        (
            Style((0.84, 0.86, 0.84), seating.armchair, (_F, _L, _K)),
            Style((0.80, 0.70, 0.86), seating.lounge_chair, (_F, _L)),
        ),
    ),
    Category(
        "desk",
        (
            Style((0.68, 1.35, 0.75), tables.desk, (_W, _M, _P)),
            Style((0.64, 1.15, 1.08), tables.hutch_desk, (_W, _P)),
        ),
        supports=True,
        against_wall=True,
    ),
    Category(
        "bench",
        (
            Style((0.38, 1.20, 0.46), seating.bench, (_W, _M, _L, _F), _HALF),
            Style((0.56, 1.30, 0.86), seating.backed_bench, (_W, _M, _P)),
        ),
        supports=True,
    ),
    Category(
        "nightstand",
        (Style((0.40, 0.46, 0.55), tables.nightstand, (_W, _P, _M)),),
        supports=True,
        against_wall=True,
    ),
    Category(
        "wardrobe",
        (
            Style((0.58, 1.10, 1.95), storage.wardrobe, (_W, _P, _M)),
            Style((0.56, 1.10, 1.85), storage.open_wardrobe, (_W, _M)),
        ),
        supports=True,
        against_wall=True,
    ),
    Category(
        "stove", (Style((0.64, 0.60, 0.92), appliances.stove, (_M, _P)),), supports=True, against_wall=True
    ),
    Category("microwave", (Style((0.38, 0.50, 0.29), appliances.microwave, (_M, _P)),), small=True),
    Category(
        "screen",
        (
            Style((0.20, 0.56, 0.44), appliances.monitor, (_P, _M)),
            Style((0.22, 0.88, 0.56), appliances.television, (_P,)),
        ),
        small=True,
    ),
    Category("keyboard", (Style((0.15, 0.44, 0.035), appliances.keyboard, (_P, _M)),), small=True),
    Category(
        "box",
        (
            Style((0.42, 0.48, 0.32), containers.open_box, (_A,)),
            Style((0.30, 0.40, 0.26), containers.closed_box, (_A,)),
            Style((0.30, 0.42, 0.24), containers.storage_box, (_P, _M, _F)),
            Style((0.32, 0.44, 0.26), containers.crate, (_W,)),
        ),
        small=True,
        supports=True,
    ),
    Category(
        "basket",
        (
            Style((0.34, 0.48, 0.34), containers.basket, (_K, _F), _HALF),
            Style((0.44, 0.44, 0.40), containers.round_basket, (_K, _F), _ROUND),
        ),
        supports=True,
    ),
    Category(
        "suitcase",
        (
            Style((0.28, 0.44, 0.74), containers.trolley, (_P, _M, _F)),
            Style((0.20, 0.62, 0.46), containers.travel_case, (_L, _F)),
        ),
    ),
    Category("backpack", (Style((0.30, 0.34, 0.50), containers.backpack, (_F, _L)),)),
    Category(
        "vase",
        (
            Style((0.18, 0.18, 0.32), vessels.vase, (_C, _G, _M), _ROUND),
            Style((0.14, 0.14, 0.34), vessels.tall_vase, (_C, _G), _ROUND),
        ),
        small=True,
    ),
    Category("bowl", (Style((0.24, 0.24, 0.10), vessels.bowl, (_C, _W, _G, _M, _P), _ROUND),), small=True),
    Category("pillow", (Style((0.42, 0.44, 0.15), things.pillow, (_F, _L), _HALF),), small=True),
    Category(
        "kettle",
        (
            Style((0.25, 0.16, 0.25), appliances.kettle, (_M, _P, _G)),
            Style((0.26, 0.20, 0.23), appliances.whistling_kettle, (_M, _C)),
        ),
        small=True,
    ),
    Category("magazine", (Style((0.29, 0.22, 0.010), things.magazine, (_A,)),), small=True),
    Category(
        "tray", (Style((0.32, 0.46, 0.07), containers.tray, (_W, _P, _M), _HALF),), small=True, supports=True
    ),
    Category(
        "toolbox",
        (
            Style((0.24, 0.46, 0.27), containers.toolbox, (_M, _P)),
            Style((0.24, 0.46, 0.28), containers.tool_tote, (_W,)),
        ),
        small=True,
    ),
    Category("ladder", (Style((0.85, 0.52, 1.45), things.ladder, (_M, _W)),)),
    Category(
        "workbench",
        (
            Style((0.80, 1.45, 1.02), tables.workbench, (_W, _M)),
            Style((0.80, 1.45, 1.55), tables.pegboard_bench, (_W, _M)),
        ),
        supports=True,
        against_wall=True,
    ),
    Category("bucket", (Style((0.30, 0.30, 0.38), vessels.bucket, (_P, _M), _ROUND),), supports=True),
    Category("printer", (Style((0.46, 0.44, 0.34), appliances.printer, (_P,)),), small=True),
)
CATEGORIES: tuple[str, ...] = tuple(category.name for category in _ALL)
BY_NAME: dict[str, Category] = {category.name: category for category in _ALL}


def build_object(category: Category, color: str, material: str, rng: np.random.Generator) -> BuiltObject:
    """Build one object of random style, size and proportions.

    Args:
        category: what to build.
        color: name of the main body's colour, a key of COLORS.
        material: name of the main body's material, one of the category's.
        rng: source of its style, size, proportions and slight change of tone.

    Returns:
        The object.

    Raises:
        ValueError: if the category is not made of that material.
    """
    styles = category.styles_in(material)
    if not styles:
        made_of = ", ".join(category.materials)
        raise ValueError(f"no {category.name} is made of {material!r}; it may be of {made_of}")
    style = styles[rng.integers(len(styles))]
    wanted = np.array(style.extents) * rng.uniform(1.0 - SIZE_SPREAD, 1.0 + SIZE_SPREAD, 3)
    if style.symmetry == "round":
        wanted[1] = wanted[0]
    if category.name == "ball":
        wanted[:] = wanted[2]
    body = Paint(COLORS[color], material).shade(rng.uniform(0.92, 1.06))
    shape = style.build(rng, wanted, body)
    low, high = bounds(shape.parts)
    extents = high - low
    middle = (low + high) / 2
    offset = np.array([-middle[0], -middle[1], -low[2]])
    if style.symmetry == "round":
        offset[:2] = 0.0
        extents[:2] = 2.0 * radius(shape.parts)
    return BuiltObject(
        color,
        material,
        tuple(part.shifted(offset) for part in shape.parts),
        extents,
        tuple(place.shifted(offset) for place in shape.surfaces),
        style.symmetry,
    )
