# SPDX-License-Identifier: Apache-2.0
"""What builders of objects share: paints, surfaces that carry things, and the shape they return.

A builder has the signature ``(rng, extents, body) -> Shape``: ``extents`` (3,) is the wanted size in metres
(depth along the front axis, width, height), ``body`` the paint of the main body. Builders vary proportions
through ``rng`` and need not fill ``extents`` to the millimetre: the box is taken from the parts afterwards.
They work in the object's own axes (x out of its front, y left, z up) and stand it on z = 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ide3d_training.worlds.parts import GLOSSY, MATT, RGB, Part, block, rod


class Paint(NamedTuple):
    """Colour and finish of a part; unpacks into the last arguments of ``parts.block`` and its siblings."""

    rgb: RGB
    finish: str = MATT

    def shade(self, factor: float) -> Paint:
        """Return it lighter (factor > 1) or darker, keeping black distinguishable from itself."""
        lift = 0.03 * (factor - 1.0)
        return Paint(
            tuple(min(max(float(channel * factor + lift), 0.0), 1.0) for channel in self.rgb), self.finish
        )


# Neutral tones avoid the named colours: greys between black and white, and a pale wood that is no brown.
STEEL = Paint((0.60, 0.61, 0.63), "metal")
GRAPHITE = Paint((0.27, 0.27, 0.28))
PALE_WOOD = Paint((0.74, 0.66, 0.54), "wood")
LINEN = Paint((0.80, 0.77, 0.71), "fabric")
LEAF = Paint((0.16, 0.42, 0.14))
SOIL = Paint((0.20, 0.16, 0.13))
PAGES = Paint((0.83, 0.80, 0.72))
DARK_GLASS = Paint((0.13, 0.15, 0.18), GLOSSY)

OPEN = math.inf
"""Headroom of a surface with nothing above it."""


@dataclass(frozen=True)
class Surface:
    """A level rectangle of an object that can carry other objects.

    Attributes:
        center: (3,) metres in the object's own axes; z is the height that things stand at.
        half: (2,) half sizes along the object's x and y, metres.
        headroom: free height above all of it, metres; OPEN where nothing is above.
        relation: what lies here is ON the object or IN it, see ``scene_graph``.
    """

    center: np.ndarray
    half: np.ndarray
    headroom: float
    relation: str

    def shifted(self, offset: np.ndarray) -> Surface:
        """Return the surface moved by ``offset`` (3,), metres."""
        return Surface(self.center + offset, self.half, self.headroom, self.relation)


def surface(
    low: tuple[float, float], high: tuple[float, float], z: float, relation: str, headroom: float = OPEN
) -> Surface:
    """Return the surface between two corners (x, y) at height ``z``."""
    low_, high_ = np.array(low, float), np.array(high, float)
    return Surface(np.append((low_ + high_) / 2, z), (high_ - low_) / 2, headroom, relation)


class Shape(NamedTuple):
    """What a builder returns: primitives, and where other objects may stand."""

    parts: list[Part]
    surfaces: tuple[Surface, ...] = ()


Builder = Callable[[np.random.Generator, np.ndarray, Paint], Shape]


def legs(
    d: float, w: float, top: float, r: float, paint: Paint, square: bool, inset: float = 0.0
) -> list[Part]:
    """Return four upright legs of half thickness ``r`` under the corners of a rectangle, up to ``top``."""
    x, y = d / 2 - inset - r, w / 2 - inset - r
    corners = [(-x, -y), (-x, y), (x, -y), (x, y)]
    if square:
        return [block((cx - r, cy - r, 0), (cx + r, cy + r, top), *paint) for cx, cy in corners]
    return [rod(cx, cy, 0, top, r, *paint) for cx, cy in corners]


def frame_paint(rng: np.random.Generator) -> Paint:
    """Return a neutral paint for legs and frames."""
    return (PALE_WOOD, STEEL, GRAPHITE)[rng.integers(3)]
