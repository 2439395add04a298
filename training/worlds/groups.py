# SPDX-License-Identifier: Apache-2.0
"""Furniture that belongs together: each function adds one group to a layout, as far as there is space."""

from __future__ import annotations

import math

from ide3d_training.worlds.layout import WALL_GAP, Item, Layout
from ide3d_training.worlds.placed_object import PlacedObject

_HALF_TURN, _QUARTER = math.pi, math.pi / 2
LOW_TABLE = 0.58  # a table lower than this belongs before a sofa, metres


def dining(layout: Layout) -> None:
    """A table with chairs (or stools, or a bench) around it."""
    dice = layout.dice
    table = layout.make("table", wanted=lambda item: item.height > LOW_TABLE)
    yaw = dice.whole(0, 3) * _QUARTER + (0.0 if dice.chance(0.6) else dice.between(-0.3, 0.3))
    placed = (
        layout.in_open(table, yaw, gap=0.65) or layout.in_open(table, yaw, gap=0.3) or layout.at_wall(table)
    )
    if placed is not None:
        _seats_around(layout, placed, dice.weighted({"chair": 0.8, "stool": 0.14, "bench": 0.06}))


def _seats_around(layout: Layout, table: PlacedObject, name: str) -> None:
    dice = layout.dice
    matching = layout.color(name) if dice.chance(0.5) else None  # the others are a colourful collection
    share = dice.between(0.35, 1.0)
    for side in range(4):
        depth, width = (0, 1) if side % 2 == 0 else (1, 0)
        reach, length = float(table.extents[depth]) / 2, float(table.extents[width])
        slots = max(1, int((length - 0.1) / 0.62)) if name != "bench" else 1
        if length < 0.7 and table.symmetry != "round":
            slots = 0 if dice.chance(0.4) else slots
        for slot in range(slots):
            if not dice.chance(share):
                continue
            item = layout.make(name, matching)
            along = (slot + 0.5 - slots / 2) * length / slots + dice.between(-0.05, 0.05)
            # Pushed in, just left, or pulled out.
            out = reach + item.depth / 2 + dice.pick((-0.28, -0.12, 0.08, 0.2)) + dice.between(-0.05, 0.05)
            _face(layout, table, item, side, out, along, dice.between(-0.2, 0.2))


def _face(
    layout: Layout, anchor: PlacedObject, item: Item, side: int, out: float, along: float, swing: float
) -> PlacedObject | None:
    """Stand a seat at a side of an anchor, its front towards it: as far in as it goes, else further out."""
    cos, sin = round(math.cos(side * _QUARTER)), round(math.sin(side * _QUARTER))
    for back in (0.0, 0.15, 0.35):
        ahead, left = cos * (out + back) - sin * along, sin * (out + back) + cos * along
        turn = side * _QUARTER + _HALF_TURN + swing
        placed = layout.beside(anchor, item, ahead, left, turn, tucked=True)
        if placed is not None:
            return placed
    return None


def workplace(layout: Layout) -> None:
    """A desk with a chair, and a screen with a keyboard or a laptop on it."""
    dice = layout.dice
    name = "desk" if dice.chance(0.85) else "table"
    desk = layout.make(name, wanted=lambda item: item.height > LOW_TABLE)
    if dice.chance(0.75):
        placed = layout.at_wall(desk, front=0.75) or layout.at_wall(desk, front=0.3)
    else:
        placed = layout.in_open(desk, dice.whole(0, 3) * _QUARTER, gap=0.5)
    if placed is not None:
        furnish_desk(layout, placed)


