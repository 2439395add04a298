# SPDX-License-Identifier: Apache-2.0
"""Rooms are sound as numbers: deterministic, and arranged as things can stand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ide3d_ros.geometry.iou import oriented_iou
from ide3d_training.worlds.parts import BOX, CYLINDER, bounds
from ide3d_training.worlds.room import FURNITURE_RANGE, SMALL_RANGE, PlacedObject, Room

ROOMS = 100


@pytest.fixture(scope="module")
def rooms() -> list[Room]:
    return [Room.from_seed(seed) for seed in range(ROOMS)]


def _furniture(room: Room) -> list[PlacedObject]:
    return [placed for placed in room.objects if not placed.category.small]


def _described(room: Room) -> str:
    return repr(
        [
            (
                o.id,
                o.category.name,
                o.color,
                o.extents.tolist(),
                o.position.tolist(),
                o.yaw,
                o.support,
                repr(o.parts),
            )
            for o in room.objects
        ]
        + [room.size.tolist(), repr(room.style)]
    )


def test_the_same_seed_gives_the_same_room(rooms):
    for seed in (0, 7, 42):
        assert _described(Room.from_seed(seed)) == _described(rooms[seed])


def test_another_seed_gives_another_room(rooms):
    assert len({tuple(room.size) for room in rooms}) == ROOMS
    assert len({repr([(o.color, o.yaw) for o in room.objects]) for room in rooms}) == ROOMS


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="-3"):
        Room.from_seed(-3)


def test_rooms_hold_the_promised_number_of_things(rooms):
    for room in rooms:
        furniture = len(_furniture(room))
        assert FURNITURE_RANGE[0] <= furniture <= FURNITURE_RANGE[1]
        assert SMALL_RANGE[0] <= len(room.objects) - furniture <= SMALL_RANGE[1]
        assert [placed.id for placed in room.objects] == list(range(1, len(room.objects) + 1))
    assert {len(_furniture(room)) for room in rooms} == set(range(3, 8))


def test_nothing_interpenetrates(rooms):
    """Checked with exact mesh intersections, which the placement does not use."""
    for room in rooms:
        for a, b in itertools.combinations(room.objects, 2):
            if np.linalg.norm(a.position - b.position) < np.linalg.norm((a.extents + b.extents) / 2):
                overlap = oriented_iou(a.box(), b.box())
                assert overlap < 1e-6, (
                    f"seed {room.seed}: {a.category.name} {a.id} and {b.category.name} {b.id}"
                )


def test_nothing_sticks_through_a_wall(rooms):
    for room in rooms:
        for placed in room.objects:
            corners = placed.box().corners()
            assert np.all(np.abs(corners[:, :2]) < room.size[:2] / 2)
            assert corners[:, 2].max() < room.size[2]
        for fixture in room.style.fixtures:
            # Doors and windows lie flat on the walls: furniture against the wall must not touch them.
            reach = np.abs(fixture.center[:2]) + np.abs(fixture.rotation[:2, :2]) @ fixture.half[:2]
            assert np.any(reach >= room.size[:2] / 2 - 1e-9)
            inner = np.abs(fixture.center[:2]) - np.abs(fixture.rotation[:2, :2]) @ fixture.half[:2]
            assert np.any(room.size[:2] / 2 - inner < 0.03)


def test_nothing_floats(rooms):
    """Furniture touches the floor; a small object's whole base lies on one flat part of what carries it."""
    carried = 0
    for room in rooms:
        for placed in room.objects:
            assert bounds(list(placed.parts))[0][2] == pytest.approx(0, abs=1e-9)
            if placed.support is None:
                assert placed.position[2] == 0
                continue
            carried += 1
            support = room.objects[placed.support - 1]
            assert support.id == placed.support
            assert placed.position[2] == pytest.approx(support.extents[2], abs=1e-9)
            assert _rests_on(placed, support), (
                f"seed {room.seed}: {placed.category.name} on {support.category.name}"
            )
    assert carried > 30


def _rests_on(placed: PlacedObject, support: PlacedObject) -> bool:
    corners = (placed.box().corners() - support.position) @ support.rotation
    base = corners[corners[:, 2] < support.extents[2] + 1e-6][:, :2]
    for part in support.parts:
        if abs(part.center[2] + part.half[2] - support.extents[2]) > 1e-6:
            continue
        offset = base - part.center[:2]
        if part.shape == BOX and np.all(np.abs(offset) <= part.half[:2]):
            return True
        if part.shape == CYLINDER and np.all(np.linalg.norm(offset, axis=1) <= part.half[0]):
            return True
    return False


def test_furniture_that_belongs_at_a_wall_has_its_back_to_it(rooms):
    for room in rooms:
        for placed in _furniture(room):
            if not placed.category.against_wall:
                continue
            back = placed.position[:2] - placed.rotation[:2, 0] * placed.extents[0] / 2
            gap = (room.size[:2] / 2 - np.abs(back)).min()
            assert 0.029 < gap < 0.09
            assert np.dot(placed.rotation[:2, 0], -placed.position[:2]) > 0  # the front faces the room
