# SPDX-License-Identifier: Apache-2.0
"""Every wording is read as what it is meant to say; anything else is refused."""

from __future__ import annotations

import pytest

from ide3d_training.worlds.categories import CATEGORIES, MATERIALS
from ide3d_training.worlds.language import QUESTION_KINDS, UnknownTextError, templates
from ide3d_training.worlds.language.grammar import ParsedQuestion, parse_expression, parse_question
from ide3d_training.worlds.language.phrases import BOTH, MANY, ONE, RELATIONS, NounPhrase, Relation
from ide3d_training.worlds.language.wording import adjective, plural

CHAIR = NounPhrase("chair", "blue")
TABLE, SOFA = NounPhrase("table"), NounPhrase("sofa", None, "leather")
THE_TABLE, THE_SOFA = "the table", "the sofa made of leather"


def all_of(options: templates.Templates) -> tuple[str, ...]:
    return options.seen + options.unseen


def every(group: dict[str, templates.Templates]) -> list[tuple[str, str]]:
    return [(name, template) for name, options in group.items() for template in all_of(options)]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("red chair", NounPhrase("chair", "red")),
        ("Where is the red chair?", NounPhrase("chair", "red")),
        ("please locate all the bookshelves", NounPhrase("bookshelf", number=MANY)),
        ("every blue object", NounPhrase(None, "blue", number=MANY)),
        ("both of the boxes", NounPhrase("box", number=BOTH)),
        ("the two chairs", NounPhrase("chair", number=BOTH)),
        ("the white wooden desk", NounPhrase("desk", "white", "wood")),
        ("the desk made of wood that is white", NounPhrase("desk", "white", "wood")),
        ("everything on the table", NounPhrase(None, number=MANY, relation=Relation("on", (TABLE,)))),
        ("the larger of the two chairs", NounPhrase("chair", selector="larger")),
        (
            "the leftmost mug on the table",
            NounPhrase("mug", selector="leftmost", relation=Relation("on", (TABLE,))),
        ),
        (
            "the mug on the left side of the table that is wooden",
            None,
        ),
        (
            "the mug to the left of the table made of wood",
            NounPhrase("mug", relation=Relation("left_of", (NounPhrase("table", None, "wood"),))),
        ),
        (
            "the bin between the table and the sofa made of leather",
            NounPhrase("bin", relation=Relation("between", (TABLE, SOFA))),
        ),
    ],
)
def test_expression_is_read_as_what_it_says(text, meaning):
    if meaning is None:
        with pytest.raises(UnknownTextError):
            parse_expression(text)
    else:
        assert parse_expression(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the",
        "the zebra",
        "the red",
        "the chair with the cat",
        "find",
        "chair chair",
        "the second chair",
        "the chair between the table",
        "the chair on",
    ],
)
def test_text_outside_the_grammar_is_refused(text):
    with pytest.raises(UnknownTextError):
        parse_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "why is the chair red?",
        "is there anything loud?",
        "i am sitting on the chair. what is the time?",
        "i am standing where the chair is. what is on my left?",
        "how far is the chair from?",
    ],
)
def test_question_outside_the_grammar_is_refused(text):
    with pytest.raises(UnknownTextError):
        parse_question(text)


@pytest.mark.parametrize("template", all_of(templates.REQUESTS) + all_of(templates.WHERE_IS))
def test_every_request_leaves_the_phrase_as_it_is(template):
    assert parse_expression(template.format(a="the blue chair")) == CHAIR


@pytest.mark.parametrize("template", all_of(templates.WHERE_ARE))
def test_every_question_after_several_leaves_the_phrase_as_it_is(template):
    assert parse_expression(template.format(a="all chairs")) == NounPhrase("chair", number=MANY)


@pytest.mark.parametrize("template", all_of(templates.ALL_OF))
def test_every_determiner_of_many_is_read(template):
    assert parse_expression(template.format(n="chair", s="chairs")) == NounPhrase("chair", number=MANY)


@pytest.mark.parametrize("template", all_of(templates.BOTH_OF))
def test_every_determiner_of_two_is_read(template):
    assert parse_expression(template.format(s="chairs")) == NounPhrase("chair", number=BOTH)


