# SPDX-License-Identifier: Apache-2.0
"""Where objects can stand in a room: nothing touches what it should not, and everything rests on something.

A layout only answers "does it fit here" and keeps what was placed; ``groups`` and ``furnishing`` decide
what is placed, and in which order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ide3d_training.worlds.categories import BY_NAME, COLORS, BuiltObject, Category, build_object
from ide3d_training.worlds.dice import Dice
from ide3d_training.worlds.placed_object import PlacedObject
from ide3d_training.worlds.placement import Upright, part_boxes
from ide3d_training.worlds.plan import Plan, Wall
from ide3d_training.worlds.scene_graph import ON
from ide3d_training.worlds.splits import HELD_OUT_PAIRS

# Behind furniture at a wall; more than everything that lies flat on walls protrudes, metres.
WALL_GAP = 0.03
CLEARANCE = 0.05  # between the boxes of furniture, metres
SNUG = 0.012  # between parts, where an object reaches under or into another one's box, metres
_AT_WALL = 0.12  # largest distance between an object and the wall that it stands against, metres
_LIFT = 0.002  # metres
_EDGE = 0.01  # of a surface that stays free, metres
_OPEN_TRIES = 25
_UNSEEN_PAIR_SHARE = 0.5


class Item(NamedTuple):
    """An object that has no place yet."""

    category: Category
    built: BuiltObject

    @property
    def depth(self) -> float:
        """Extent along its front axis, metres."""
        return float(self.built.extents[0])

    @property
    def width(self) -> float:
        """Extent from its left to its right, metres."""
        return float(self.built.extents[1])

    @property
    def height(self) -> float:
        """Extent upwards, metres."""
        return float(self.built.extents[2])


class Layout:
    """A room that is being furnished.

    Args:
        dice: the source of all choices.
        plan: the empty room.
        unseen_pairs: whether objects get held-out pairs of colour and category often (otherwise never).

    Attributes:
        dice, plan: as given.
        objects: what was placed, in the order of ids.
    """

    def __init__(self, dice: Dice, plan: Plan, unseen_pairs: bool) -> None:
        self.dice = dice
        self.plan = plan
        self.objects: list[PlacedObject] = []
        self._unseen_pairs = unseen_pairs
        self._boxes: list[Upright] = []  # of the objects, in their order
        self._parts: dict[int, list[Upright]] = {}  # by index, made when first needed
        self._kept_free = (plan.doorway, *(plan.before(window, _AT_WALL) for window in plan.windows))

    def count(self, *names: str) -> int:
        """Return how many objects of these categories the room has."""
        return sum(placed.category.name in names for placed in self.objects)

    @property
    def furniture(self) -> int:
        """How many things stand on the floor that are not small."""
        return sum(placed.support is None and not placed.category.small for placed in self.objects)

    def color(self, name: str) -> str:
        """Draw a colour that a category may have in this room's split."""
        held_out = [color for color in COLORS if (name, color) in HELD_OUT_PAIRS]
        if self._unseen_pairs and held_out and self.dice.chance(_UNSEEN_PAIR_SHARE):
            return self.dice.pick(held_out)
        return self.dice.pick([color for color in COLORS if color not in held_out])

    def make(
        self,
        name: str,
        color: str | None = None,
        wanted: Callable[[Item], bool] | None = None,
        tries: int = 4,
    ) -> Item:
        """Build an object.

        Args:
            name: of its category.
            color: of its main body; drawn if missing.
            wanted: says whether one will do; after ``tries`` any does.
            tries: how often a wanted one is looked for.
        """
        category = BY_NAME[name]
        for _ in range(tries):
            material = self.dice.pick(category.materials)
            built = build_object(category, color or self.color(name), material, self.dice.rng)
            item = Item(category, built)
            if wanted is None or wanted(item):
                break
        return item

    def put(
        self, item: Item, x: float, y: float, yaw: float, *, gap: float = CLEARANCE, tucked: bool = False
    ) -> PlacedObject | None:
        """Stand an object on the floor if it fits there.

        Args:
            item: the object.
            x, y: middle of its box, metres.
            yaw: of its front, radians.
            gap: that stays free around it, metres.
            tucked: it may reach into the boxes of others, as long as all parts keep SNUG apart: a chair
                under a table, a ball under a chair.

        Returns:
            The placed object, or None.
        """
        box = Upright.of(x, y, yaw, item.built.extents)
        if not self._inside(box) or any(box.overlaps(space) for space in self._kept_free):
            return None
        near = [i for i, other in enumerate(self._boxes) if box.overlaps(other, SNUG if tucked else gap)]
        if near and not (tucked and self._clear_of(item, box, near, SNUG)):
            return None
        return self._add(item, x, y, 0.0, yaw, None, ON, box)

    def at_wall(
        self,
        item: Item,
        *,
        wall: Wall | None = None,
        front: float = 0.0,
        sides: float = 0.0,
        corner: bool = False,
    ) -> PlacedObject | None:
        """Stand an object with its back to a wall.

        Args:
            item: the object.
            wall: which; any if missing.
            front: that must be free before it, metres.
            sides: that must be free on its left and on its right, metres.
            corner: as close to the end of the free stretch of wall as possible.

        Returns:
            The placed object, or None.
        """
        away = self.dice.between(WALL_GAP + 0.002, WALL_GAP + 0.04)
        need = item.width + 2 * sides
        spans: dict[tuple[int, float, float], float] = {}
        for each in self.plan.walls if wall is None else (wall,):
            for low, high in self.free_spans(each, away + item.depth + front, item.height):
                if high - low >= need:
                    spans[each.number, low, high] = high - low - need + 0.2
        if not spans:
            return None
        number, low, high = self.dice.weighted(spans)
        low, high = low + need / 2, high - need / 2
        along = self.dice.pick((low, high)) if corner else self.dice.between(low, high)
        chosen = self.plan.walls[number]
        x, y = chosen.point(away + item.depth / 2, along)
        return self.put(item, x, y, chosen.heading)

    def in_open(self, item: Item, yaw: float | None = None, gap: float = 0.3) -> PlacedObject | None:
        """Stand an object somewhere with ``gap`` metres around it, turned by ``yaw`` or at random."""
        for _ in range(_OPEN_TRIES):
            heading = self.dice.between(-math.pi, math.pi) if yaw is None else yaw
            half_x, half_y = Upright.of(0.0, 0.0, heading, item.built.extents).spread(1.0, 0.0)
            reach_x = self.plan.size[0] / 2 - half_x - min(gap, 0.1) - WALL_GAP
            reach_y = self.plan.size[1] / 2 - half_y - min(gap, 0.1) - WALL_GAP
            if reach_x <= 0 or reach_y <= 0:
                return None
            x, y = self.dice.between(-reach_x, reach_x), self.dice.between(-reach_y, reach_y)
            placed = self.put(item, x, y, heading, gap=gap)
            if placed is not None:
                return placed
        return None

    def near_wall(self, item: Item) -> PlacedObject | None:
        """Stand an object near a wall or in a corner, turned into the room, not quite straight."""
        for _ in range(_OPEN_TRIES):
            wall = self.dice.pick(self.plan.walls)
            swing = self.dice.between(-0.5, 0.5)
            half = math.hypot(item.depth, item.width) / 2
            away = WALL_GAP + half + self.dice.between(0.02, 0.25)
            reach = wall.reach - WALL_GAP - half - 0.02
            if reach <= 0:
                return None
            along = (
                self.dice.pick((-reach, reach)) if self.dice.chance(0.4) else self.dice.between(-reach, reach)
            )
            x, y = wall.point(away, along)
            placed = self.put(item, x, y, wall.heading + swing)
            if placed is not None:
                return placed
        return None

    def beside(
        self,
        anchor: PlacedObject,
        item: Item,
        ahead: float,
        left: float,
        turn: float,
        *,
        gap: float = CLEARANCE,
        tucked: bool = False,
    ) -> PlacedObject | None:
        """Stand an object at a place given in another one's axes, turned by ``turn`` against it."""
        cos, sin = math.cos(anchor.yaw), math.sin(anchor.yaw)
        x = float(anchor.position[0]) + cos * ahead - sin * left
        y = float(anchor.position[1]) + sin * ahead + cos * left
        return self.put(item, x, y, anchor.yaw + turn, gap=gap, tucked=tucked)

    def rest(
        self, item: Item, support: PlacedObject, surface: int, ahead: float, left: float, yaw: float
    ) -> PlacedObject | None:
        """Stand an object on or in another one if it fits there.

        Args:
            item: the object.
            support: what carries it.
            surface: index into the support's surfaces.
            ahead, left: middle of its box, from the surface's middle along the support's axes, metres.
            yaw: of its front in the world, radians.

        Returns:
            The placed object, or None.
        """
        place = support.surfaces[surface]
        if item.height > place.headroom - 0.005:
            return None
        ahead, left = float(place.center[0]) + ahead, float(place.center[1]) + left
        cos, sin = math.cos(support.yaw), math.sin(support.yaw)
        x = float(support.position[0]) + cos * ahead - sin * left
        y = float(support.position[1]) + sin * ahead + cos * left
        z = float(support.position[2] + place.center[2])
        box = Upright.of(x, y, yaw, item.built.extents, z)
        half_x, half_y = box.spread(cos, sin)
        if abs(ahead - place.center[0]) + half_x > place.half[0] - _EDGE:
            return None
        if abs(left - place.center[1]) + half_y > place.half[1] - _EDGE:
            return None
        if box.high > self.plan.size[2] - 0.06 or not self._inside(box):
            return None
        carriers = self._carriers(support)
        near = [i for i, other in enumerate(self._boxes) if i not in carriers and box.overlaps(other, SNUG)]
        # Lifted a little, it touches neither what it stands on nor what that stands on.
        lifted = box._replace(low=z + _LIFT, high=box.high + _LIFT)
        if not (self._clear_of(item, box, near, SNUG) and self._clear_of(item, lifted, carriers, 0.0)):
            return None
        return self._add(item, x, y, z, yaw, support.id, place.relation, box)

    def free_spans(self, wall: Wall, depth: float, height: float) -> Iterator[tuple[float, float]]:
        """Yield the stretches (from, to) of a wall along which the floor is free, metres from its middle.

        Args:
            wall: which.
            depth: that must be free, from the wall into the room, metres.
            height: of what shall stand there: only low things stand before windows.
        """
        blocked = []
        for box, gap in (
            *((space, 0.0) for space in self._kept_free),
            *((box, CLEARANCE + 1e-6) for box in self._boxes),
        ):
            if box.low >= height:
                continue
            away, along = wall.local(box.x, box.y)
            half_away, half_along = box.spread(wall.cos, wall.sin)
            if away - half_away < depth + gap:
                blocked.append((along - half_along - gap, along + half_along + gap))
        start = WALL_GAP - wall.reach
        for low, high in sorted(blocked):
            if low > start:
                yield start, low
            start = max(start, high)
        if wall.reach - WALL_GAP > start:
            yield start, wall.reach - WALL_GAP

    def _inside(self, box: Upright) -> bool:
        half_x, half_y = box.spread(1.0, 0.0)
        reach_x, reach_y = self.plan.size[0] / 2 - WALL_GAP, self.plan.size[1] / 2 - WALL_GAP
        return abs(box.x) + half_x <= reach_x and abs(box.y) + half_y <= reach_y

    def _clear_of(self, item: Item, box: Upright, near: list[int], gap: float) -> bool:
        """Say whether an item's parts keep ``gap`` metres apart from those of the objects at these indices.

        Args:
            item: the object.
            box: where it would stand.
            near: indices of placed objects.
            gap: metres.
        """
        close = [theirs for i in near for theirs in self._parts_of(i) if theirs.overlaps(box, gap)]
        if not close:
            return True
        yaw = math.atan2(box.sin, box.cos)
        own = part_boxes(item.built.parts, box.x, box.y, yaw, box.low)
        return not any(part.overlaps(theirs, gap) for part in own for theirs in close)

    def _parts_of(self, index: int) -> list[Upright]:
        if index not in self._parts:
            placed = self.objects[index]
            x, y, z = placed.position.tolist()
            self._parts[index] = list(part_boxes(placed.parts, x, y, placed.yaw, z))
        return self._parts[index]

    def _carriers(self, support: PlacedObject) -> list[int]:
        """Return the indices of an object and of all that carry it."""
        indices = [support.id - 1]
        while support.support is not None:
            support = self.objects[support.support - 1]
            indices.append(support.id - 1)
        return indices

    def _stands_against_wall(self, item: Item, box: Upright) -> bool:
        """Say whether the back of something on the floor is at a wall (or its front, if they look alike)."""
        for wall in self.plan.walls:
            away, _ = wall.local(box.x, box.y)
            half_away, _ = box.spread(wall.cos, wall.sin)
            if away - half_away <= _AT_WALL:
                facing = box.cos * wall.cos + box.sin * wall.sin
                back = {"none": facing, "half_turn": abs(facing), "round": 1.0}[item.built.symmetry]
                if back > math.cos(0.1):
                    return True
        return False

    def _add(self, item, x, y, z, yaw, support, relation, box) -> PlacedObject:
        placed = PlacedObject.of(
            item.built,
            item.category,
            id=len(self.objects) + 1,
            position=np.array([x, y, z]),
            yaw=float(yaw),
            support=support,
            relation=relation,
            against_wall=support is None and self._stands_against_wall(item, box),
        )
        self.objects.append(placed)
        self._boxes.append(box)
        return placed
