# SPDX-License-Identifier: Apache-2.0
"""Captions of an object say what it is and where it is, truly and in several ways."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from ide3d_training.worlds.language import Checker, captions
from ide3d_training.worlds.language.captions import MAX_CAPTIONS
from ide3d_training.worlds.language.grammar import parse_expression
from ide3d_training.worlds.scene_graph import IN

MUG = (0.1, 0.1, 0.1)
_FRAME_OF_CAPTION = re.compile(r"^(?:this is |there is |here you see |here is )?(?P<said>an? .+?)(?: here)?$")


def said(caption: str) -> str:
    """Return the noun phrase of a caption."""
    return _FRAME_OF_CAPTION.match(caption)["said"]


def test_captions_name_attributes_and_neighbours(frame, placed):
    scene = frame(
        placed(1, "red wood chair", 3.0, 0.8),
        placed(2, "blue glass table", 3.0, 0.0),
        placed(3, "white metal mug", 3.0, 0.0, MUG, above=0.8, on=2),
    )
    phrases = [parse_expression(said(caption)) for caption in captions(scene, scene.objects[0])]
    assert {(p.category, p.color, p.material) for p in phrases} == {("chair", "red", "wood")}
    related = {phrase.relation.name for phrase in phrases if phrase.relation is not None}
    assert related <= {"next_to", "left_of"} and related
    mug = [parse_expression(said(caption)) for caption in captions(scene, scene.objects[2])]
    assert any(phrase.relation is not None and phrase.relation.name == "on" for phrase in mug)


def test_what_is_inside_is_said_to_be_inside(frame, placed):
    scene = frame(
        placed(1, "red wood cabinet", 3.0, 0.8),
        placed(2, "blue paper book", 3.0, 0.8, MUG, above=0.3, on=1, relation=IN),
    )
    phrases = [parse_expression(said(caption)) for caption in captions(scene, scene.objects[1])]
    assert "in" in {phrase.relation.name for phrase in phrases if phrase.relation is not None}


def test_every_caption_is_true_of_its_object(many_frames):
    related = 0
    for scene in many_frames[:60]:
        checker = Checker(scene)
        for item in scene.referable:
            for caption in captions(scene, item):
                words = said(caption).split(" ", 1)[1]
                phrase = parse_expression(words)
                assert (phrase.category, phrase.color) == (item.category, item.color)
                related += phrase.relation is not None
                if phrase.relation is not None:
                    found = checker.denoted(f"everything {_place(words, item)}")
                    one = checker.denoted(words)
                    assert (one is None or one == (item.id,)) and (found is None or item.id in found), caption
    assert related > 500


def _place(words: str, item) -> str:
    """Drop noun and attributes: "on the table" of "red mug that is on the table"."""
    words = words.split(item.category, 1)[1]
    words = re.sub(r"^ (?:that is |which is )?made of \w+", "", words)
    return re.sub(rf"^ (?:that is |which is ){item.color}", "", words).strip()


def test_captions_are_several_different_and_repeatable(many_frames):
    counts = []
    for scene in many_frames[:40]:
        for item in scene.referable:
            found = captions(scene, item)
            assert len(set(found)) == len(found) <= MAX_CAPTIONS
            assert found == captions(scene, item)
            counts.append(len(found))
    assert np.mean(counts) > 4


def test_lone_object_is_still_described(frame, placed):
    scene = frame(placed(1, "red wood chair", 3.0, 0.0))
    assert len(captions(scene, scene.objects[0])) == 1


def test_object_against_the_wall_is_said_to_stand_there(frame, placed):
    sofa = replace(placed(1, "red fabric sofa", 3.0, 0.0), against_wall=True)
    assert any("against the wall" in caption for caption in captions(frame(sofa), sofa))


def test_object_that_hardly_shows_cannot_be_described(frame, placed, glimpsed):
    scene = frame(placed(1, "red wood chair", 3.0, 0.0, shown=glimpsed))
    with pytest.raises(ValueError, match="shows too little"):
        captions(scene, scene.objects[0])


def test_pair_kept_from_training_is_not_named(frame, placed):
    chair = placed(1, "yellow wood chair", 3.0, 0.0)
    assert not any("yellow" in caption for caption in captions(frame(chair), chair))
    assert all("yellow" in caption for caption in captions(frame(chair, seed=600_000), chair))
