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
SIZES = ("largest", "smallest", "tallest", "shortest")
PAIR_SIZES = ("larger", "smaller")
ORDINALS = ("second_left", "third_left", "second_right", "third_right")
"""Counted from that side."""

SUPPORTS = ("on", "in")
VIEWS = ("left_of", "right_of", "behind", "in_front_of")
"""As the camera sees them."""
PLACES = ("under", "next_to", "between")
ANCHORED_DISTANCES = ("nearest_to", "farthest_from")
RELATIONS = SUPPORTS + VIEWS + PLACES + ANCHORED_DISTANCES

_SELECTOR_FORMS = {
    selector: form
    for form, selectors in (
        ("side", SIDES),
        ("extreme", EXTREMES),
        ("distance", DISTANCES),
        ("size", SIZES + PAIR_SIZES),
        ("ordinal", ORDINALS),
    )
    for selector in selectors
}


_ATTRIBUTE_FORMS = {
    (color, material, category): "_".join(
        name for name, named in (("color", color), ("material", material), ("category", category)) if named
    )
    or "object"
    for color in (False, True)
    for material in (False, True)
    for category in (False, True)
}


def attribute_form(category: str | None, color: str | None, material: str | None) -> str:
    """Name the attributes that are not None: "color_category", "object" if all are."""
    return _ATTRIBUTE_FORMS[color is not None, material is not None, category is not None]


@dataclass(frozen=True)
class Relation:
    """State where objects are with respect to others.

    Attributes:
        name: one of RELATIONS.
        anchors: what they relate to: two phrases for "between", else one.
    """

    name: str
    anchors: tuple[NounPhrase, ...]


@dataclass(frozen=True)
class NounPhrase:
    """State which objects a phrase speaks of.

    Attributes:
        category: a category of the worlds; None speaks of any object ("the red thing").
        color: a colour name, or None where the phrase names none.
        material: a material name, or None where the phrase names none.
        number: ONE ("the chair"), MANY ("the chairs", "every chair") or BOTH ("both chairs").
        selector: one of SIDES, EXTREMES, DISTANCES, SIZES, PAIR_SIZES or ORDINALS, as the camera sees them;
            None selects nothing further.
        relation: where the objects are ("... on the table"); None does not say.
    """

    category: str | None
    color: str | None = None
    material: str | None = None
    number: str = ONE
    selector: str | None = None
    relation: Relation | None = None

    @property
    def form(self) -> str:
        """Name the form: the relation; side, extreme, distance, size, ordinal; or the attributes named.

        The latter are category, color_category, material_category, color_material_category, color, material,
        color_material and object.
        """
        if self.relation is not None:
            return self.relation.name
        if self.selector is not None:
            return _SELECTOR_FORMS[self.selector]
        return attribute_form(self.category, self.color, self.material)

    def named_pairs(self) -> tuple[tuple[str, str], ...]:
        """Return every (category, colour) that the phrase names together, its anchors' included."""
        own = ((self.category, self.color),) if self.category and self.color else ()
        if self.relation is None:
            return own
        return own + tuple(pair for anchor in self.relation.anchors for pair in anchor.named_pairs())
