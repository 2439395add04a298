# SPDX-License-Identifier: Apache-2.0
"""What a rectangle and a polygon share, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.geometry.rectangles import shared_area

SQUARE = [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)]


def moved(x: float, y: float) -> list[tuple[float, float]]:
    return [(x + corner[0], y + corner[1]) for corner in SQUARE]


@pytest.mark.parametrize(
    ("corners", "area"),
    [
        (SQUARE, 4.0),
        (SQUARE[::-1], 4.0),
        (moved(0.5, 0.0), 3.0),
        (moved(-0.5, -1.5), 0.75),
        (moved(2.0, 0.0), 0.0),
        (moved(5.0, 5.0), 0.0),
        ([(10 * x, 10 * y) for x, y in SQUARE], 4.0),
        ([(0.1 * x, 0.1 * y) for x, y in SQUARE], 0.04),
    ],
)
def test_squares_share_what_lies_in_both(corners: list[tuple[float, float]], area: float) -> None:
    assert shared_area((1.0, 1.0), corners) == pytest.approx(area, abs=1e-12)


def test_a_square_turned_by_an_eighth_shares_an_octagon() -> None:
    side = np.sqrt(2.0)
    turned = [(side, 0.0), (0.0, side), (-side, 0.0), (0.0, -side)]
    assert shared_area((1.0, 1.0), turned) == pytest.approx(8 * (side - 1), abs=1e-12)


def test_each_side_of_the_rectangle_cuts_at_its_own_distance() -> None:
    assert shared_area((0.5, 2.0), [(10 * x, 10 * y) for x, y in SQUARE]) == pytest.approx(4.0, abs=1e-12)
    assert shared_area((0.5, 0.25), SQUARE) == pytest.approx(0.5, abs=1e-12)
