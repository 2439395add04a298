# SPDX-License-Identifier: Apache-2.0
"""Fill a layout with what a type of room holds: groups of furniture, single pieces, and clutter."""

from __future__ import annotations

import math

from ide3d_training.worlds import groups
from ide3d_training.worlds.categories import BY_NAME
from ide3d_training.worlds.layout import Item, Layout
from ide3d_training.worlds.placed_object import PlacedObject
from ide3d_training.worlds.room_types import RoomType
from ide3d_training.worlds.scene_graph import IN

MOST_OBJECTS = 60
_SPARSE_SHARE = 0.15
_REPEAT_SHARE = 0.25  # of single pieces that are one more of something that is there already
_SURFACE_TRIES = 5
_SPOT_TRIES = 4

# Where a small thing goes: on a top, in a compartment or container, onto the floor, or under furniture.
_TOP, _INSIDE, _FLOOR, _UNDER = "top", "inside", "floor", "under"
_PLACES: dict[str, dict[str, float]] = {
    "ball": {_FLOOR: 4, _UNDER: 3, _INSIDE: 2, _TOP: 1},
    "box": {_UNDER: 3, _TOP: 3, _INSIDE: 2, _FLOOR: 2},
    "toolbox": {_TOP: 4, _UNDER: 2.5, _INSIDE: 2, _FLOOR: 2},
    "bucket": {_FLOOR: 3, _UNDER: 3, _INSIDE: 2, _TOP: 1},
    "basket": {_UNDER: 2, _FLOOR: 2, _TOP: 1, _INSIDE: 1},
    "pillow": {_TOP: 9, _FLOOR: 0.7, _INSIDE: 0.6},
    "book": {_TOP: 4, _INSIDE: 5, _FLOOR: 0.3},
    "magazine": {_TOP: 6, _INSIDE: 2, _FLOOR: 0.5},
    "bottle": {_TOP: 6, _INSIDE: 2, _FLOOR: 0.4},
    "microwave": {_TOP: 1},
    "screen": {_TOP: 1},
    "keyboard": {_TOP: 1},
    "laptop": {_TOP: 1},
    "kettle": {_TOP: 1},
    "printer": {_TOP: 6, _INSIDE: 1},
}
_USUAL_PLACES = {_TOP: 7.0, _INSIDE: 3.0}
_SHELTERS = ("table", "desk", "workbench", "bench", "chair", "stool", "ladder")
_STOWED = ("bin", "suitcase", "backpack", "basket", "bucket")  # furniture that is also found under a table
_SEATS = ("sofa", "bed", "armchair", "chair")
_FACING = ("laptop", "screen", "keyboard", "microwave", "printer", "kettle", "toolbox")


def furnish(layout: Layout, kind: RoomType) -> None:
    """Furnish an empty room.

    Args:
        layout: the empty room; it is filled.
        kind: what such a room holds.
    """
    dice = layout.dice
    sparse = dice.chance(_SPARSE_SHARE)
    area = layout.plan.size[0] * layout.plan.size[1]
    for group, share in kind.groups:
        if dice.chance(share * (0.5 if sparse else 1.0)):
            group(layout)
    wanted = dice.whole(3, 4) if sparse else round(5.0 + area / 5.5 + dice.between(-2.0, 2.0))
    for _ in range(2 * wanted):
        if layout.furniture >= min(wanted, 13):
            break
        _add_piece(layout, kind)
    for _ in range(dice.whole(0, 4) if sparse else dice.whole(4, 15)):
        if len(layout.objects) < MOST_OBJECTS:
            _add_clutter(layout, dice.weighted(kind.clutter))


def _add_piece(layout: Layout, kind: RoomType) -> None:
    dice = layout.dice
    name = dice.weighted(kind.pieces)
    present = [placed.category.name for placed in layout.objects if placed.category.name in kind.pieces]
    if present and dice.chance(_REPEAT_SHARE):
        name = dice.pick(present)
    if name in _STOWED and dice.chance(0.35) and _stow(layout, layout.make(name)):
        return
    if BY_NAME[name].against_wall:
        groups.wall_piece(layout, name)
    else:
        groups.loose_piece(layout, name)


