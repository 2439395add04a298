# SPDX-License-Identifier: Apache-2.0
"""Expressions are sorted into bands by their targets."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.box import Box3D
from ide3d_training.evaluate.traits import DISTANCE_LIMITS, ORDER, SIZE_LIMITS, expression_traits


def cube(side: float, depth: float) -> Box3D:
    return Box3D(np.array([0.0, 0.0, depth]), np.array([side, 0.1, 0.1]), np.array([1.0, 0.0, 0.0, 0.0]))


@pytest.mark.parametrize(
    ("side", "size"), [(0.2, "small"), (SIZE_LIMITS[0], "medium"), (0.9, "medium"), (2.0, "large")]
)
def test_size_is_that_of_the_longest_side(side, size):
    assert expression_traits([cube(side, 2.0)], 0)["size"] == size


@pytest.mark.parametrize(
    ("depth", "distance"),
    [(1.0, "below 1.5 m"), (DISTANCE_LIMITS[0], "1.5 to 2.5 m"), (3.0, "2.5 to 4 m"), (9.0, "above 4 m")],
)
def test_distance_is_that_of_the_centre(depth, distance):
    assert expression_traits([cube(1.0, depth)], 0)["distance"] == distance


def test_unknown_visibility_is_no_band():
    assert "visibility" not in expression_traits([cube(1.0, 2.0)], 0)
    assert expression_traits([cube(1.0, 2.0)], 0, 0.6)["visibility"] == "half to 0.9"


@pytest.mark.parametrize(
    ("targets", "distractors", "name"),
    [(0, 0, "zt_wo_d"), (0, 2, "zt_w_d"), (1, 0, "st_wo_d"), (1, 1, "st_w_d"), (3, 0, "mt")],
)
def test_type_is_that_of_multi3drefer(targets, distractors, name):
    traits = expression_traits([cube(1.0, 2.0)] * targets, distractors)
    assert traits["type"] == name
    assert ("size" in traits) is (targets == 1)


def test_distractors_make_a_target_multiple():
    alone, beside = (expression_traits([cube(1.0, 2.0)], n) for n in (0, 7))
    assert (alone["uniqueness"], alone["distractors"]) == ("unique", "none")
    assert (beside["uniqueness"], beside["distractors"]) == ("multiple", "more")


def test_every_trait_has_its_place_in_the_order():
    for dimension, value in expression_traits([cube(1.0, 2.0)], 1, 0.95).items():
        assert value in ORDER[dimension]
