# SPDX-License-Identifier: Apache-2.0
"""Bounds of the primitives that objects are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide3d_training.worlds import parts
from ide3d_training.worlds.categories import BY_NAME, CATEGORIES, COLORS, SIZE_SPREAD, build_object
from ide3d_training.worlds.parts import BOX, CYLINDER, ELLIPSOID, Part, tilt

_RGB = (0.5, 0.4, 0.3)


@given(
    shape=st.sampled_from([BOX, CYLINDER, ELLIPSOID]),
    center=st.tuples(*[st.floats(-2, 2)] * 3),
    half=st.tuples(*[st.floats(0.01, 1)] * 3),
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_a_part_reaches_exactly_as_far_as_its_surface(shape, center, half, angles):
    half = np.array(half)
    if shape == CYLINDER:
        half[1] = half[0]
    rotation = tilt("z", angles[0]) @ tilt("y", angles[1]) @ tilt("x", angles[2])
    part = Part(shape, np.array(center), half, _RGB, rotation)
    directions = np.concatenate([np.eye(3), -np.eye(3), rotation.T])
    furthest = (part.outline() @ directions.T).max(axis=0)
    reach = part.reach(directions)
    assert np.all(furthest <= reach + 1e-9)
    # The outline is the tessellated shape: a 24-gon or a 24 x 10 sphere comes this close to the round one.
    assert np.all(furthest >= reach - 0.03 * half.max())


def test_bounds_enclose_a_tilted_part_tightly():
    rod = Part(CYLINDER, np.zeros(3), np.array([0.1, 0.1, 1.0]), _RGB, tilt("y", np.pi / 4))
    low, high = parts.bounds([rod])
    expected = np.array([1.1 * np.sqrt(0.5), 0.1, 1.1 * np.sqrt(0.5)])
    np.testing.assert_allclose(high, expected)
    np.testing.assert_allclose(low, -expected)


def test_radius_reaches_the_corners_of_a_block():
    square = parts.block((-0.3, -0.4, 0), (0.3, 0.4, 1), _RGB)
    assert parts.radius([square]) == pytest.approx(0.5, rel=1e-4)
    assert parts.radius([square]) >= 0.5


@pytest.mark.parametrize("name", CATEGORIES)
def test_an_object_fills_its_box_and_stands_on_the_ground(name):
    category = BY_NAME[name]
    for seed in range(30):
        built, extents = build_object(category, "red", np.random.default_rng(seed))
        low, high = parts.bounds(built)
        assert low[2] == pytest.approx(0, abs=1e-9)
        assert high[2] == pytest.approx(extents[2])
        if category.symmetry == "round":
            assert extents[0] == extents[1]
            assert parts.radius(built) == pytest.approx(extents[0] / 2)
        else:
            np.testing.assert_allclose(high[:2], extents[:2] / 2)
            np.testing.assert_allclose(low[:2], -extents[:2] / 2)


@pytest.mark.parametrize("name", CATEGORIES)
def test_the_prior_is_the_mean_of_what_is_built(name):
    category = BY_NAME[name]
    sizes = np.array([build_object(category, "blue", np.random.default_rng(seed))[1] for seed in range(150)])
    np.testing.assert_allclose(sizes.mean(axis=0), category.extents, rtol=0.03)
    assert np.all(np.abs(sizes / category.extents - 1) < SIZE_SPREAD + 0.06)


@pytest.mark.parametrize("name", CATEGORIES)
def test_the_named_colour_shows_on_the_object(name):
    for color, rgb in COLORS.items():
        built, _ = build_object(BY_NAME[name], color, np.random.default_rng(3))
        distances = [np.abs(np.array(part.rgb) - rgb).max() for part in built]
        assert min(distances) < 0.07


def test_the_order_of_categories_is_the_class_index():
    assert CATEGORIES == (
        *("chair", "table", "sofa", "bed", "cabinet", "bookshelf", "lamp", "plant", "bin", "stool", "fridge"),
        *("mug", "bottle", "book", "laptop", "ball"),
    )
    assert list(COLORS) == ["red", "green", "blue", "yellow", "white", "black", "brown", "purple"]
