# SPDX-License-Identifier: Apache-2.0
"""What a room can hold: categories with their styles, sizes and materials, and the named colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ide3d_training.worlds import furniture, small_objects
from ide3d_training.worlds.objects.form import GRAPHITE, Builder, Paint, Shape, Surface, surface
from ide3d_training.worlds.parts import MATERIALS, RGB, Part, block, bounds, radius
from ide3d_training.worlds.scene_graph import ON

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
        supports: all its styles have surfaces that carry small objects.
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


def _plain(build):
    def shape(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
        return Shape(build(rng, extents, body.rgb))

    return shape


def _topped(build):
    def shape(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
        d, w, h = extents
        share = 0.35 if build is furniture.stool else 0.47
        return Shape(
            build(rng, extents, body.rgb), (surface((-d * share, -w * share), (d * share, w * share), h, ON),)
        )

    return shape


def _solid(rng: np.random.Generator, extents: np.ndarray, body: Paint) -> Shape:
    d, w, h = extents
    top = surface((-d / 2, -w / 2), (d / 2 - 0.01, w / 2), h, ON)
    return Shape(
        [
            block((-d / 2, -w / 2, 0), (d / 2 - 0.005, w / 2, h), *body),
            block((d / 2 - 0.005, -w / 4, h / 3), (d / 2, w / 4, h / 2), *GRAPHITE),
        ],
        (top,),
    )


def _rough(name: str, *extents: float, materials: tuple[str, ...], **roles: bool) -> Category:
    return Category(name, (Style(extents, _solid, materials),), **roles)


_P, _W, _M, _F, _L, _G, _C, _K, _A = MATERIALS

# The order is the class index: append, never reorder.
_ALL = (
    Category("chair", (Style((0.48, 0.46, 0.90), _plain(furniture.chair), (_P, _W, _M, _F, _L)),)),
    Category(
        "table",
        (Style((0.80, 1.25, 0.74), _topped(furniture.table), (_W, _M, _P, _G), "half_turn"),),
        supports=True,
    ),
    Category("sofa", (Style((0.90, 1.75, 0.80), _plain(furniture.sofa), (_F, _L)),), against_wall=True),
    Category("bed", (Style((2.00, 1.35, 0.90), _plain(furniture.bed), (_F, _W, _M, _L)),), against_wall=True),
    Category(
        "cabinet",
        (Style((0.45, 0.95, 0.90), _topped(furniture.cabinet), (_W, _M, _P)),),
        supports=True,
        against_wall=True,
    ),
    Category(
        "bookshelf",
        (Style((0.32, 0.85, 1.75), _topped(furniture.bookshelf), (_W, _M)),),
        supports=True,
        against_wall=True,
    ),
    Category("lamp", (Style((0.40, 0.40, 1.55), _plain(furniture.lamp), (_F, _P, _M, _A), "round"),)),
    Category("plant", (Style((0.50, 0.50, 0.90), _plain(furniture.plant), (_C, _P, _K), "round"),)),
    Category("bin", (Style((0.32, 0.32, 0.42), _plain(furniture.waste_bin), (_P, _M, _K), "round"),)),
    Category(
        "stool",
        (Style((0.38, 0.38, 0.50), _topped(furniture.stool), (_W, _M, _P, _L), "round"),),
        supports=True,
    ),
    Category("fridge", (Style((0.68, 0.62, 1.70), _plain(furniture.fridge), (_M, _P)),), against_wall=True),
    Category(
        "mug", (Style((0.13, 0.13, 0.11), _plain(small_objects.mug), (_C, _P, _M), "round"),), small=True
    ),
    Category(
        "bottle",
        (Style((0.09, 0.09, 0.30), _plain(small_objects.bottle), (_G, _P, _M), "round"),),
        small=True,
    ),
    Category(
        "book", (Style((0.20, 0.28, 0.05), _plain(small_objects.book), (_A, _L), "half_turn"),), small=True
    ),
    Category("laptop", (Style((0.33, 0.37, 0.25), _plain(small_objects.laptop), (_P, _M)),), small=True),
    Category(
        "ball", (Style((0.24, 0.24, 0.24), _plain(small_objects.ball), (_P, _L, _F), "round"),), small=True
    ),
    _rough("armchair", 0.82, 0.80, 0.82, materials=(_F, _L, _K)),
    _rough("desk", 0.68, 1.35, 0.75, materials=(_W, _M, _P), supports=True, against_wall=True),
    _rough("bench", 0.40, 1.20, 0.46, materials=(_W, _M, _L), supports=True),
    _rough("nightstand", 0.40, 0.46, 0.55, materials=(_W, _P, _M), supports=True, against_wall=True),
    _rough("wardrobe", 0.58, 1.10, 1.90, materials=(_W, _P), against_wall=True),
    _rough("stove", 0.62, 0.60, 0.90, materials=(_M, _P), supports=True, against_wall=True),
    _rough("microwave", 0.38, 0.48, 0.28, materials=(_M, _P), small=True),
    _rough("screen", 0.20, 0.56, 0.42, materials=(_P, _M), small=True),
    _rough("keyboard", 0.14, 0.43, 0.035, materials=(_P, _M), small=True),
    _rough("box", 0.32, 0.42, 0.28, materials=(_A, _P, _W, _M), small=True, supports=True),
    _rough("basket", 0.40, 0.40, 0.34, materials=(_K, _F, _P, _M), supports=True),
    _rough("suitcase", 0.26, 0.46, 0.70, materials=(_P, _M, _L, _F)),
    _rough("backpack", 0.26, 0.34, 0.48, materials=(_F, _L)),
    _rough("vase", 0.15, 0.15, 0.28, materials=(_C, _G, _M), small=True),
    _rough("bowl", 0.22, 0.22, 0.10, materials=(_C, _W, _G, _M, _P), small=True),
    _rough("pillow", 0.42, 0.42, 0.14, materials=(_F, _L), small=True),
    _rough("kettle", 0.17, 0.22, 0.24, materials=(_M, _P, _G), small=True),
    _rough("magazine", 0.28, 0.21, 0.012, materials=(_A,), small=True),
    _rough("tray", 0.32, 0.44, 0.05, materials=(_W, _P, _M), small=True, supports=True),
    _rough("toolbox", 0.22, 0.44, 0.24, materials=(_M, _P, _W), small=True),
    _rough("ladder", 0.75, 0.50, 1.45, materials=(_M, _W)),
    _rough("workbench", 0.68, 1.40, 0.90, materials=(_W, _M), supports=True, against_wall=True),
    _rough("bucket", 0.30, 0.30, 0.30, materials=(_P, _M), supports=True),
    _rough("printer", 0.38, 0.44, 0.26, materials=(_P,), small=True),
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
