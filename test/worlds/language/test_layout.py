# SPDX-License-Identifier: Apache-2.0
"""Spatial relations are what a person at the camera would say, and both of their computations agree."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.rotation import optical_from_level
from ide3d_training.datasets.augmentation import mirror_graph
from ide3d_training.worlds.language.layout import HOLDS_NOT, Layout
from ide3d_training.worlds.language.sight import Sight
from ide3d_training.worlds.scene_graph import IN

PAIR_RELATIONS = ("on", "in", "under", "next_to", "left_of", "right_of", "behind", "in_front_of")
VERDICTS = {True: 1, None: 0, False: -1}
MUG = (0.1, 0.1, 0.1)


def judged(scene, relation: str, first: int = 1, second: int = 2) -> bool | None:
    """Judge a relation between objects by their ids, both ways, and see that the two agree."""
    by_id = {item.id: k for k, item in enumerate(scene.objects)}
    verdict = Sight(scene).holds(relation, scene.objects[by_id[first]], (scene.objects[by_id[second]],))
    found = Layout(scene, scene.objects).verdicts(relation)[by_id[first], by_id[second]]
    assert found == VERDICTS[verdict]
    return verdict


@pytest.mark.parametrize(
    ("left", "relation", "verdict"),
    [
        (1.0, "left_of", True),
        (1.0, "right_of", False),
        (-1.0, "left_of", False),
        (-1.0, "right_of", True),
        (0.15, "left_of", None),  # in front of the anchor's left half
        (0.15, "right_of", False),
        (0.0, "left_of", False),
    ],
)
def test_left_and_right_are_the_cameras(frame, placed, left, relation, verdict):
    scene = frame(placed(1, "red chair", 2.0, left), placed(2, "blue table", 3.0, 0.0))
    assert judged(scene, relation) is verdict


@pytest.mark.parametrize(
    ("ahead", "left", "relation", "verdict"),
    [
        (4.5, 0.0, "behind", True),
        (4.5, 0.0, "in_front_of", False),
        (1.8, 0.2, "in_front_of", True),
        (1.8, 0.2, "behind", False),
        (3.2, 0.0, "behind", None),  # stands in it, as far as boxes tell
        (4.0, 0.8, "behind", None),  # behind it, or beside it?
        (3.5, 1.5, "behind", False),
    ],
)
def test_behind_and_in_front_are_the_cameras(frame, placed, ahead, left, relation, verdict):
    scene = frame(placed(1, "red chair", ahead, left), placed(2, "blue table", 3.0, 0.0, yaw=0.7))
    assert judged(scene, relation) is verdict


@pytest.mark.parametrize(
    ("gap", "verdict"), [(0.05, True), (0.3, True), (0.4, None), (0.5, None), (0.6, False), (2.0, False)]
)
def test_next_to_goes_by_the_gap_between_footprints(frame, placed, gap, verdict):
    scene = frame(placed(1, "red chair", 3.0, 0.5 + gap), placed(2, "blue table", 3.0, 0.0))
    assert judged(scene, "next_to") is verdict
    assert judged(scene, "next_to", 2, 1) is verdict


def test_next_to_a_turned_box_is_next_to_its_corner(frame, placed):
    turned = placed(2, "blue table", 3.0, 0.0, yaw=np.pi / 4)
    assert judged(frame(placed(1, "red chair", 3.0, 0.9), turned), "next_to") is True
    assert (
        judged(frame(placed(1, "red chair", 3.0, 0.9), placed(2, "blue table", 3.0, 0.0)), "next_to") is None
    )


def test_small_things_are_next_to_one_another_only_when_close(frame, placed):
    scene = frame(placed(1, "red mug", 3.0, 0.4, MUG), placed(2, "blue mug", 3.0, 0.0, MUG))
    assert judged(scene, "next_to") is None
    scene = frame(placed(1, "red mug", 3.0, 0.6, MUG), placed(2, "blue mug", 3.0, 0.0, MUG))
    assert judged(scene, "next_to") is False


def test_things_of_different_height_are_not_plainly_next_to_one_another(frame, placed):
    scene = frame(
        placed(1, "red mug", 3.0, 0.4, MUG, above=0.8, on=3),
        placed(2, "blue table", 3.0, 0.0),
        placed(3, "red table", 3.0, 0.6),
    )
    assert judged(scene, "next_to") is None


@pytest.mark.parametrize(
    ("left", "height", "verdict"), [(0.0, 0.3, True), (0.0, 0.9, None), (0.23, 0.3, None), (0.4, 0.3, False)]
)
def test_under_is_below_the_top_and_inside_the_footprint(frame, placed, left, height, verdict):
    scene = frame(placed(1, "red box", 3.0, left, (0.2, 0.2, height)), placed(2, "blue table", 3.0, 0.0))
    assert judged(scene, "under") is verdict


def test_what_carries_a_thing_is_neither_beside_nor_under_it(frame, placed):
    scene = frame(placed(1, "red mug", 3.0, 0.2, MUG, above=0.8, on=2), placed(2, "blue table", 3.0, 0.0))
    for relation in ("left_of", "right_of", "behind", "in_front_of", "next_to"):
        assert judged(scene, relation) is None and judged(scene, relation, 2, 1) is None
    assert judged(scene, "under", 2, 1) is False


def test_on_and_in_follow_how_a_thing_is_carried(frame, placed):
    scene = frame(
        placed(1, "red table", 3.0, 0.0),
        placed(2, "blue tray", 3.0, 0.0, (0.4, 0.4, 0.05), above=0.8, on=1),
        placed(3, "red mug", 3.0, 0.0, MUG, above=0.85, on=2),
        placed(4, "red cabinet", 3.0, 1.0),
        placed(5, "red book", 3.0, 1.0, MUG, above=0.4, on=4, relation=IN),
    )
    assert judged(scene, "on", 2, 1) is True
    assert judged(scene, "on", 3, 2) is True
    assert judged(scene, "on", 3, 1) is None  # by way of the tray
    assert judged(scene, "on", 5, 4) is None
    assert judged(scene, "in", 5, 4) is True
    assert judged(scene, "in", 3, 2) is None
    assert judged(scene, "on", 3, 4) is judged(scene, "in", 3, 4) is False


@pytest.mark.parametrize(
    ("ahead", "left", "verdict"),
    [
        (3.0, 0.0, True),
        (3.3, 0.2, True),
        (3.6, 0.0, None),
        (3.0, 0.75, None),
        (3.0, 1.1, False),
        (4.5, 0.0, False),
    ],
)
def test_between_is_near_the_line_and_off_its_ends(frame, placed, ahead, left, verdict):
    scene = frame(
        placed(1, "red bin", ahead, left),
        placed(2, "blue table", 3.0, -1.2),
        placed(3, "blue sofa", 3.0, 1.2),
    )
    found = Sight(scene).holds("between", scene.objects[0], scene.objects[1:])
    assert found is verdict
    assert Layout(scene, scene.objects).between(np.array([[1, 2]]))[0, 0] == VERDICTS[verdict]


def test_bearings_are_counted_from_the_heading_to_the_left(frame, placed):
    scene = frame(
        placed(1, "red chair", 3.0, 0.0, yaw=np.pi),  # faces the camera
        placed(2, "blue table", 3.0, 2.0),
        placed(3, "blue sofa", 1.0, 0.0),
    )
    sight, layout = Sight(scene), Layout(scene, scene.objects)
    chair, table, sofa = scene.objects
    assert sight.bearing(table) == pytest.approx(np.arctan2(2, 3))
    assert sight.bearing(table, chair) == pytest.approx(-np.pi / 2)  # on the sitter's right
    assert sight.bearing(table, chair, sofa) == pytest.approx(-np.pi / 2)
    assert sight.bearing(sofa, chair, table) == pytest.approx(np.pi / 2)
    angles, away = layout.bearings(0, None)
    assert angles[1:] == pytest.approx([-np.pi / 2, 0.0], abs=1e-9)
    assert away == pytest.approx([0.0, 2.0, 2.0], abs=1e-9)
    assert layout.bearings(0, 1)[0][2] == pytest.approx(np.pi / 2)


def test_both_computations_agree_on_every_pair_of_crowded_rooms(many_frames):
    for scene in many_frames[:60]:
        sight, layout = Sight(scene), Layout(scene, scene.objects)
        for relation in PAIR_RELATIONS:
            verdicts = layout.verdicts(relation)
            for a, b in permutations(range(len(scene.objects)), 2):
                holds = sight.holds(relation, scene.objects[a], (scene.objects[b],))
                assert verdicts[a, b] == VERDICTS[holds], (relation, scene.objects[a], scene.objects[b])


def test_both_computations_agree_on_what_is_between_in_crowded_rooms(many_frames):
    for scene in many_frames[:20]:
        sight, layout = Sight(scene), Layout(scene, scene.objects)
        for a, b in permutations(range(len(scene.objects)), 2):
            found = layout.between(np.array([[a, b]]))[:, 0]
            for k in set(range(len(scene.objects))) - {a, b}:
                anchors = (scene.objects[a], scene.objects[b])
                assert found[k] == VERDICTS[sight.holds("between", scene.objects[k], anchors)]


def test_mirroring_swaps_left_and_right_and_nothing_else(many_frames):
    for scene in many_frames[:40]:
        mirrored = mirror_graph(scene)
        plain, swapped = Layout(scene, scene.objects), Layout(mirrored, mirrored.objects)
        assert (plain.verdicts("left_of") == swapped.verdicts("right_of")).all()
        for relation in ("under", "next_to", "behind", "in_front_of"):
            assert (plain.verdicts(relation) == swapped.verdicts(relation)).all()
        if len(scene.objects) > 1:
            assert plain.bearings(0, 1)[0] == pytest.approx(-swapped.bearings(0, 1)[0], abs=1e-6)
            assert np.cos(plain.bearings(0, None)[0]) == pytest.approx(np.cos(swapped.bearings(0, None)[0]))


def test_a_pitched_and_rolled_camera_sees_the_same_relations(frame, placed):
    level = frame(placed(1, "red chair", 2.0, 1.0), placed(2, "blue table", 3.0, 0.0, yaw=0.4))
    turn = optical_from_level(0.5, 0.15) @ optical_from_level(level.pitch, level.roll).T
    tilted = replace(
        level,
        pitch=0.5,
        roll=0.15,
        objects=tuple(
            replace(o, box=Box3D.from_matrix(turn @ o.box.center, o.box.extents, turn @ o.box.rotation))
            for o in level.objects
        ),
    )
    for relation in PAIR_RELATIONS:
        assert judged(level, relation) is judged(tilted, relation)


def test_no_object_stands_in_a_relation_to_itself(many_frames):
    layout = Layout(many_frames[0], many_frames[0].objects)
    for relation in PAIR_RELATIONS:
        assert (np.diag(layout.verdicts(relation)) == HOLDS_NOT).all()
