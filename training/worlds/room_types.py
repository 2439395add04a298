# SPDX-License-Identifier: Apache-2.0
"""The statistics of every type of room: how large it is, what stands in it, what lies about, how it looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ide3d_training.worlds import groups
from ide3d_training.worlds.layout import Layout


@dataclass(frozen=True)
class RoomType:
    """What rooms of a type are like.

    Attributes:
        sides: (lowest, highest) length of the shorter and of the longer side, metres.
        groups: furniture that belongs together, in the order in which it is placed, with the share of rooms
            that have it.
        pieces: weights of single pieces of furniture that are added.
        clutter: weights of the small things that lie about.
        floors, walls: weights of what floors and walls are made of, names of ``textures``.
        rug: share of rooms with a rug.
        pictures: (fewest, most) pictures, mirrors and clocks on the walls.
    """

    sides: tuple[tuple[float, float], tuple[float, float]]
    groups: tuple[tuple[Callable[[Layout], None], float], ...]
    pieces: Mapping[str, float]
    clutter: Mapping[str, float]
    floors: Mapping[str, float]
    walls: Mapping[str, float]
    rug: float
    pictures: tuple[int, int]


ROOM_TYPES: dict[str, RoomType] = {
    "living room": RoomType(
        sides=((3.8, 5.5), (4.5, 8.0)),
        groups=(
            (groups.seating, 0.95),
            (groups.dining, 0.45),
            (groups.shelves, 0.6),
            (groups.workplace, 0.12),
        ),
        pieces={
            **{"armchair": 3, "lamp": 3, "plant": 4, "cabinet": 2, "stool": 1.5, "chair": 1.5, "bench": 1},
            **{"basket": 1.5, "bookshelf": 1, "backpack": 0.7, "bin": 0.5, "suitcase": 0.2},
            **{"ladder": 0.6, "workbench": 0.3},
        },
        clutter={
            **{"book": 3, "magazine": 3, "mug": 2, "vase": 3, "pillow": 5, "bowl": 1.5, "ball": 1.5},
            **{"bottle": 1, "laptop": 1, "tray": 1.2, "box": 1, "toolbox": 0.7, "kettle": 0.2},
        },
        floors={"planks": 3, "boards": 2, "parquet": 3, "carpet": 2, "tiles": 0.7, "concrete": 0.3},
        walls={"plaster": 4, "stripes": 1, "wallpaper": 1.5, "panelling": 1, "brick": 0.6},
        rug=0.7,
        pictures=(1, 5),
    ),
    "kitchen": RoomType(
        sides=((3.5, 4.8), (3.8, 6.5)),
        groups=((groups.kitchen_row, 0.97), (groups.dining, 0.8)),
        pieces={
            **{"bin": 3, "stool": 3, "chair": 2, "plant": 1.2, "cabinet": 2, "basket": 1, "bench": 1},
            **{"bucket": 1.5, "ladder": 0.7, "fridge": 0.3, "lamp": 0.3, "workbench": 0.3},
        },
        clutter={
            **{
                "bowl": 4,
                "mug": 4,
                "bottle": 4,
                "kettle": 3,
                "microwave": 2.5,
                "tray": 2,
                "vase": 1,
                "box": 1.2,
            },
            **{"book": 0.7, "magazine": 0.7, "ball": 0.4, "laptop": 0.3, "basket": 0.5, "toolbox": 0.7},
        },
        floors={"tiles": 4, "checker": 2, "planks": 1.5, "terrazzo": 1.5, "concrete": 0.7, "boards": 0.7},
        walls={"plaster": 4, "wall tiles": 2.5, "stripes": 0.4, "brick": 0.5},
        rug=0.12,
        pictures=(0, 2),
    ),
    "office": RoomType(
        sides=((3.5, 5.5), (4.0, 8.0)),
        groups=(
            *(
                (groups.workplace, 1.0),
                (groups.workplace, 0.65),
                (groups.workplace, 0.4),
                (groups.shelves, 0.7),
            ),
            *((groups.dining, 0.12),),
        ),
        pieces={
            **{
                "chair": 3,
                "cabinet": 3,
                "plant": 3,
                "bin": 3,
                "lamp": 1.5,
                "bookshelf": 1.5,
                "backpack": 1.5,
            },
            **{"armchair": 1, "stool": 1, "desk": 1, "suitcase": 0.4, "sofa": 0.4},
            **{"ladder": 0.9, "workbench": 0.8, "bucket": 0.5},
        },
        clutter={
            **{"book": 4, "mug": 3, "laptop": 2.5, "printer": 3, "bottle": 2, "box": 2.5, "magazine": 2},
            **{"screen": 1, "keyboard": 0.7, "vase": 0.7, "tray": 0.7, "ball": 0.5, "kettle": 0.3},
            **{"toolbox": 1.2},
        },
        floors={"carpet": 4, "concrete": 1.5, "planks": 2, "parquet": 1, "terrazzo": 0.8, "tiles": 0.7},
        walls={"plaster": 5, "panelling": 0.8, "block": 0.5, "brick": 0.7, "stripes": 0.3},
        rug=0.15,
        pictures=(0, 4),
    ),
    "bedroom": RoomType(
        sides=((3.5, 4.8), (3.8, 6.5)),
        groups=(
            (groups.sleeping, 1.0),
            (groups.wardrobes, 0.8),
            (groups.workplace, 0.3),
            (groups.shelves, 0.25),
        ),
        pieces={
            **{
                "chair": 2,
                "lamp": 1.5,
                "plant": 2,
                "cabinet": 2,
                "basket": 2,
                "suitcase": 1.5,
                "armchair": 1.5,
            },
            **{"backpack": 1.2, "stool": 1, "bench": 0.7, "nightstand": 0.7, "bin": 0.5, "bed": 0.3},
            **{"ladder": 0.6, "bucket": 0.4},
        },
        clutter={
            **{"pillow": 5, "book": 3, "mug": 1.5, "magazine": 1.5, "box": 2, "ball": 1.5, "vase": 1.2},
            **{"laptop": 1, "bottle": 1, "tray": 0.6, "bowl": 0.4, "toolbox": 0.4},
        },
        floors={"carpet": 4, "planks": 3, "boards": 2, "parquet": 2},
        walls={"plaster": 4, "wallpaper": 2, "stripes": 1.2, "panelling": 0.8},
        rug=0.5,
        pictures=(0, 4),
    ),
    "workshop": RoomType(
        sides=((4.0, 5.8), (5.0, 8.0)),
        groups=((groups.workbenches, 1.0), (groups.shelves, 0.8)),
        pieces={
            **{"ladder": 3, "bucket": 3, "cabinet": 2, "stool": 2, "bin": 1.5, "workbench": 1, "table": 1},
            **{"bench": 0.8, "basket": 0.6, "lamp": 0.7, "chair": 0.7},
        },
        clutter={
            **{
                "toolbox": 5,
                "box": 4,
                "bottle": 2,
                "bucket": 1.5,
                "ball": 0.6,
                "mug": 1,
                "tray": 1,
                "book": 0.5,
            },
            **{"magazine": 0.4, "kettle": 0.3},
        },
        floors={"concrete": 5, "boards": 1.5, "tiles": 0.7, "terrazzo": 0.5},
        walls={"block": 3, "brick": 2, "plaster": 2, "panelling": 1},
        rug=0.0,
        pictures=(0, 2),
    ),
}
