# SPDX-License-Identifier: Apache-2.0
"""The area that two rectangles of a plane share.

Plain Python: for the eight vertices there are at most, arrays cost more than they save.
"""

from __future__ import annotations

Point = tuple[float, float]


def shared_area(half_sides: Point, corners: list[Point]) -> float:
    """Measure the area of a convex polygon inside a rectangle, by cutting it along the rectangle's sides.

    Args:
        half_sides: half the lengths of the rectangle, which lies around the origin along both axes.
        corners: of the polygon, in order, either way round.

    Returns:
        The area, in the square of the unit of both; 0 where they do not meet.
    """
    polygon = corners
    for axis, half in enumerate(half_sides):
        for side in (1.0, -1.0):
            polygon = _cut(polygon, axis, side, half)
    after = polygon[1:] + polygon[:1]
    return (
        abs(sum(x * later_y - later_x * y for (x, y), (later_x, later_y) in zip(polygon, after, strict=True)))
        / 2
    )


def _cut(polygon: list[Point], axis: int, side: float, half: float) -> list[Point]:
    """Keep the part of a polygon where `side` times the coordinate is at most `half` (Sutherland-Hodgman)."""
    kept: list[Point] = []
    for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        before, after = half - side * start[axis], half - side * end[axis]  # inside where not negative
        if before >= 0:
            kept.append(start)
        if (before < 0) != (after < 0):
            share = before / (before - after)
            kept.append((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
    return kept
