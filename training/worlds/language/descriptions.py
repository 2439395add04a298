# SPDX-License-Identifier: Apache-2.0
"""One sentence that names what can be seen in a frame."""

from __future__ import annotations

from ide3d_training.worlds.scene_graph import FrameGraph
from ide3d_training.worlds.splits import HELD_OUT_PAIRS, split_of

from . import wording
from .visibility import image_columns, visible_objects

MAX_NAMED = 8
NOTHING = "an empty room"


def description(frame: FrameGraph) -> str:
    """Name a frame's referable objects with their colours, left to right.

    Args:
        frame: the graph of one rendered frame.

    Returns:
        For example "a red chair, a blue table and a white mug"; where there are more than MAX_NAMED objects
        those with most visible pixels are named; NOTHING where there is none. A colour that the frame's split
        does not name together with the category is left out.
    """
    objects = visible_objects(frame).referable
    unseen_pairs = split_of(frame.seed).unseen_pairs
    largest = tuple(sorted(objects, key=lambda o: (-o.visible_pixels, o.id))[:MAX_NAMED])
    columns = image_columns(frame, largest)
    ordered = sorted(largest, key=lambda o: (columns[o.id], o.id))
    names = []
    for item in ordered:
        nameable = unseen_pairs or (item.category, item.color) not in HELD_OUT_PAIRS
        name = wording.name(item.category, item.color) if nameable else item.category
        names.append(wording.indefinite(name))
    if not names:
        return NOTHING
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
