# SPDX-License-Identifier: Apache-2.0
"""Rooms are sound as numbers: deterministic, furnished as their type is, and arranged as things can stand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from room_geometry import GeometryOracle, is_underpinned

from ide3d_training.worlds import fixtures
from ide3d_training.worlds.categories import COLORS
from ide3d_training.worlds.placed_object import PlacedObject
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.scene_graph import IN, ON
from ide3d_training.worlds.splits import BY_NAME, HELD_OUT_PAIRS, HELD_OUT_ROOM_TYPE, ROOM_TYPES, SPLITS

ROOMS = 120
_CENTIMETRE = 0.01


@pytest.fixture(scope="module")
def rooms() -> list[Room]:
    return [Room.from_seed(seed) for seed in range(ROOMS)]


@pytest.fixture(scope="module")
def workshops() -> list[Room]:
    first = BY_NAME["test-layout"].first
    return [Room.from_seed(first + i) for i in range(20)]


@pytest.fixture(scope="module")
def checked(rooms, workshops) -> list[Room]:
    """Return the sixty rooms whose geometry is checked part by part."""
    return [*rooms[:45], *workshops[:15]]


@pytest.fixture(scope="module")
def oracle() -> GeometryOracle:
    return GeometryOracle()


def _furniture(room: Room) -> list[PlacedObject]:
    return [placed for placed in room.objects if not placed.category.small and placed.support is None]


def _described(room: Room) -> str:
    things = [
        (
            o.id,
            o.category.name,
            o.color,
            o.material,
            o.position.tolist(),
            o.yaw,
            o.support,
            o.relation,
            repr(o.parts),
        )
        for o in room.objects
    ]
    return json.dumps([room.room_type, room.size.tolist(), things, repr(room.shell)])


def test_the_same_seed_gives_the_same_room_in_another_process(rooms):
    program = (
        "import hashlib; from ide3d_training.worlds.room import Room;"
        "r = Room.from_seed(7);"
        "print(r.room_type, len(r.objects), *(f'{o.yaw!r} {o.position!r}' for o in r.objects))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    room = rooms[7]
    expected = [room.room_type, str(len(room.objects)), *(f"{o.yaw!r} {o.position!r}" for o in room.objects)]
    assert output.strip() == " ".join(expected)
    assert _described(Room.from_seed(7)) == _described(room)


def test_another_seed_gives_another_room(rooms):
    assert len({tuple(room.size) for room in rooms}) == ROOMS
    assert len({repr([(o.color, o.yaw) for o in room.objects]) for room in rooms}) == ROOMS
    assert len({repr(room.shell) for room in rooms}) == ROOMS


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="-3"):
        Room.from_seed(-3)


def test_ids_count_the_objects_and_fit_into_the_ids_picture(rooms):
    for room in rooms:
        assert [placed.id for placed in room.objects] == list(range(1, len(room.objects) + 1))
        assert len(room.objects) <= 250
        for placed in room.objects:
            assert placed.support is None or placed.support < placed.id


def test_rooms_are_full_but_some_are_sparse(rooms):
    counts = np.array([len(_furniture(room)) for room in rooms])
    assert np.mean((counts >= 5) & (counts <= 16)) > 0.75
    assert 0.03 < np.mean(counts < 5) < 0.25
    assert counts.min() >= 1
    clutter = np.array([len(room.objects) for room in rooms]) - counts
    assert np.mean((clutter >= 3) & (clutter <= 16)) > 0.7


def test_sizes_are_those_of_rooms(rooms):
    sizes = np.array([room.size for room in rooms])
    assert 3.5 <= sizes[:, :2].min() and sizes[:, :2].max() <= 8.0
    assert 2.4 <= sizes[:, 2].min() and sizes[:, 2].max() <= 3.0
    assert sizes[:, :2].max() > 7.0 and sizes[:, :2].min() < 3.8


def test_every_type_has_furniture_of_its_own(rooms, workshops):
    shares: dict[str, Counter] = {}
    for kind in ROOM_TYPES:
        group = [room for room in (*rooms, *workshops) if room.room_type == kind]
        assert len(group) >= 15
        present = Counter(
            name for room in group for name in {placed.category.name for placed in room.objects}
        )
        shares[kind] = Counter({name: count / len(group) for name, count in present.items()})
    for kind, telling in (
        ("living room", "sofa"),
        ("kitchen", "stove"),
        ("kitchen", "fridge"),
        ("office", "desk"),
        ("bedroom", "bed"),
        ("workshop", "workbench"),
        ("workshop", "toolbox"),
    ):
        assert shares[kind][telling] > 0.6, (kind, telling)
        assert all(shares[other][telling] < 0.35 for other in ROOM_TYPES if other != kind), (kind, telling)


def test_only_the_test_of_layouts_has_workshops(rooms, workshops):
    assert {room.room_type for room in workshops} == {HELD_OUT_ROOM_TYPE}
    for split in SPLITS:
        if split.name != "test-layout":
            assert all(Room.from_seed(split.first + i).room_type != HELD_OUT_ROOM_TYPE for i in range(6))


def test_held_out_pairs_stand_only_in_rooms_that_test_them(rooms, workshops):
    for room in (*rooms, *workshops):
        assert not {(o.category.name, o.color) for o in room.objects} & HELD_OUT_PAIRS
    first = BY_NAME["test-pairs"].first
    pairs = [(o.category.name, o.color) for i in range(15) for o in Room.from_seed(first + i).objects]
    assert 0.3 < np.mean([pair in HELD_OUT_PAIRS for pair in pairs]) < 0.7


def test_categories_come_in_every_other_colour_and_all_their_materials(rooms):
    seen: dict[str, set[str]] = {}
    made_of: dict[str, set[str]] = {}
    for room in rooms:
        for placed in room.objects:
            seen.setdefault(placed.category.name, set()).add(placed.color)
            made_of.setdefault(placed.category.name, set()).add(placed.material)
            assert placed.material in placed.category.materials
    for name in ("chair", "table", "book", "cabinet"):
        assert seen[name] == {color for color in COLORS if (name, color) not in HELD_OUT_PAIRS}
    assert len(made_of["chair"]) > 3


def test_one_word_is_often_not_enough(rooms):
    """Several objects of a category in different colours are common."""

    def ambiguous(room: Room) -> bool:
        colors: dict[str, set[str]] = {}
        for placed in room.objects:
            colors.setdefault(placed.category.name, set()).add(placed.color)
        return any(len(group) > 1 for group in colors.values())

    assert np.mean([ambiguous(room) for room in rooms]) > 0.7


def test_rooms_that_test_distance_are_long():
    split = BY_NAME["test-far"]
    for i in range(10):
        assert Room.from_seed(split.first + i).size[:2].max() >= split.camera.distance[0][0] + 1.5


def test_nothing_interpenetrates(checked, oracle):
    for room in checked:
        oracle.load(room)
        for a, b, depth in oracle.interpenetrations(_CENTIMETRE):
            names = [room.objects[i - 1].category.name if i else "fixture" for i in (a, b)]
            pytest.fail(f"seed {room.seed}: {names[0]} {a} and {names[1]} {b} share {1000 * depth:.0f} mm")


def test_the_oracle_finds_a_chair_that_is_moved_into_a_table(rooms, oracle):
    room = next(room for room in rooms if {"chair", "table"} <= {o.category.name for o in room.objects})
    table = next(o for o in room.objects if o.category.name == "table")
    objects = [
        replace(o, position=table.position + [0.05, 0.0, 0.0]) if o.category.name == "chair" else o
        for o in room.objects
    ]
    oracle.load(replace(room, objects=tuple(objects)))
    assert any(table.id in (a, b) for a, b, _ in oracle.interpenetrations(_CENTIMETRE))


def test_everything_is_inside_the_walls(checked, oracle):
    for room in checked:
        oracle.load(room)
        for placed in room.objects:
            low, high = oracle.reach(placed.id)
            assert np.all(low[:2] > -room.size[:2] / 2) and np.all(high[:2] < room.size[:2] / 2)
            assert low[2] > -1e-6 and high[2] < room.size[2]


def test_nothing_floats(checked, oracle):
    carried = 0
    for room in checked:
        oracle.load(room)
        for placed in room.objects:
            if placed.support is None:
                assert oracle.reach(placed.id)[0][2] == pytest.approx(0.0, abs=1e-6)
                continue
            carried += 1
            support = room.objects[placed.support - 1]
            names = f"seed {room.seed}: {placed.category.name} {placed.id} and {support.category.name}"
            assert oracle.gap(placed.id, support.id) < _CENTIMETRE, names
            assert is_underpinned(placed, support, _CENTIMETRE), names
    assert carried > 200


def test_things_stand_on_in_and_under_others(rooms):
    relations = Counter(o.relation for room in rooms for o in room.objects if o.support is not None)
    assert relations[ON] > 300 and relations[IN] > 60
    for room in rooms:
        assert all(o.relation == ON for o in room.objects if o.support is None)
    assert sum(_is_sheltered(o, room) for room in rooms for o in room.objects) > 25


def _is_sheltered(placed: PlacedObject, room: Room) -> bool:
    """Say whether something on the floor lies within the footprint of a higher table or the like."""
    if placed.support is not None or placed.category.name == "chair":
        return False
    for other in room.objects:
        if other.category.name in ("table", "desk", "bench", "workbench") and other.support is None:
            local = (placed.position - other.position) @ other.rotation
            if other.id != placed.id and np.all(np.abs(local[:2]) < other.extents[:2] / 2):
                return bool(placed.extents[2] < other.extents[2])
    return False


def test_furniture_is_against_a_wall_only_if_its_back_is(rooms):
    labelled = 0
    for room in rooms:
        for placed in room.objects:
            if placed.against_wall and placed.symmetry == "none":
                labelled += 1
                back = placed.position[:2] - placed.rotation[:2, 0] * placed.extents[0] / 2
                assert (room.size[:2] / 2 - np.abs(back)).min() < 0.125
                assert placed.support is None
    assert labelled > 150


def test_the_doorway_stays_free(rooms):
    """Before the door frame, the fixture that is 2.05 m high, there is space to come in."""
    for room in rooms:
        frame = next(part for part in room.shell.fixtures if abs(2 * part.half[1] - 2.05) < 1e-6)
        inward = frame.rotation[:, 2]
        for placed in _furniture(room):
            reach = placed.extents[0] / 2 * abs(inward @ placed.rotation[:, 0])
            reach += placed.extents[1] / 2 * abs(inward @ placed.rotation[:, 1])
            along = frame.rotation[:, 0]
            side = placed.extents[0] / 2 * abs(along @ placed.rotation[:, 0])
            side += placed.extents[1] / 2 * abs(along @ placed.rotation[:, 1])
            offset = placed.position - frame.center
            ahead = offset @ inward - reach > 0.75
            assert ahead or abs(offset @ along) + 0.01 > frame.half[0] + side - 0.35, f"seed {room.seed}"


def test_fixtures_on_walls_are_flatter_than_the_gap_behind_furniture(rooms):
    for room in rooms:
        inner = room.size[:2] / 2 - 0.03
        for part in room.shell.fixtures:
            if part.finish == fixtures.GLOW or part.center[2] > room.size[2] - 0.35 or not part.casts_shadow:
                continue  # lamps and rugs are not on walls
            nearest = np.abs(part.center[:2]) - np.abs(part.rotation[:2]) @ part.half
            assert np.any(nearest >= inner)


def test_shells_vary(rooms):
    assert len({room.shell.floor_finish for room in rooms}) == 8
    assert len({finish for room in rooms for finish in room.shell.wall_finish}) >= 6
    assert {len(room.shell.lights) for room in rooms} == {1, 2, 3, 4}
    shadows = [sum(light.casts_shadow for light in room.shell.lights) for room in rooms]
    assert set(shadows) == {1, 2}
