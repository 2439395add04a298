# SPDX-License-Identifier: Apache-2.0
"""English for the intents of questions; see `templates` for slots and for what unseen wordings are."""

from __future__ import annotations

from .templates import Templates

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


def question_intents() -> dict[str, Templates]:
    """Return every intent of this module by a name of its own."""
    situations = {"seated_facing": SEATED_FACING, "seated": SEATED, "standing_facing": STANDING_FACING}
    return (
        situations
        | {f"question_{name}": options for name, options in QUESTIONS.items()}
        | {f"where_from_me_{name}": options for name, options in WHERE_FROM_ME.items()}
    )
