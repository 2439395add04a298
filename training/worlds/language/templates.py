# SPDX-License-Identifier: Apache-2.0
"""English for every intent, in several wordings, some of which training never sees.

Slots: {n} a noun with its attributes, {s} its plural, {a} and {b} noun phrases, {c} a colour, {m} a material,
{side} left or right. Unseen wordings are made of words that seen ones use elsewhere: they test whether a model
composes, not whether it knows a word.
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

QUESTIONS = {
    "existence": Templates(
        (
            "is there {a}?",
            "can you see {a}?",
            "do you see {a}?",
            "is {a} visible?",
            "is there {a} here?",
            "is there {a} in view?",
        ),
        ("is {a} in view?", "can you see {a} here?"),
    ),
    "existence_many": Templates(
        (
            "are there any {s}?",
            "can you see any {s}?",
            "do you see any {s}?",
            "are there any {s} in view?",
        ),
        ("are any {s} visible?",),
    ),
    "existence_color": Templates(
        ("is there anything {c}?", "can you see anything {c}?", "is anything {c} here?"),
        ("is anything {c} visible?",),
    ),
    "count": Templates(
        (
            "how many {s} are there?",
            "how many {s} can you see?",
            "how many {s} do you see?",
            "count the {s}",
            "please count the {s}",
            "what is the number of {s}?",
        ),
        ("how many {s} are visible?", "can you count the {s}?"),
    ),
    "color": Templates(
        (
            "what colour is {a}?",
            "what color is {a}?",
            "what is the colour of {a}?",
            "what is the color of {a}?",
            "which colour is {a}?",
            "what color does {a} have?",
            "tell me the colour of {a}",
        ),
        ("which color is {a}?", "what colour does {a} have?"),
    ),
    "material": Templates(
        (
            "what is {a} made of?",
            "what is the material of {a}?",
            "which material is {a} made of?",
            "tell me what {a} is made of",
            "what material is {a}?",
        ),
        ("what material is {a} made of?", "tell me the material of {a}"),
    ),
    "support_on": Templates(
        (
            "what is {a} standing on?",
            "what is {a} on?",
            "what does {a} stand on?",
            "what is {a} on top of?",
            "what is {a} sitting on?",
            "tell me what {a} is on",
        ),
        ("tell me what {a} is standing on", "tell me what {a} is on top of"),
    ),
    "support_in": Templates(
        ("what is {a} in?", "what is {a} inside?", "tell me what {a} is in", "what is {a} inside of?"),
        ("tell me what {a} is inside of",),
    ),
    "closer": Templates(
        (
            "which is closer, {a} or {b}?",
            "which is nearer, {a} or {b}?",
            "which is closer to the camera, {a} or {b}?",
            "what is closer to you, {a} or {b}?",
            "is {a} or {b} closer?",
            "which one is closer, {a} or {b}?",
        ),
        ("which is nearer to you, {a} or {b}?", "is {a} or {b} nearer?"),
    ),
    "taller": Templates(
        (
            "which is taller, {a} or {b}?",
            "what is taller, {a} or {b}?",
            "is {a} or {b} taller?",
            "which is higher, {a} or {b}?",
        ),
        ("which one is taller, {a} or {b}?",),
    ),
    "larger": Templates(
        (
            "which is larger, {a} or {b}?",
            "which is bigger, {a} or {b}?",
            "what is bigger, {a} or {b}?",
            "is {a} or {b} larger?",
            "which one is larger, {a} or {b}?",
        ),
        ("which one is bigger, {a} or {b}?", "is {a} or {b} bigger?"),
    ),
    "distance": Templates(
        (
            "how far is {a} from you?",
            "how far away is {a}?",
            "how far is {a} from the camera?",
            "what is the distance to {a}?",
            "how many metres away is {a}?",
            "how many meters away is {a}?",
            "tell me the distance to {a}",
        ),
        ("how far away from you is {a}?", "what is the distance from you to {a}?"),
    ),
    "separation": Templates(
        (
            "how far is {a} from {b}?",
            "how far apart are {a} and {b}?",
            "what is the distance between {a} and {b}?",
            "what is the distance from {a} to {b}?",
            "how far away is {a} from {b}?",
        ),
        ("how many metres apart are {a} and {b}?", "tell me the distance between {a} and {b}"),
    ),
    "height": Templates(
        (
            "how tall is {a}?",
            "how high is {a}?",
            "what is the height of {a}?",
            "how many metres high is {a}?",
            "tell me the height of {a}",
        ),
        ("how many metres tall is {a}?", "how many meters high is {a}?"),
    ),
    "width": Templates(
        (
            "how wide is {a}?",
            "what is the width of {a}?",
            "how many metres wide is {a}?",
            "please tell me the width of {a}",
        ),
        ("tell me the width of {a}", "how many meters wide is {a}?"),
    ),
    "direction": Templates(
        (
            "do i turn left or right to face {a}?",
            "should i turn left or right to face {a}?",
            "which way do i turn to face {a}?",
            "is {a} to the left, to the right or straight ahead?",
            "in which direction is {a}?",
        ),
        ("which way should i turn to face {a}?", "is {a} straight ahead, left or right?"),
    ),
    "side": Templates(
        (
            "is {a} left or right of {b}?",
            "is {a} to the left or to the right of {b}?",
            "is {a} to the left or right of {b}?",
            "on which side of {b} is {a}?",
            "is {a} right or left of {b}?",
        ),
        ("is {a} on the left or right of {b}?", "is {a} to the right or left of {b}?"),
    ),
    "depth": Templates(
        (
            "is {a} in front of or behind {b}?",
            "is {a} behind or in front of {b}?",
            "is {a} standing in front of or behind {b}?",
            "does {a} stand in front of or behind {b}?",
        ),
        ("is {a} standing behind or in front of {b}?",),
    ),
    "room": Templates(
        (
            "what kind of room is this?",
            "which room is this?",
            "what type of room is this?",
            "what room are you in?",
        ),
        ("which kind of room is this?",),
    ),
    "situated_side": Templates(
        (
            "is {a} on my left or on my right?",
            "is {a} to my left or to my right?",
            "is {a} on my left or right?",
            "is {a} to my right or to my left?",
        ),
        ("is {a} to my left or right?",),
    ),
    "situated_thing": Templates(
        ("what is {where}?", "what do i see {where}?", "what stands {where}?", "tell me what is {where}"),
        ("tell me what stands {where}",),
    ),
}
"""{where} is of WHERE_FROM_ME."""

SEATED_FACING = Templates(
    (
        "i am sitting on {a} facing {b}.",
        "i am sitting on {a} and look at {b}.",
        "i sit on {a} facing {b}.",
        "i am on {a}, looking at {b}.",
    ),
    ("i sit on {a}, looking at {b}.",),
)
SEATED = Templates(
    (
        "i am sitting on {a}.",
        "i sit on {a}.",
        "i am sitting on {a}, looking straight ahead.",
        "i am on {a}, facing straight ahead.",
    ),
    ("i sit on {a}, facing straight ahead.",),
)
STANDING_FACING = Templates(
    (
        "i am standing where {a} is, facing {b}.",
        "i stand where {a} is and look at {b}.",
        "i am where {a} is, facing {b}.",
        "i stand where {a} is, looking at {b}.",
    ),
    ("i am standing where {a} is, looking at {b}.",),
)
WHERE_FROM_ME = {
    "left": Templates(("on my left", "to my left", "on my left side"), ("on my left hand side",)),
    "right": Templates(("on my right", "to my right", "on my right side"), ("on my right hand side",)),
    "behind": Templates(("behind me", "in back of me"), ("right behind me",)),
}


def intents() -> dict[str, Templates]:
    """Return every intent of expressions and questions by a name of its own."""
    single = {
        "request": REQUESTS,
        "where_is": WHERE_IS,
        "where_are": WHERE_ARE,
        "colored": COLORED,
        "made_of": MADE_OF,
        "colored_and_made_of": COLORED_AND_MADE_OF,
        "all_of": ALL_OF,
        "both_of": BOTH_OF,
        "seated_facing": SEATED_FACING,
        "seated": SEATED,
        "standing_facing": STANDING_FACING,
        "against_the_wall": AGAINST_THE_WALL,
        "caption": CAPTIONS,
    }
    grouped = {
        "selected": SELECTED,
        "related": RELATED,
        "question": QUESTIONS,
        "where_from_me": WHERE_FROM_ME,
    }
    return single | {
        f"{group}_{name}": templates
        for group, members in grouped.items()
        for name, templates in members.items()
    }