@pytest.mark.parametrize("material", MATERIALS)
@pytest.mark.parametrize(
    "template", all_of(templates.MADE_OF) + all_of(templates.COLORED) + all_of(templates.COLORED_AND_MADE_OF)
)
def test_every_way_to_state_attributes_is_read(template, material):
    words = template.format(n="box", c="pink", m=adjective(material), x=material)
    stated = (
        "pink" if "{c}" in template else None,
        material if "{m}" in template or "{x}" in template else None,
    )
    assert parse_expression(f"the {words}") == NounPhrase("box", *stated)


@pytest.mark.parametrize(("selector", "template"), every(templates.SELECTED))
def test_every_selector_is_read(selector, template):
    words = template.format(n="blue chair", s="blue chairs")
    assert parse_expression(f"the {words}") == NounPhrase("chair", "blue", selector=selector)
    assert parse_expression(words) == NounPhrase("chair", "blue", selector=selector)


@pytest.mark.parametrize(("relation", "template"), every(templates.RELATED))
def test_every_relation_is_read(relation, template):
    words = template.format(n="blue chair", a=THE_TABLE, b=THE_SOFA)
    anchors = (TABLE, SOFA) if relation == "between" else (TABLE,)
    meaning = NounPhrase("chair", "blue", number=ONE, relation=Relation(relation, anchors))
    assert parse_expression(f"the {words}") == meaning


def test_every_relation_can_be_worded():
    assert set(templates.RELATED) == set(RELATIONS)


@pytest.mark.parametrize(
    ("intent", "template"),
    [pair for pair in every(templates.QUESTIONS) if not pair[0].startswith("situated")],
)
def test_every_question_is_read(intent, template):
    if intent == "existence":
        meaning, text = (CHAIR,), template.format(a="a blue chair")
    elif intent == "existence_color":
        meaning, text = (NounPhrase(None, "blue", number=MANY),), template.format(c="blue")
    elif intent in ("existence_many", "count"):
        meaning = (NounPhrase("chair", "blue", number=MANY),)
        text = template.format(s="blue chairs")
    else:
        text = template.format(a="the sofa made of leather", b="the table that is red")
        meaning = (SOFA, NounPhrase("table", "red"))[: ("{a}" in template) + ("{b}" in template)]
    kind = "existence" if intent.startswith("existence") else intent
    assert parse_question(text) == ParsedQuestion(kind, meaning)


@pytest.mark.parametrize(
    "situation",
    all_of(templates.SEATED_FACING) + all_of(templates.SEATED) + all_of(templates.STANDING_FACING),
)
def test_every_situation_is_read(situation):
    said = situation.format(a=THE_TABLE, b=THE_SOFA)
    faced = SOFA if "{b}" in situation else None
    for template in all_of(templates.QUESTIONS["situated_side"]):
        asked = template.format(a="the blue chair")
        meaning = ParsedQuestion("situated_side", (CHAIR,), TABLE, faced)
        assert parse_question(f"{said} {asked}") == meaning
    for toward, where in every(templates.WHERE_FROM_ME):
        for template in all_of(templates.QUESTIONS["situated_thing"]):
            asked = template.format(where=where)
            meaning = ParsedQuestion("situated_thing", (), TABLE, faced, toward)
            assert parse_question(f"{said} {asked}") == meaning


def test_every_kind_of_question_can_be_worded():
    asked = {kind for kind in templates.QUESTIONS if not kind.startswith(("existence_", "support_"))}
    assert asked | {"support"} == set(QUESTION_KINDS)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_is_known_in_singular_and_plural(category):
    assert parse_expression(f"the {category}") == NounPhrase(category)
    assert parse_expression(f"all {plural(category)}") == NounPhrase(category, number=MANY)


@pytest.mark.parametrize(
    ("noun", "several"),
    [
        ("box", "boxes"),
        ("bench", "benches"),
        ("bookshelf", "bookshelves"),
        ("mug", "mugs"),
        ("vase", "vases"),
    ],
)
def test_plurals_are_english(noun, several):
    assert plural(noun) == several