def _add_clutter(layout: Layout, name: str) -> None:
    dice = layout.dice
    item = layout.make(name)
    place = dice.weighted(_PLACES.get(name, _USUAL_PLACES))
    if place == _FLOOR:
        if layout.in_open(item, gap=0.12) is None:
            layout.near_wall(item)
    elif place == _UNDER:
        if not _stow(layout, item):
            _rest_somewhere(layout, item, _TOP)
    elif not _rest_somewhere(layout, item, place):
        _rest_somewhere(layout, item, _INSIDE if place == _TOP else _TOP)


def _stow(layout: Layout, item: Item) -> bool:
    """Put something on the floor under a piece of furniture that has legs."""
    dice = layout.dice
    shelters = [
        placed for placed in layout.objects if placed.category.name in _SHELTERS and placed.support is None
    ]
    for shelter in dice.shuffled(shelters)[:_SURFACE_TRIES]:
        half_x, half_y, height = (shelter.extents * (0.5, 0.5, 1.0)).tolist()
        if item.height > height:
            continue
        for _ in range(_SPOT_TRIES):
            ahead, left = dice.between(-0.8, 0.8) * half_x, dice.between(-0.8, 0.8) * half_y
            turn = dice.whole(0, 3) * math.pi / 2 + dice.between(-0.25, 0.25)
            if layout.beside(shelter, item, ahead, left, turn, tucked=True) is not None:
                return True
    return False


def _rest_somewhere(layout: Layout, item: Item, place: str) -> bool:
    """Put something on a top or into a compartment that is large enough, large ones first."""
    dice = layout.dice
    name = item.category.name
    least = min(item.depth, item.width) / 2
    open_: dict[tuple[int, int], float] = {}
    for placed in layout.objects:
        liked = _liking(name, placed)
        for index, surface in enumerate(placed.surfaces):
            if (surface.relation == IN) != (place == _INSIDE):
                continue
            half_x, half_y = surface.half.tolist()
            if min(half_x, half_y) > least and surface.headroom > item.height and liked > 0:
                open_[placed.id, index] = liked * (0.15 + half_x * half_y)
    for _ in range(_SURFACE_TRIES):
        if not open_:
            return False
        chosen = dice.weighted(open_)
        del open_[chosen]
        support = layout.objects[chosen[0] - 1]
        if _try_spots(layout, item, support, chosen[1]):
            return True
    return False


def _liking(name: str, support: PlacedObject) -> float:
    """Return how readily something is put on or into an object."""
    holder = support.category.name
    if support.support is not None and support.category.small and name not in ("book", "magazine"):
        return 0.6 if holder in ("tray", "box", "basket") else 0.15
    if name == "pillow":
        return 8.0 if holder in _SEATS else 0.2
    return 0.15 if holder in _SEATS else 1.0


def _try_spots(layout: Layout, item: Item, support: PlacedObject, surface: int) -> bool:
    dice = layout.dice
    half_x, half_y = support.surfaces[surface].half.tolist()
    for _ in range(_SPOT_TRIES):
        if item.category.name in _FACING:
            turn = dice.between(-0.3, 0.3)
        elif dice.chance(0.5):
            turn = dice.whole(0, 3) * math.pi / 2 + dice.between(-0.1, 0.1)
        else:
            turn = dice.between(-math.pi, math.pi)
        spread_x = abs(math.cos(turn)) * item.depth / 2 + abs(math.sin(turn)) * item.width / 2
        spread_y = abs(math.sin(turn)) * item.depth / 2 + abs(math.cos(turn)) * item.width / 2
        free_x, free_y = half_x - spread_x - 0.011, half_y - spread_y - 0.011
        if free_x < 0 or free_y < 0:
            continue
        ahead, left = dice.between(-free_x, free_x), dice.between(-free_y, free_y)
        if layout.rest(item, support, surface, ahead, left, support.yaw + turn) is not None:
            return True
    return False