def furnish_desk(layout: Layout, desk: PlacedObject) -> None:
    """Add what belongs to a desk that stands already."""
    dice = layout.dice
    item = layout.make(dice.weighted({"chair": 0.9, "stool": 0.1}))
    out = float(desk.extents[0]) / 2 + item.depth / 2 + dice.between(-0.3, 0.25)
    along = dice.between(-0.15, 0.15) * float(desk.extents[1])
    _face(layout, desk, item, 0, out, along, dice.between(-0.4, 0.4))
    if not desk.surfaces:
        return
    top = max(range(len(desk.surfaces)), key=lambda i: float(desk.surfaces[i].half.prod()))
    half_x, half_y = desk.surfaces[top].half.tolist()
    at = dice.between(-0.4, 0.4) * half_y
    if dice.chance(0.6):
        screen, keyboard = layout.make("screen"), layout.make("keyboard")
        back = -half_x + screen.depth / 2 + dice.between(0.02, 0.08)
        layout.rest(screen, desk, top, back, at, desk.yaw + dice.between(-0.15, 0.15))
        if dice.chance(0.3):
            layout.rest(layout.make("screen"), desk, top, back, at + 1.15 * screen.width, desk.yaw - 0.2)
        front = half_x - keyboard.depth / 2 - dice.between(0.02, 0.1)
        layout.rest(keyboard, desk, top, front, at, desk.yaw + dice.between(-0.1, 0.1))
    elif dice.chance(0.75):
        laptop = layout.make("laptop")
        ahead = dice.between(-0.3, 0.5) * max(half_x - laptop.depth / 2, 0.0)
        layout.rest(laptop, desk, top, ahead, at, desk.yaw + dice.between(-0.3, 0.3))


def seating(layout: Layout) -> None:
    """A sofa with a low table before it, armchairs that face the table, and a screen opposite."""
    dice = layout.dice
    sofa = layout.make("sofa")
    placed = layout.at_wall(sofa, front=1.2) or layout.at_wall(sofa, front=0.4)
    if placed is None:
        return
    reach = float(placed.extents[0]) / 2
    if dice.chance(0.85):
        low = layout.make("table", wanted=lambda item: item.height < LOW_TABLE, tries=10)
        if low.height > LOW_TABLE:
            low = layout.make(dice.pick(("bench", "stool")))
        turn = 0.0 if low.depth < low.width else _QUARTER
        half = min(low.depth, low.width) / 2
        out = reach + half + dice.between(0.3, 0.5)
        layout.beside(placed, low, out, dice.between(-0.25, 0.25), turn + dice.between(-0.08, 0.08))
    for side in (-1, 1):
        if dice.chance(0.45):
            chair = layout.make(dice.weighted({"armchair": 0.8, "chair": 0.2}))
            left = side * (float(placed.extents[1]) / 2 + chair.depth / 2 + dice.between(0.15, 0.5))
            ahead = reach + chair.width / 2 + dice.between(0.15, 0.6)
            layout.beside(placed, chair, ahead, left, -side * (_QUARTER + dice.between(0.0, 0.5)))
    for side in (-1, 1):
        if dice.chance(0.3):
            end = layout.make(dice.weighted({"lamp": 0.5, "plant": 0.3, "nightstand": 0.2}))
            left = side * (float(placed.extents[1]) / 2 + end.width / 2 + dice.between(0.07, 0.2))
            layout.beside(placed, end, -reach + end.depth / 2, left, 0.0)
    if dice.chance(0.6):
        stand = layout.make("cabinet", wanted=lambda item: item.height < 1.1)
        opposite = layout.plan.walls[(round(placed.yaw / _QUARTER) + 2) % 4]
        carrier = layout.at_wall(stand, wall=opposite) or layout.at_wall(stand)
        if carrier is not None:
            screen = layout.make("screen")
            layout.rest(screen, carrier, 0, dice.between(-0.03, 0.03), dice.between(-0.1, 0.1), carrier.yaw)


def sleeping(layout: Layout) -> None:
    """A bed with its head at a wall, nightstands beside it, perhaps a lamp, or a bench at its foot."""
    dice = layout.dice
    bed = layout.make("bed")
    placed = layout.at_wall(bed, front=0.5, sides=0.3, corner=dice.chance(0.3)) or layout.at_wall(bed)
    if placed is None:
        return
    matching = layout.color("nightstand") if dice.chance(0.5) else None
    for side in (-1, 1):
        if not dice.chance(0.7):
            continue
        stand = layout.make("nightstand", matching)
        left = side * (float(placed.extents[1]) / 2 + stand.width / 2 + dice.between(0.06, 0.15))
        layout.beside(placed, stand, (stand.depth - float(placed.extents[0])) / 2, left, 0.0)
    if dice.chance(0.5):
        layout.near_wall(layout.make("lamp"))
    if dice.chance(0.3):
        foot = layout.make(dice.weighted({"bench": 0.6, "suitcase": 0.4}))
        ahead = (float(placed.extents[0]) + foot.depth) / 2 + dice.between(0.06, 0.15)
        layout.beside(placed, foot, ahead, dice.between(-0.2, 0.2), 0.0)


