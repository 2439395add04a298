# SPDX-License-Identifier: Apache-2.0
"""By which furniture one knows a type of room."""

from __future__ import annotations

from collections.abc import Iterable

SIGNS = {
    "bedroom": frozenset({"bed", "nightstand", "wardrobe"}),
    "kitchen": frozenset({"fridge", "stove", "microwave", "kettle"}),
    "office": frozenset({"desk", "printer", "screen", "keyboard"}),
    "living room": frozenset({"sofa", "armchair"}),
    "workshop": frozenset({"workbench", "toolbox", "ladder"}),
}
"""Categories that a room type is known by."""
ENOUGH_SIGNS = 2


def room_shown(room_type: str, seen: Iterable[tuple[int, str]]) -> tuple[int, ...]:
    """Return what gives a room's type away.

    Args:
        room_type: a name of ROOM_TYPES.
        seen: id and category of what can be seen.

    Returns:
        Sorted ids of the signs of that type; empty where there are fewer than ENOUGH_SIGNS, or where there is
        a sign of another type.
    """
    seen = tuple(seen)
    foreign = frozenset().union(*(signs for kind, signs in SIGNS.items() if kind != room_type))
    own = SIGNS.get(room_type, frozenset())
    shown = tuple(sorted(number for number, category in seen if category in own))
    if len(shown) < ENOUGH_SIGNS or any(category in foreign for _, category in seen):
        return ()
    return shown
