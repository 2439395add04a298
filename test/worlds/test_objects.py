# SPDX-License-Identifier: Apache-2.0
"""Single objects: sizes, colours, materials, and the surfaces that carry other things."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import manifold3d
import numpy as np
import pytest

from ide3d_training.worlds.categories import (
    BY_NAME,
    CATEGORIES,
    COLORS,
    SIZE_SPREAD,
    BuiltObject,
    build_object,
)
from ide3d_training.worlds.parts import BOX, CYLINDER, MATERIALS, Part, bounds, radius
from ide3d_training.worlds.scene_graph import IN, ON

_GAP = 0.002  # between parts that count as attached, metres


def _samples(name: str, count: int) -> list[BuiltObject]:
    """Return objects of every style of a category, ``count`` of each, in its materials in turn."""
    built = []
    for style in BY_NAME[name].styles:
        category = replace(BY_NAME[name], styles=(style,))
        for seed in range(count):
            material = style.materials[seed % len(style.materials)]
            built.append(build_object(category, "red", material, np.random.default_rng(seed)))
    return built


def test_the_order_of_categories_is_the_class_index():
    assert CATEGORIES == (
        *("chair", "table", "sofa", "bed", "cabinet", "bookshelf", "lamp", "plant", "bin", "stool", "fridge"),
        *("mug", "bottle", "book", "laptop", "ball"),
        *("armchair", "desk", "bench", "nightstand", "wardrobe", "stove", "microwave", "screen", "keyboard"),
        *("box", "basket", "suitcase", "backpack", "vase", "bowl", "pillow", "kettle", "magazine", "tray"),
        *("toolbox", "ladder", "workbench", "bucket", "printer"),
    )
    assert tuple(COLORS) == (
        *("red", "green", "blue", "yellow", "white", "black", "brown", "purple", "orange", "pink"),
    )


@pytest.mark.parametrize("name", CATEGORIES)
def test_an_object_fills_its_box_and_stands_on_the_ground(name):
    for built in _samples(name, 12):
        low, high = bounds(list(built.parts))
        assert low[2] == pytest.approx(0, abs=1e-9)
        assert high[2] == pytest.approx(built.extents[2])
        if built.symmetry == "round":
            assert built.extents[0] == built.extents[1]
            assert radius(list(built.parts)) == pytest.approx(built.extents[0] / 2)
        else:
            np.testing.assert_allclose(high[:2], built.extents[:2] / 2)
            np.testing.assert_allclose(low[:2], -built.extents[:2] / 2)


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_style_keeps_to_its_size(name):
    for style in BY_NAME[name].styles:
        category = replace(BY_NAME[name], styles=(style,))
        sizes = np.array(
            [
                build_object(
                    category, "red", style.materials[seed % len(style.materials)], np.random.default_rng(seed)
                ).extents
                for seed in range(120)
            ]
        )
        np.testing.assert_allclose(sizes.mean(axis=0), style.extents, rtol=0.05)
        assert np.all(np.abs(sizes / style.extents - 1) < SIZE_SPREAD + 0.07)


def test_the_prior_is_the_mean_over_materials_and_their_styles():
    lamp = BY_NAME["lamp"]
    rng = np.random.default_rng(0)
    sizes = [build_object(lamp, "blue", str(rng.choice(lamp.materials)), rng).extents for _ in range(2000)]
    np.testing.assert_allclose(np.mean(sizes, axis=0), lamp.extents, rtol=0.04)


@pytest.mark.parametrize("name", CATEGORIES)
def test_all_parts_hang_together(name):
    for built in _samples(name, 3):
        solids = [manifold3d.Manifold.hull_points(part.outline()) for part in built.parts]
        boxes = [bounds([part]) for part in built.parts]
        attached, waiting = {0}, [0]
        while waiting:
            one = waiting.pop()
            for other in set(range(len(solids))) - attached:
                apart = np.maximum(boxes[one][0] - boxes[other][1], boxes[other][0] - boxes[one][1])
                if apart.max() < _GAP and solids[one].min_gap(solids[other], 2 * _GAP) < _GAP:
                    attached.add(other)
                    waiting.append(other)
        loose = [built.parts[i] for i in set(range(len(solids))) - attached]
        assert not loose, f"{built.color} {built.material} {name}: {loose}"


# Lamps that reach out have a weight in their foot.
@pytest.mark.parametrize("name", [name for name in CATEGORIES if name != "lamp"])
def test_the_middle_of_an_object_is_above_what_it_stands_on(name):
    for built in _samples(name, 4):
        ground = np.concatenate([part.outline() for part in built.parts])
        ground = ground[ground[:, 2] < 0.006][:, :2]
        # The middle of the footprint is the origin: no line through it leaves all of the ground on one side.
        turn = np.arange(0, 2 * np.pi, 0.1)
        assert np.all((ground @ [np.cos(turn), np.sin(turn)]).max(axis=0) > -1e-6), built.material


@pytest.mark.parametrize("name", CATEGORIES)
def test_the_named_colour_and_material_show_on_the_object(name):
    category = BY_NAME[name]
    for seed, (color, material) in enumerate(itertools.product(COLORS, category.materials)):
        built = build_object(category, color, material, np.random.default_rng(seed))
        alike = [
            part
            for part in built.parts
            if np.abs(np.array(part.rgb) - COLORS[color]).max() < 0.08 and part.finish == material
        ]
        assert alike, f"{color} {material} {name}"
        assert (built.color, built.material) == (color, material)


def test_every_material_is_used_and_another_one_is_refused():
    assert {material for name in CATEGORIES for material in BY_NAME[name].materials} == set(MATERIALS)
    with pytest.raises(ValueError, match="no fridge is made of 'paper'; it may be of plastic, metal"):
        build_object(BY_NAME["fridge"], "red", "paper", np.random.default_rng(0))


def test_the_same_stream_builds_the_same_object():
    for name in CATEGORIES:
        material = BY_NAME[name].materials[0]
        one, two = (build_object(BY_NAME[name], "pink", material, np.random.default_rng(5)) for _ in range(2))
        assert repr(one) == repr(two)


def test_an_object_has_a_sane_number_of_parts():
    for name in CATEGORIES:
        counts = [len(built.parts) for built in _samples(name, 6)]
        assert max(counts) <= 32, name
        assert np.mean(counts) <= 26, name


def _inside(parts: tuple[Part, ...], points: np.ndarray) -> np.ndarray:
    """Return (N,) whether each point lies in one of the parts."""
    hit = np.zeros(len(points), bool)
    for part in parts:
        local = (points - part.center) @ part.rotation / part.half
        if part.shape == BOX:
            hit |= np.abs(local).max(axis=1) < 1
        elif part.shape == CYLINDER:
            hit |= (np.hypot(local[:, 0], local[:, 1]) < 1) & (np.abs(local[:, 2]) < 1)
        else:
            hit |= (local**2).sum(axis=1) < 1
    return hit


@pytest.mark.parametrize("name", CATEGORIES)
def test_surfaces_are_level_parts_with_the_headroom_they_claim(name):
    for built in _samples(name, 8):
        for place in built.surfaces:
            assert place.relation in (ON, IN)
            assert np.all(place.half > 0.03)
            corner = np.abs(place.center[:2]) + place.half
            assert np.all(corner <= built.extents[:2] / 2 + 1e-9)
            assert 0 < place.center[2] <= built.extents[2] + 1e-9
            grid = np.stack(np.meshgrid(np.linspace(-0.98, 0.98, 15), np.linspace(-0.98, 0.98, 49)), axis=-1)
            spots = np.column_stack([place.center[:2] + grid.reshape(-1, 2) * place.half, np.zeros(735)])
            carried = _inside(built.parts, spots + [0, 0, place.center[2] - 0.0008])
            assert carried.mean() > 0.8, f"{built.material} {name}"  # slats have gaps
            top = built.extents[2] + 0.01 if math.isinf(place.headroom) else place.center[2] + place.headroom
            for z in np.arange(place.center[2] + 0.001, top - 0.001, 0.01):
                blocked = _inside(built.parts, spots + [0, 0, z])
                assert not blocked.any(), f"{built.material} {name} at {z:.3f} of {top:.3f}"
            if not math.isinf(place.headroom):
                assert _inside(built.parts, spots + [0, 0, top + 0.006]).any(), f"{built.material} {name}"


def test_categories_that_support_things_have_surfaces_and_others_have_none():
    for name in CATEGORIES:
        assert any(built.surfaces for built in _samples(name, 8)) == BY_NAME[name].supports, name


def test_shelves_and_open_containers_hold_things_inside():
    for name in ("bookshelf", "box", "basket", "bucket", "bin", "nightstand", "wardrobe"):
        inside = [place for built in _samples(name, 20) for place in built.surfaces if place.relation == IN]
        assert len(inside) >= 5, name
    for built in _samples("bookshelf", 12):
        free = [place for place in built.surfaces if place.relation == IN]
        assert free
        assert max(place.headroom for place in free) > 0.2
