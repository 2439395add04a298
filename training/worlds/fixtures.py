# SPDX-License-Identifier: Apache-2.0
"""What belongs to walls, floor and ceiling and is no object: doors, windows, pictures, rugs, lamps.

Everything on a wall is flatter than the gap behind furniture, so nothing ever touches it; rugs are a few
millimetres thick.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from ide3d_training.worlds import decor
from ide3d_training.worlds.dice import Dice
from ide3d_training.worlds.parts import BOX, CYLINDER, ELLIPSOID, GLOSSY, MATT, RGB, Part, tilt
from ide3d_training.worlds.placed_object import PlacedObject
from ide3d_training.worlds.placement import Upright
from ide3d_training.worlds.plan import Opening, Plan, Wall

GLOW = "glow"
"""Finish of what shines: lamps at the ceiling."""
LIGHT_FINISHES = (GLOW, *decor.VIEWS)

RUG_THICKNESS = 0.004
_WHITE: RGB = (0.88, 0.88, 0.87)
_METAL: RGB = (0.55, 0.55, 0.56)
_TIMBER: tuple[RGB, ...] = (
    (0.62, 0.50, 0.36),
    (0.45, 0.34, 0.24),
    (0.80, 0.76, 0.70),
    _WHITE,
    (0.36, 0.38, 0.40),
)


def muted(dice: Dice, low: float = 0.45, high: float = 0.9) -> RGB:
    """Return a colour without a name: grey with a hint of a hue."""
    grey = dice.between(low, high)
    return tuple(min(1.0, grey * dice.between(0.92, 1.08)) for _ in range(3))


def on_wall(
    wall: Wall,
    along: tuple[float, float],
    height: tuple[float, float],
    depth: float,
    rgb: RGB,
    finish: str = MATT,
) -> Part:
    """Return a slab that lies flat on a wall.

    Args:
        wall: which.
        along: its ends, metres to the left of the wall's middle as seen from the wall.
        height: its lower and upper edge, metres.
        depth: how far it protrudes, metres.
        rgb: its colour.
        finish: its surface; images show upright and unmirrored.
    """
    x, y = wall.point(depth / 2, (along[0] + along[1]) / 2)
    frame = np.array([[-wall.sin, 0.0, wall.cos], [wall.cos, 0.0, wall.sin], [0.0, 1.0, 0.0]])
    half = np.array([(along[1] - along[0]) / 2, (height[1] - height[0]) / 2, depth / 2])
    return Part(BOX, np.array([x, y, sum(height) / 2]), half, rgb, frame, finish)


def skirting(plan: Plan, rgb: RGB, height: float) -> list[Part]:
    """Return a board along the foot of every wall."""
    return [on_wall(wall, (-wall.reach, wall.reach), (0.0, height), 0.014, rgb) for wall in plan.walls]


def door(dice: Dice, plan: Plan) -> list[Part]:
    """Return the closed door: plain, with panels, or with a pane of glass."""
    opening, wall = plan.door, plan.walls[plan.door.wall]
    frame, leaf = dice.pick(_TIMBER), dice.pick(_TIMBER)
    left, right = opening.along - opening.width / 2, opening.along + opening.width / 2
    parts = [
        on_wall(wall, (left, right), (0.0, opening.high), 0.016, frame),
        on_wall(wall, (left + 0.06, right - 0.06), (0.0, opening.high - 0.06), 0.020, leaf),
    ]
    edges = (left + 0.16, right - 0.16)
    kind = dice.weighted({"plain": 0.35, "panels": 0.45, "glass": 0.2})
    if kind == "panels":
        tone = tuple(0.86 * channel for channel in leaf)
        for low, high in pairwise(np.linspace(0.1, opening.high - 0.1, dice.whole(3, 5)).tolist()):
            parts.append(on_wall(wall, edges, (low + 0.05, high - 0.05), 0.022, tone))
    elif kind == "glass":
        parts.append(on_wall(wall, edges, (0.95, opening.high - 0.2), 0.022, (0.70, 0.78, 0.82), GLOSSY))
    at = right - 0.13 if dice.chance(0.5) else left + 0.13
    parts.append(on_wall(wall, (at - 0.03, at + 0.03), (0.98, 1.04), 0.026, _METAL, GLOSSY))
    return parts


def window(dice: Dice, plan: Plan, opening: Opening, view: str) -> list[Part]:
    """Return a window with what is outside, and curtains, a blind or neither."""
    wall = plan.walls[opening.wall]
    left, right = opening.along - opening.width / 2, opening.along + opening.width / 2
    frame = dice.pick(_TIMBER)
    parts = [
        on_wall(wall, (left, right), (opening.low, opening.high), 0.012, frame),
        on_wall(
            wall, (left + 0.05, right - 0.05), (opening.low + 0.05, opening.high - 0.05), 0.015, _WHITE, view
        ),
    ]
    for i in range(1, max(2, round(opening.width / 0.6))):  # bars between the panes
        at = left + i * opening.width / max(2, round(opening.width / 0.6))
        parts.append(on_wall(wall, (at - 0.02, at + 0.02), (opening.low, opening.high), 0.019, frame))
    kind = dice.weighted({"curtains": 0.45, "blind": 0.2, "none": 0.35})
    tone = muted(dice)
    if kind == "blind":
        bottom = opening.high - dice.between(0.15, 0.8) * (opening.high - opening.low)
        parts.append(on_wall(wall, (left, right), (bottom, opening.high), 0.025, tone, decor.BLIND))
    elif kind == "curtains":
        bottom = 0.03 if dice.chance(0.5) else opening.low - 0.12
        width = dice.between(0.16, 0.32) * opening.width
        top = opening.high + 0.06
        for start, end in ((left - 0.12, left + width), (right - width, right + 0.12)):
            start, end = max(start, 0.01 - wall.reach), min(end, wall.reach - 0.01)
            parts.append(on_wall(wall, (start, end), (bottom, top), 0.025, tone, decor.CURTAIN))
        parts.append(on_wall(wall, (left - 0.14, right + 0.14), (top - 0.02, top + 0.01), 0.028, _METAL))
    return parts


def pictures(dice: Dice, plan: Plan, objects: tuple[PlacedObject, ...], count: int) -> list[Part]:
    """Return up to so many pictures, mirrors and clocks where nothing else is on or before the wall."""
    parts: list[Part] = []
    taken = [
        (o.wall, o.along - o.width / 2 - 0.15, o.along + o.width / 2 + 0.15)
        for o in (plan.door, *plan.windows)
    ]
    for _ in range(2 * count):
        if count == 0:
            break
        wall = dice.pick(plan.walls)
        width, height = dice.between(0.25, 0.9), dice.between(0.3, 0.7)
        reach = wall.reach - width / 2 - 0.15
        along, middle = dice.between(-reach, reach), dice.between(1.45, 1.75)
        left, right = along - width / 2, along + width / 2
        free = all(number != wall.number or right < low or left > high for number, low, high in taken)
        if not free or _hidden(wall, left, right, middle - height / 2, objects):
            continue
        taken.append((wall.number, left - 0.08, right + 0.08))
        parts += _picture(dice, wall, left, right, middle, height)
        count -= 1
    return parts


def _hidden(wall: Wall, left: float, right: float, low: float, objects: tuple[PlacedObject, ...]) -> bool:
    """Say whether something that is higher than ``low`` stands before this stretch of wall."""
    for placed in objects:
        if placed.support is None and placed.extents[2] > low:
            x, y, _ = placed.position.tolist()
            box = Upright.of(x, y, placed.yaw, placed.extents)
            away, along = wall.local(x, y)
            half_away, half_along = box.spread(wall.cos, wall.sin)
            if away - half_away < 0.4 and along + half_along > left and along - half_along < right:
                return True
    return False


def _picture(dice: Dice, wall: Wall, left: float, right: float, middle: float, height: float) -> list[Part]:
    kind = dice.weighted({"picture": 0.75, "mirror": 0.1, "clock": 0.15})
    rim = dice.pick((*_TIMBER, (0.12, 0.12, 0.13)))
    if kind == "clock":
        return _clock(dice, wall, (left + right) / 2, middle, rim)
    low, high = middle - height / 2, middle + height / 2
    border = dice.between(0.015, 0.05)
    inner = ((left + border, right - border), (low + border, high - border))
    parts = [on_wall(wall, (left, right), (low, high), 0.018, rim)]
    if kind == "mirror":
        return [*parts, on_wall(wall, *inner, 0.021, (0.74, 0.79, 0.81), GLOSSY)]
    return [*parts, on_wall(wall, *inner, 0.021, (1.0, 1.0, 1.0), dice.pick(decor.PICTURES))]


def _clock(dice: Dice, wall: Wall, along: float, middle: float, rim: RGB) -> list[Part]:
    radius = dice.between(0.12, 0.2)
    parts = []
    for r, depth, rgb in ((radius, 0.018, rim), (0.88 * radius, 0.021, (0.93, 0.93, 0.91))):
        square = on_wall(wall, (along - r, along + r), (middle - r, middle + r), depth, rgb)
        parts.append(Part(CYLINDER, square.center, square.half, rgb, square.rotation))
    for length, angle in ((0.5, dice.between(0, 2 * math.pi)), (0.75, dice.between(0, 2 * math.pi))):
        hand = on_wall(
            wall, (along - 0.006, along + 0.006), (middle, middle + length * radius), 0.024, (0.1, 0.1, 0.1)
        )
        spin = tilt("z", angle)
        offset = hand.rotation @ spin @ np.array([0.0, length * radius / 2, 0.0])
        pivot = hand.center - np.array([0.0, 0.0, length * radius / 2])
        parts.append(Part(BOX, pivot + offset, hand.half, hand.rgb, hand.rotation @ spin))
    return parts


def backsplash(dice: Dice, plan: Plan, objects: tuple[PlacedObject, ...]) -> list[Part]:
    """Return tiles on the wall behind every row of worktops with a stove."""
    parts = []
    rgb = muted(dice, 0.6, 0.95)
    for wall in plan.walls:
        reaches = {"stove": [], "row": []}
        for placed in objects:
            if placed.against_wall and placed.category.name in ("stove", "cabinet", "fridge"):
                away, along = wall.local(*placed.position[:2].tolist())
                if away < placed.extents[0] / 2 + 0.1:
                    half = float(placed.extents[1]) / 2
                    kind = "stove" if placed.category.name == "stove" else "row"
                    reaches[kind].append((along - half, along + half))
        if reaches["stove"]:
            both = reaches["stove"] + reaches["row"]
            span = (min(low for low, _ in both), max(high for _, high in both))
            parts.append(on_wall(wall, span, (0.6, 1.5), 0.006, rgb, "wall tiles"))
    return parts


def wainscot(dice: Dice, plan: Plan) -> list[Part]:
    """Return panelling on the lower part of all walls, with a rail on top."""
    height, rgb = dice.between(0.85, 1.15), dice.pick(_TIMBER)
    parts = []
    for wall in plan.walls:
        parts.append(on_wall(wall, (-wall.reach, wall.reach), (0.0, height), 0.007, rgb, "panelling"))
        parts.append(on_wall(wall, (-wall.reach, wall.reach), (height, height + 0.04), 0.011, rgb))
    return parts


def rug(dice: Dice, plan: Plan, objects: tuple[PlacedObject, ...]) -> Part:
    """Return a rug under a table, before a sofa or a bed, or in the middle of the room."""
    anchors = [
        placed
        for placed in objects
        if placed.category.name in ("table", "sofa", "bed") and placed.support is None
    ]
    x, y, yaw = 0.0, 0.0, 0.0
    if anchors:
        anchor = dice.pick(anchors)
        x, y, _ = anchor.position.tolist()
        yaw = anchor.yaw
        if anchor.category.name != "table":
            out = float(anchor.extents[0]) / 2 + 0.5
            x, y = x + out * math.cos(yaw), y + out * math.sin(yaw)
    elif dice.chance(0.3):
        yaw = dice.between(-0.3, 0.3)
    half_x, half_y = dice.between(0.6, 1.1), dice.between(0.8, 1.5)
    # Small enough not to reach into a wall.
    spread_x, spread_y = Upright(x, y, math.cos(yaw), math.sin(yaw), half_x, half_y, 0.0, 0.0).spread(
        1.0, 0.0
    )
    room_x, room_y = plan.size[0] / 2 - abs(x) - 0.05, plan.size[1] / 2 - abs(y) - 0.05
    shrink = min(1.0, room_x / spread_x, room_y / spread_y)
    half = np.array([half_x * shrink, half_y * shrink, RUG_THICKNESS / 2])
    shape = BOX
    if dice.chance(0.2):
        shape, half[:2] = CYLINDER, min(half_x, half_y) * shrink
    tint = muted(dice, 0.75, 1.0)
    return Part(
        shape,
        np.array([x, y, RUG_THICKNESS / 2]),
        half,
        tint,
        tilt("z", yaw),
        dice.pick(decor.RUGS),
        casts_shadow=False,
    )


def ceiling_lamp(dice: Dice, x: float, y: float, ceiling: float, headroom: float, rgb: RGB) -> list[Part]:
    """Return a lamp at the ceiling: a disc, a panel, or a globe that hangs from a cord.

    Args:
        dice: the source.
        x, y: where, metres.
        ceiling: its height, metres.
        headroom: between the ceiling and whatever stands below, metres.
        rgb: colour of its light.
    """
    kind = dice.weighted({"disc": 0.4, "panel": 0.3, "globe": 0.3})
    if headroom < 1.0:
        kind = "panel"
    bright = tuple(min(1.0, 0.7 + 0.3 * channel) for channel in rgb)
    plain = np.eye(3)
    if kind == "panel":
        half = np.array([dice.between(0.1, 0.35), dice.between(0.1, 0.6), 0.012])
        return [Part(BOX, np.array([x, y, ceiling - 0.012]), half, bright, plain, GLOW, False)]
    if kind == "disc":
        half = np.array([1.0, 1.0, 0.0]) * dice.between(0.12, 0.25) + np.array([0.0, 0.0, 0.025])
        return [Part(CYLINDER, np.array([x, y, ceiling - 0.025]), half, bright, plain, GLOW, False)]
    radius, drop = dice.between(0.09, 0.16), dice.between(0.12, 0.3)
    cord = np.array([0.006, 0.006, drop / 2])
    return [
        Part(CYLINDER, np.array([x, y, ceiling - drop / 2]), cord, _METAL, plain, MATT, False),
        Part(
            ELLIPSOID,
            np.array([x, y, ceiling - drop - radius]),
            np.full(3, radius),
            bright,
            plain,
            GLOW,
            False,
        ),
    ]
