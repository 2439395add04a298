# SPDX-License-Identifier: Apache-2.0
"""How a room looks apart from its objects: surfaces, lights, fixtures. Labels do not depend on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ide3d_training.worlds import decor, fixtures
from ide3d_training.worlds.dice import Dice
from ide3d_training.worlds.parts import RGB, Part
from ide3d_training.worlds.placed_object import PlacedObject
from ide3d_training.worlds.plan import Plan
from ide3d_training.worlds.room_types import RoomType

MOST_LIGHTS = 4
_WALL_TONES: tuple[RGB, ...] = (
    (0.86, 0.85, 0.82),
    (0.78, 0.79, 0.80),
    (0.84, 0.80, 0.73),
    (0.72, 0.77, 0.81),
    (0.75, 0.80, 0.74),
    (0.83, 0.77, 0.76),
    (0.66, 0.62, 0.58),
    (0.62, 0.68, 0.66),
)
_MASONRY: dict[str, tuple[RGB, ...]] = {
    "brick": ((0.74, 0.55, 0.48), (0.66, 0.50, 0.44), (0.90, 0.88, 0.85), (0.80, 0.72, 0.60)),
    "block": ((0.90, 0.89, 0.86), (0.78, 0.78, 0.78), (0.72, 0.74, 0.76), (0.82, 0.80, 0.74)),
}
_FLOOR_TONES: dict[str, tuple[RGB, ...]] = {
    "wood": (
        (0.78, 0.66, 0.52),
        (0.66, 0.54, 0.42),
        (0.52, 0.41, 0.32),
        (0.80, 0.74, 0.66),
        (0.60, 0.56, 0.52),
    ),
    "other": (
        (0.70, 0.71, 0.72),
        (0.58, 0.59, 0.62),
        (0.76, 0.73, 0.66),
        (0.62, 0.58, 0.54),
        (0.50, 0.55, 0.58),
    ),
}
_WOODEN = ("planks", "boards", "parquet")
_TEMPERATURES: tuple[RGB, ...] = (  # from a bulb to an overcast sky
    (1.0, 0.80, 0.58),
    (1.0, 0.88, 0.72),
    (1.0, 0.94, 0.86),
    (1.0, 1.0, 1.0),
    (0.90, 0.95, 1.0),
    (0.82, 0.90, 1.0),
)


@dataclass(frozen=True)
class Light:
    """A source of light.

    Attributes:
        position: (3,) metres.
        direction: (3,) unit vector that its beam, which is wide, points along.
        diffuse: colour times intensity.
        casts_shadow: whether objects throw shadows in it.
    """

    position: np.ndarray
    direction: np.ndarray
    diffuse: RGB
    casts_shadow: bool


@dataclass(frozen=True)
class Shell:
    """How the room's shell looks.

    Attributes:
        wall_rgb, wall_finish: of each wall, by its number (``plan.Wall``); finishes of ``textures``.
        floor_rgb, floor_finish: of the floor.
        floor_yaw: direction in which its pattern runs, radians.
        ceiling_rgb: of the ceiling.
        ambient: colour times intensity of the light that comes from everywhere.
        lights: one to MOST_LIGHTS.
        fixtures: skirting, door, windows, pictures, rugs and lamps, in world axes.
    """

    wall_rgb: tuple[RGB, RGB, RGB, RGB]
    wall_finish: tuple[str, str, str, str]
    floor_rgb: RGB
    floor_finish: str
    floor_yaw: float
    ceiling_rgb: RGB
    ambient: RGB
    lights: tuple[Light, ...]
    fixtures: tuple[Part, ...]


def draw_shell(dice: Dice, plan: Plan, kind: RoomType, objects: tuple[PlacedObject, ...]) -> Shell:
    """Draw the shell of a furnished room.

    Args:
        dice: the source.
        plan: the empty room.
        kind: the room's type.
        objects: its objects: pictures hang beside them, rugs lie under them.
    """
    finish = dice.weighted(kind.walls)
    finishes, tones = [finish] * 4, [_wall_tone(dice, finish)] * 4
    if dice.chance(0.35):  # one wall of another kind
        accent, number = dice.weighted(kind.walls), dice.whole(0, 3)
        finishes[number], tones[number] = accent, _wall_tone(dice, accent, 0.75)
    floor = dice.weighted(kind.floors)
    base = dice.pick(_FLOOR_TONES["wood" if floor in _WOODEN else "other"])
    turn = dice.whole(0, 1) * math.pi / 2 + (
        math.pi / 4 if floor in ("tiles", "checker") and dice.chance(0.25) else 0.0
    )
    shine = _scaled(dice.pick(_TEMPERATURES), 1.0)
    lights, lamps = _lights(dice, plan, shine, objects)
    ambient = _scaled(_mixed(shine, (1.0, 1.0, 1.0), 0.7), dice.between(0.34, 0.56))
    parts = fixtures.skirting(plan, fixtures.muted(dice, 0.5, 0.92), dice.between(0.05, 0.12))
    if "wall tiles" in kind.walls and dice.chance(0.7):
        parts += fixtures.backsplash(dice, plan, objects)
    elif finish in ("plaster", "wallpaper", "stripes") and dice.chance(0.12):
        parts += fixtures.wainscot(dice, plan)
    parts += fixtures.door(dice, plan)
    view = dice.pick(decor.VIEWS)
    for opening in plan.windows:
        parts += fixtures.window(dice, plan, opening, view)
    parts += fixtures.pictures(dice, plan, objects, dice.whole(*kind.pictures))
    if dice.chance(kind.rug):
        parts.append(fixtures.rug(dice, plan, objects))
    return Shell(
        wall_rgb=tuple(tones),
        wall_finish=tuple(finishes),
        floor_rgb=_scaled(base, dice.between(0.8, 1.1)),
        floor_finish=floor,
        floor_yaw=turn,
        ceiling_rgb=_scaled((1.0, 1.0, 1.0), dice.between(0.78, 0.93)),
        ambient=ambient,
        lights=lights,
        fixtures=(*parts, *lamps),
    )


def _lights(
    dice: Dice, plan: Plan, shine: RGB, objects: tuple[PlacedObject, ...]
) -> tuple[tuple[Light, ...], list[Part]]:
    """Return one to four lights, one or two of which cast shadows, and the lamps they come from."""
    count = dice.weighted({1: 0.35, 2: 0.35, 3: 0.2, 4: 0.1})
    total = dice.between(0.66, 1.05)
    weights = [1.0] + [dice.between(0.2, 0.6) for _ in range(count - 1)]
    shadows = 2 if count > 1 and dice.chance(0.15) else 1
    lights, lamps = [], []
    for i, weight in enumerate(weights):
        diffuse = total * weight / sum(weights)
        if i > 0 and plan.windows and dice.chance(0.5):  # daylight through a window
            window = dice.pick(plan.windows)
            wall = plan.walls[window.wall]
            x, y = wall.point(0.1, window.along)
            direction = np.array([wall.cos, wall.sin, -0.5]) / math.sqrt(1.25)
            height, tint = (window.low + window.high) / 2, dice.pick(_TEMPERATURES[2:])
        else:
            x, y = (dice.between(-0.25, 0.25) * side for side in plan.size[:2])
            direction = np.array([0.0, 0.0, -1.0])
            height, tint = plan.size[2] - dice.between(0.1, 0.3), shine
            lamps += fixtures.ceiling_lamp(dice, x, y, plan.size[2], _headroom(plan, x, y, objects), tint)
        lights.append(Light(np.array([x, y, height]), direction, _scaled(tint, diffuse), i < shadows))
    return tuple(lights), lamps


def _headroom(plan: Plan, x: float, y: float, objects: tuple[PlacedObject, ...]) -> float:
    """Return the height between the ceiling and the highest object around a point, metres."""
    tops = [float(placed.position[2] + placed.extents[2]) for placed in objects if _is_around(placed, x, y)]
    return plan.size[2] - max(tops, default=0.0)


def _is_around(placed: PlacedObject, x: float, y: float) -> bool:
    return (
        math.dist((x, y), placed.position[:2].tolist()) < 0.7 + math.hypot(*placed.extents[:2].tolist()) / 2
    )


def _wall_tone(dice: Dice, finish: str, factor: float = 1.0) -> RGB:
    return _scaled(dice.pick(_MASONRY.get(finish, _WALL_TONES)), factor * dice.between(0.92, 1.1))


def _scaled(rgb: RGB, factor: float) -> RGB:
    return tuple(min(1.0, channel * factor) for channel in rgb)


def _mixed(a: RGB, b: RGB, share: float) -> RGB:
    return tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))
