# SPDX-License-Identifier: Apache-2.0
"""A furnished room as plain numbers, made from a seed.

World frame: z up, floor at z = 0, origin in the middle of the floor, walls parallel to x and y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ide3d_training.worlds.dice import Dice
from ide3d_training.worlds.furnishing import furnish
from ide3d_training.worlds.layout import Layout
from ide3d_training.worlds.placed_object import PlacedObject
from ide3d_training.worlds.plan import draw_plan
from ide3d_training.worlds.room_types import ROOM_TYPES
from ide3d_training.worlds.shell import Shell, draw_shell
from ide3d_training.worlds.splits import split_of

# Independent random streams of one seed; a change to one leaves what the others draw as it is.
LAYOUT_STREAM, STYLE_STREAM, VIEW_STREAM, MOTION_STREAM, PLAN_STREAM = range(5)

_BEHIND_CAMERA = 2.0  # metres that a room is longer than the distance its objects are looked at from


@dataclass(frozen=True, eq=False)
class Room:
    """A furnished room. Rooms compare by identity: one that was changed is another room, whatever its seed.

    Attributes:
        seed: what it was made from.
        room_type: a name of ROOM_TYPES.
        size: (3,) inner size along x, along y and height, metres.
        objects: in the order of their ids.
        shell: how it looks.
    """

    seed: int
    room_type: str
    size: np.ndarray
    objects: tuple[PlacedObject, ...]
    shell: Shell

    @classmethod
    def from_seed(cls, seed: int) -> Room:
        """Make a room; the seed's split says of which types it may be.

        Args:
            seed: 0 or more; the same seed gives the same room on every machine.

        Returns:
            A furnished room: nothing interpenetrates, nothing floats, everything is within the walls.

        Raises:
            ValueError: if the seed is negative.
        """
        split = split_of(seed)
        dice = Dice(seed, PLAN_STREAM)
        room_type = dice.pick(split.room_types)
        kind = ROOM_TYPES[room_type]
        plan = draw_plan(dice, kind.sides, min(low for low, _ in split.camera.distance) + _BEHIND_CAMERA)
        layout = Layout(Dice(seed, LAYOUT_STREAM), plan, split.unseen_pairs)
        furnish(layout, kind)
        objects = tuple(layout.objects)
        shell = draw_shell(Dice(seed, STYLE_STREAM), plan, kind, objects)
        return cls(seed, room_type, np.array(plan.size), objects, shell)
