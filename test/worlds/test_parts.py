# SPDX-License-Identifier: Apache-2.0
"""Bounds of the primitives that objects are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide3d_training.worlds import parts
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


def test_a_tube_runs_between_two_points():
    rod = parts.tube((0.1, -0.2, 0.3), (0.4, 0.5, 0.9), 0.02, _RGB)
    ends = rod.center + np.outer([-1, 1], rod.rotation[:, 2] * rod.half[2])
    np.testing.assert_allclose(ends, [(0.1, -0.2, 0.3), (0.4, 0.5, 0.9)])
    assert rod.half[0] == rod.half[1] == pytest.approx(0.02)
    assert np.linalg.det(rod.rotation) == pytest.approx(1)


def test_a_beam_has_a_level_side():
    board = parts.beam((0, 0, 0), (0.3, 0.4, 1.2), 0.1, 0.02, _RGB)
    assert board.rotation[2, 1] == pytest.approx(0)
    np.testing.assert_allclose(board.half, (0.65, 0.05, 0.01))
    upright = parts.beam((0, 0, 0), (0, 0, 1), 0.1, 0.02, _RGB)
    np.testing.assert_allclose(upright.rotation[:, 0], (0, 0, 1))


@pytest.mark.parametrize(("bottom", "top"), [(0.2, 0.3), (0.3, 0.2), (0.25, 0.25)])
def test_a_hoop_stays_within_its_radii(bottom, top):
    boards = parts.hoop(bottom, top, 0.1, 0.5, 0.01, 12, _RGB, "plastic")
    low, high = parts.bounds(boards)
    assert parts.radius(boards) == pytest.approx(max(bottom, top), rel=0.02)
    assert low[2] == pytest.approx(0.1, abs=0.005)
    assert high[2] == pytest.approx(0.5, abs=0.005)


def test_only_the_core_of_a_cone_casts_a_shadow():
    assert [part.shape for part in parts.cone(0.3, 0.2, 0, 1, _RGB) if part.casts_shadow] == [CYLINDER]
