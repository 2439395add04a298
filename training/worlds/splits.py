# SPDX-License-Identifier: Apache-2.0
"""Which seeds belong to which split, and what is special about each: the seed of a room decides everything.

==============  ===================  =====================================================================
split           seeds                what no training room has
==============  ===================  =====================================================================
train           0 .. 399,999         (the rooms that networks learn from)
val             400,000 .. 449,999   nothing; curves and choices are made on it
test            500,000 .. 549,999   nothing; the main figures
test-wording    550,000 .. 599,999   its templates of expressions and questions
test-pairs      600,000 .. 649,999   its pairs of colour and category
test-camera     650,000 .. 699,999   its camera heights and fields of view; it is also tilted more
test-layout     700,000 .. 749,999   its type of room, the workshop
test-far        750,000 .. 799,999   its distance between camera and furniture
demo            800,000 .. 899,999   nothing; simulated cameras and demonstrations
reserved        900,000 and above    nothing; never used by this project, for whoever wants to check it
==============  ===================  =====================================================================

Seeds between 450,000 and 499,999 count as val.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ide3d_training.worlds.categories import CATEGORIES, COLORS

ROOM_TYPES = ("living room", "kitchen", "office", "bedroom", "workshop")
HELD_OUT_ROOM_TYPE = "workshop"

_COLORS = tuple(COLORS)
HELD_OUT_PAIRS = frozenset((name, _COLORS[(7 * i + 3) % len(_COLORS)]) for i, name in enumerate(CATEGORIES))
"""(category, colour): no training room has such an object and no training text names one. One colour of every
category, spread so that every colour is left to most categories."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class CameraRange:
    """Say from where rooms are looked at; a value is drawn uniformly from the union of its intervals.

    Attributes:
        height: of the camera above the floor, metres.
        horizontal_fov: radians.
        distance: from the camera to what it looks at, horizontally, metres, where the room is large enough.
        roll: largest tilt to either side, radians.
    """

    height: tuple[Interval, ...]
    horizontal_fov: tuple[Interval, ...]
    distance: tuple[Interval, ...]
    roll: float = float(np.deg2rad(5.0))


def _degrees(*intervals: Interval) -> tuple[Interval, ...]:
    return tuple((float(np.deg2rad(low)), float(np.deg2rad(high))) for low, high in intervals)


USUAL_CAMERA = CameraRange(
    height=((0.35, 1.55),), horizontal_fov=_degrees((55.0, 82.0)), distance=((1.4, 3.4),)
)
UNUSUAL_CAMERA = CameraRange(
    height=((0.15, 0.30), (1.60, 1.80)),
    horizontal_fov=_degrees((50.0, 54.0), (84.0, 95.0)),
    distance=((1.4, 3.4),),
    roll=float(np.deg2rad(10.0)),
)
FAR_CAMERA = CameraRange(
    height=((0.35, 1.55),), horizontal_fov=_degrees((55.0, 82.0)), distance=((4.2, 7.0),)
)


@dataclass(frozen=True)
class Split:
    """One split of the benchmark.

    Attributes:
        name: as in this module's table.
        first: its first seed; it ends where the next split begins.
        room_types: types its rooms may have.
        camera: from where they are looked at.
        unseen_wordings: texts use only templates that training never uses (otherwise only the others).
        unseen_pairs: objects of HELD_OUT_PAIRS stand in its rooms and texts name them (otherwise neither).
    """

    name: str
    first: int
    room_types: tuple[str, ...] = tuple(kind for kind in ROOM_TYPES if kind != HELD_OUT_ROOM_TYPE)
    camera: CameraRange = USUAL_CAMERA
    unseen_wordings: bool = False
    unseen_pairs: bool = False


SPLITS = (
    Split("train", 0),
    Split("val", 400_000),
    Split("test", 500_000),
    Split("test-wording", 550_000, unseen_wordings=True),
    Split("test-pairs", 600_000, unseen_pairs=True),
    Split("test-camera", 650_000, camera=UNUSUAL_CAMERA),
    Split("test-layout", 700_000, room_types=(HELD_OUT_ROOM_TYPE,)),
    Split("test-far", 750_000, camera=FAR_CAMERA),
    Split("demo", 800_000),
    Split("reserved", 900_000),
)
BY_NAME = {split.name: split for split in SPLITS}


def split_of(seed: int) -> Split:
    """Return the split that a room's seed belongs to.

    Raises:
        ValueError: if the seed is negative.
    """
    if seed < 0:
        raise ValueError(f"a room's seed must be 0 or more, not {seed}")
    return max((split for split in SPLITS if split.first <= seed), key=lambda split: split.first)
