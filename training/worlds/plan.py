# SPDX-License-Identifier: Apache-2.0
"""The empty room: its size, its walls, and where doors and windows are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ide3d_training.worlds.dice import Dice
from ide3d_training.worlds.placement import Upright

SILL = 0.95  # height of windows' lower edge, metres; lower things may stand before them
_DOOR_DEPTH = 0.85  # of the floor that stays free before a door, metres
_CORNER = 0.15  # between a door or window and the room's corner, metres


class Wall(NamedTuple):
    """One of the four walls. Wall k's inner normal has the heading k * pi / 2.

    Attributes:
        number: k.
        cos, sin: of the inner normal's heading.
        depth: from the wall to the middle of the room, metres.
        reach: half of the wall's length, metres.
    """

    number: int
    cos: float
    sin: float
    depth: float
    reach: float

    @property
    def heading(self) -> float:
        """Of the inner normal, radians."""
        return self.number * math.pi / 2

    def point(self, away: float, along: float) -> tuple[float, float]:
        """Return the floor point (x, y) this far from the wall and to the left of its middle, metres."""
        out = away - self.depth
        return self.cos * out - self.sin * along, self.sin * out + self.cos * along

    def local(self, x: float, y: float) -> tuple[float, float]:
        """Return (away, along) of a floor point, metres."""
        return self.cos * x + self.sin * y + self.depth, self.cos * y - self.sin * x


class Opening(NamedTuple):
    """A door or a window: its wall, its middle along it, its width, its lower and upper edge, metres."""

    wall: int
    along: float
    width: float
    low: float
    high: float


@dataclass(frozen=True)
class Plan:
    """An empty room.

    Attributes:
        size: along x, along y, height, metres.
        door: its only door.
        windows: up to three.
    """

    size: tuple[float, float, float]
    door: Opening
    windows: tuple[Opening, ...]

    @cached_property
    def walls(self) -> tuple[Wall, Wall, Wall, Wall]:
        """All walls, by number."""
        x, y = self.size[0] / 2, self.size[1] / 2
        return (
            Wall(0, 1.0, 0.0, x, y),
            Wall(1, 0.0, 1.0, y, x),
            Wall(2, -1.0, 0.0, x, y),
            Wall(3, 0.0, -1.0, y, x),
        )

    def before(self, opening: Opening, depth: float) -> Upright:
        """Return the space before an opening, ``depth`` metres deep."""
        wall = self.walls[opening.wall]
        x, y = wall.point(depth / 2, opening.along)
        half = opening.width / 2
        return Upright(x, y, wall.cos, wall.sin, depth / 2, half, opening.low, opening.high)

    @property
    def doorway(self) -> Upright:
        """The floor that stays free so that the door can be used."""
        return self.before(self.door, _DOOR_DEPTH)


def draw_plan(
    dice: Dice, sides: tuple[tuple[float, float], tuple[float, float]], least_length: float
) -> Plan:
    """Draw an empty room.

    Args:
        dice: the source.
        sides: (lowest, highest) length of the shorter and of the longer side, metres.
        least_length: that the longer side has at least, metres.
    """
    short = dice.between(*sides[0])
    long = dice.between(max(short, sides[1][0], least_length), max(sides[1][1], least_length + 0.5))
    x, y = (long, short) if dice.chance(0.5) else (short, long)
    height = dice.between(2.4, 3.0)
    walls = Plan((x, y, height), Opening(0, 0.0, 0.0, 0.0, 0.0), ()).walls
    door = _opening(dice, walls[dice.whole(0, 3)], dice.between(0.80, 0.95), 0.0, 2.05)
    windows: list[Opening] = []
    for _ in range(dice.weighted({0: 0.12, 1: 0.45, 2: 0.33, 3: 0.10})):
        wall = walls[dice.whole(0, 3)]
        top = min(height - 0.2, dice.between(1.9, 2.3))
        window = _opening(dice, wall, dice.between(0.8, min(1.8, wall.reach)), SILL, top)
        others = [other for other in (door, *windows) if other.wall == window.wall]
        if all(abs(o.along - window.along) > (o.width + window.width) / 2 + _CORNER for o in others):
            windows.append(window)
    return Plan((x, y, height), door, tuple(windows))


def _opening(dice: Dice, wall: Wall, width: float, low: float, high: float) -> Opening:
    free = wall.reach - width / 2 - _CORNER
    return Opening(wall.number, dice.between(-free, free), width, low, high)