def kitchen_row(layout: Layout) -> None:
    """Cabinets, a stove and a fridge side by side along the longest free wall, then along the next."""
    dice = layout.dice
    matching = layout.color("cabinet") if dice.chance(0.8) else None
    names = dice.shuffled(["cabinet", "stove", "cabinet", "cabinet", "cabinet"][: dice.whole(2, 5)])
    names.insert(dice.pick((0, len(names))), "fridge")
    for _ in range(2):
        names = _row(layout, names, matching)


def _row(layout: Layout, names: list[str], matching: str | None) -> list[str]:
    """Stand what fits along the longest free wall; return the names of what did not fit."""
    dice = layout.dice
    walls = [
        (high - low, wall, low, high)
        for wall in layout.plan.walls
        for low, high in layout.free_spans(wall, 1.1, 0.9)
    ]
    if not walls:
        return names
    _, wall, start, end = max(walls, key=lambda each: each[0])
    sign = dice.pick((1, -1))  # which way along the wall
    at, left_over = (start if sign > 0 else -end), []
    limit = end if sign > 0 else -start
    for name in names:
        low = None if name == "fridge" else _is_worktop
        item = layout.make(name, matching if name == "cabinet" else None, wanted=low)
        placed = None
        while placed is None and at + item.width <= limit:
            x, y = wall.point(item.depth / 2 + WALL_GAP + 0.004, sign * (at + item.width / 2))
            placed = layout.put(item, x, y, wall.heading, gap=0.004)
            at += 0.12 if placed is None else item.width + dice.between(0.005, 0.012)
        if placed is None:
            left_over.append(name)
    return left_over


def _is_worktop(item: Item) -> bool:
    return 0.75 < item.height < 1.05


def shelves(layout: Layout) -> None:
    """One to three bookshelves, those of a kind side by side."""
    dice = layout.dice
    matching = layout.color("bookshelf") if dice.chance(0.6) else None
    for _ in range(dice.weighted({1: 0.55, 2: 0.33, 3: 0.12})):
        layout.at_wall(layout.make("bookshelf", matching), front=0.4)


def wardrobes(layout: Layout) -> None:
    """One or two wardrobes."""
    dice = layout.dice
    matching = layout.color("wardrobe") if dice.chance(0.5) else None
    for _ in range(1 if dice.chance(0.75) else 2):
        layout.at_wall(layout.make("wardrobe", matching), front=0.5, corner=dice.chance(0.5))


def workbenches(layout: Layout) -> None:
    """One or two workbenches, perhaps with a stool before them."""
    dice = layout.dice
    for _ in range(1 if dice.chance(0.6) else 2):
        placed = layout.at_wall(layout.make("workbench"), front=0.7)
        if placed is None:
            continue
        if dice.chance(0.5):
            item = layout.make("stool")
            out = float(placed.extents[0]) / 2 + item.depth / 2 + dice.between(-0.2, 0.3)
            _face(layout, placed, item, 0, out, dice.between(-0.4, 0.4), dice.between(-0.5, 0.5))


def wall_piece(layout: Layout, name: str) -> None:
    """One piece of furniture that stands against a wall."""
    item = layout.make(name)
    if layout.at_wall(item, front=0.35) is None:
        layout.at_wall(item)


def loose_piece(layout: Layout, name: str) -> None:
    """One piece that stands near a wall or anywhere."""
    item = layout.make(name)
    if layout.dice.chance(0.6):
        if layout.near_wall(item) is None:
            layout.in_open(item, gap=0.1)
    elif layout.in_open(item, gap=0.25) is None:
        layout.near_wall(item)
