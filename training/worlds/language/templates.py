# SPDX-License-Identifier: Apache-2.0
"""English for the intents of expressions and captions, each in several wordings, some kept from training.

Slots: {n} a noun with its attributes, {s} its plural, {a} and {b} noun phrases, {c} a colour, {m} a material,
{side} left or right. Unseen wordings are made of words that seen ones use elsewhere: they test whether a
model composes, not whether it knows a word.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Templates:
    """Hold the wordings of one intent.

    Attributes:
        seen: drawn for all splits but those with unseen wordings.
        unseen: drawn for those only.
    """

    seen: tuple[str, ...]
    unseen: tuple[str, ...]

    def of(self, unseen: bool) -> tuple[str, ...]:
        """Return one of the two halves."""
        return self.unseen if unseen else self.seen


def _sided(side: str, templates: Templates) -> Templates:
    """Write a side into templates."""
    return Templates(
        tuple(text.replace("{side}", side) for text in templates.seen),
        tuple(text.replace("{side}", side) for text in templates.unseen),
    )


REQUESTS = Templates(
    (
        "find {a}",
        "please find {a}",
        "locate {a}",
        "please locate {a}",
        "show me {a}",
        "point to {a}",
        "point at {a}",
        "look for {a}",
        "go to {a}",
        "i am looking for {a}",
        "can you find {a}?",
        "could you locate {a}?",
        "robot, find {a}",
        "robot, go to {a}",
    ),
    (
        "please point to {a}",
        "robot, look for {a}",
        "can you show me {a}?",
        "could you find {a}?",
        "please go to {a}",
    ),
)
WHERE_IS = Templates(
    ("where is {a}?", "tell me where {a} is", "can you see where {a} is?", "do you know where {a} is?"),
    ("can you tell me where {a} is?",),
)
WHERE_ARE = Templates(
    ("where are {a}?", "tell me where {a} are", "can you see where {a} are?", "do you know where {a} are?"),
    ("can you tell me where {a} are?",),
)

COLORED = Templates(
    ("{c} {n}", "{n} that is {c}", "{c} coloured {n}", "{c} colored {n}"), ("{n} which is {c}",)
)
MADE_OF = Templates(("{m} {n}", "{n} made of {x}", "{n} that is made of {x}"), ("{n} which is made of {x}",))
COLORED_AND_MADE_OF = Templates(
    ("{c} {m} {n}", "{c} {n} made of {x}", "{m} {n} that is {c}"), ("{m} {n} which is {c}",)
)
"""{m} is the adjective ("wooden"), {x} the material ("wood")."""

ALL_OF = Templates(("the {s}", "all {s}", "all the {s}", "every {n}", "each {n}"), ("all of the {s}",))
BOTH_OF = Templates(("both {s}", "both the {s}", "the two {s}"), ("both of the {s}",))

_SIDE = Templates(
    ("{n} on the {side}", "{side} {n}", "{side} hand {n}", "{n} on the {side} side"),
    ("{n} on the {side} hand side",),
)
_EXTREME = Templates(
    ("{side}most {n}", "{n} furthest to the {side}", "{n} farthest {side}", "{n} that is furthest {side}"),
    ("{n} farthest to the {side}",),
)


def _ordinal(number: str) -> Templates:
    return Templates(
        (
            number + " {n} from the {side}",
            "{n} that is " + number + " from the {side}",
            number + " {n} counting from the {side}",
        ),
        (number + " of the {s} from the {side}",),
    )


SELECTED = {
    "left": _sided("left", _SIDE),
    "right": _sided("right", _SIDE),
    "leftmost": _sided("left", _EXTREME),
    "rightmost": _sided("right", _EXTREME),
    "nearest": Templates(
        (
            "nearest {n}",
            "closest {n}",
            "{n} nearest to the camera",
            "{n} closest to you",
            "{n} nearest to you",
        ),
        ("{n} closest to the camera",),
    ),
    "farthest": Templates(
        (
            "farthest {n}",
            "furthest {n}",
            "most distant {n}",
            "{n} farthest from the camera",
            "{n} furthest from you",
        ),
        ("{n} farthest from you", "{n} furthest from the camera"),
    ),
    "largest": Templates(
        ("largest {n}", "biggest {n}", "{n} that is the largest", "largest of the {s}"),
        ("{n} that is the biggest",),
    ),
    "smallest": Templates(
        ("smallest {n}", "{n} that is the smallest", "very smallest {n}"), ("smallest of the {s}",)
    ),
    "tallest": Templates(("tallest {n}", "{n} that is the tallest", "highest {n}"), ("tallest of the {s}",)),
    "shortest": Templates(
        ("shortest {n}", "lowest {n}", "shortest of the {s}"), ("{n} that is the shortest",)
    ),
    "larger": Templates(
        ("bigger {n}", "larger {n}", "big {n}", "{n} that is larger", "larger of the two {s}"),
        ("bigger of the two {s}",),
    ),
    "smaller": Templates(
        ("smaller {n}", "small {n}", "little {n}", "smaller of the two {s}"), ("{n} that is smaller",)
    ),
    "second_left": _sided("left", _ordinal("second")),
    "third_left": _sided("left", _ordinal("third")),
    "second_right": _sided("right", _ordinal("second")),
    "third_right": _sided("right", _ordinal("third")),
}

_BESIDE = Templates(
    (
        "{n} {side} of {a}",
        "{n} to the {side} of {a}",
        "{n} on the {side} of {a}",
        "{n} that is to the {side} of {a}",
    ),
    ("{n} standing to the {side} of {a}", "{n} on the {side} side of {a}"),
)
RELATED = {
    "on": Templates(
        (
            "{n} on {a}",
            "{n} standing on {a}",
            "{n} on top of {a}",
            "{n} that is on {a}",
            "{n} sitting on {a}",
            "{n} that is standing on {a}",
        ),
        ("{n} that is on top of {a}", "{n} that is sitting on {a}"),
    ),
    "in": Templates(
        ("{n} in {a}", "{n} inside {a}", "{n} that is in {a}", "{n} inside of {a}"),
        ("{n} that is inside {a}",),
    ),
    "under": Templates(
        ("{n} under {a}", "{n} underneath {a}", "{n} below {a}", "{n} that is under {a}"),
        ("{n} that is underneath {a}",),
    ),
    "next_to": Templates(
        ("{n} next to {a}", "{n} beside {a}", "{n} by {a}", "{n} that is next to {a}", "{n} close to {a}"),
        ("{n} that is beside {a}", "{n} standing next to {a}"),
    ),
    "left_of": _sided("left", _BESIDE),
    "right_of": _sided("right", _BESIDE),
    "behind": Templates(
        ("{n} behind {a}", "{n} that is behind {a}", "{n} in back of {a}"), ("{n} standing behind {a}",)
    ),
    "in_front_of": Templates(
        ("{n} in front of {a}", "{n} that is in front of {a}", "{n} standing in front of {a}"),
        ("{n} that is standing in front of {a}",),
    ),
    "between": Templates(
        (
            "{n} between {a} and {b}",
            "{n} in between {a} and {b}",
            "{n} that is between {a} and {b}",
            "{n} standing between {a} and {b}",
        ),
        ("{n} that is in between {a} and {b}",),
    ),
    "nearest_to": Templates(
        (
            "{n} nearest to {a}",
            "{n} closest to {a}",
            "nearest {n} to {a}",
            "{n} that is closest to {a}",
            "{n} nearest {a}",
        ),
        ("{n} that is nearest to {a}", "closest {n} to {a}"),
    ),
    "farthest_from": Templates(
        (
            "{n} farthest from {a}",
            "{n} furthest from {a}",
            "{n} most distant from {a}",
            "{n} that is furthest from {a}",
            "{n} furthest away from {a}",
        ),
        ("{n} that is farthest from {a}", "{n} farthest away from {a}"),
    ),
}

AGAINST_THE_WALL = Templates(
    ("{n} against the wall", "{n} standing against the wall"), ("{n} that is standing against the wall",)
)
CAPTIONS = Templates(("{a}", "this is {a}", "there is {a} here", "here you see {a}"), ("here is {a}",))
"""{a} is an indefinite noun phrase."""


def intents() -> dict[str, Templates]:
    """Return every intent of this module by a name of its own."""
    single = {
        "request": REQUESTS,
        "where_is": WHERE_IS,
        "where_are": WHERE_ARE,
        "colored": COLORED,
        "made_of": MADE_OF,
        "colored_and_made_of": COLORED_AND_MADE_OF,
        "all_of": ALL_OF,
        "both_of": BOTH_OF,
        "against_the_wall": AGAINST_THE_WALL,
        "caption": CAPTIONS,
    }
    return (
        single
        | {f"selected_{name}": options for name, options in SELECTED.items()}
        | {f"related_{name}": options for name, options in RELATED.items()}
    )
