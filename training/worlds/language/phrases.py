# SPDX-License-Identifier: Apache-2.0
"""The logical form of a noun phrase: what a text about objects means, free of its wording."""

from __future__ import annotations

from dataclasses import dataclass

ONE = "one"
MANY = "many"
BOTH = "both"

SIDES = ("left", "right")
EXTREMES = ("leftmost", "rightmost")
DISTANCES = ("nearest", "farthest")


@dataclass(frozen=True)
class NounPhrase:
    """State which objects a phrase speaks of.

    Args:
        category: a category of the worlds; None speaks of any object ("the red thing").
        color: a colour name, or None where the phrase names none.
        number: ONE ("the chair"), MANY ("the chairs", "every chair") or BOTH ("both chairs").
        selector: one of SIDES, EXTREMES or DISTANCES, seen from the camera; None selects nothing further.
        support: what the objects stand on ("... on the table"); None does not say.
    """

    category: str | None
    color: str | None = None
    number: str = ONE
    selector: str | None = None
    support: NounPhrase | None = None

    @property
    def form(self) -> str:
        """Name the form: relation, side, extreme, distance, color_category, color, category or object."""
        if self.support is not None:
            return "relation"
        if self.selector in SIDES:
            return "side"
        if self.selector in EXTREMES:
            return "extreme"
        if self.selector in DISTANCES:
            return "distance"
        if self.category is None:
            return "object" if self.color is None else "color"
        return "category" if self.color is None else "color_category"
