# SPDX-License-Identifier: Apache-2.0
"""Convex primitives that objects are made of, with their exact bounds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

BOX, CYLINDER, ELLIPSOID = "box", "cylinder", "ellipsoid"

MATERIALS = ("plastic", "wood", "metal", "fabric", "leather", "glass", "ceramic", "wicker", "paper")
"""What an object's main body is made of, as labels name it."""
MATT, GLOSSY, SPINES = "matt", "glossy", "spines"
"""Finishes of parts whose material does not matter: plain ones, and a row of books."""
FINISHES = (MATT, GLOSSY, SPINES, *MATERIALS)

# The renderer tessellates round shapes as finely, so outlines computed here match what it draws.
SLICES = 24
STACKS = 10

RGB = tuple[float, float, float]


def _unit_points(shape: str) -> np.ndarray:
    """Return points on a primitive with half sizes 1 whose convex hull is the primitive (as tessellated)."""
    if shape == BOX:
        return np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
    turn = np.arange(SLICES) * (2.0 * np.pi / SLICES)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    if shape == CYLINDER:
        ends = [np.column_stack([ring, np.full(SLICES, z)]) for z in (-1.0, 1.0)]
        return np.concatenate(ends)
    polar = np.arange(1, STACKS) * (np.pi / STACKS)
    stacks = [np.column_stack([ring * np.sin(p), np.full(SLICES, np.cos(p))]) for p in polar]
    return np.concatenate([*stacks, [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]])


_UNIT_POINTS = {shape: _unit_points(shape) for shape in (BOX, CYLINDER, ELLIPSOID)}


@dataclass(frozen=True)
class Part:
    """One convex primitive of an object, in the object's own axes (x out of its front, y left, z up).

    Attributes:
        shape: BOX, CYLINDER (its axis is its own z, half = (radius, radius, half height)) or ELLIPSOID.
        center: (3,) metres, from the middle of the object's footprint on the ground it stands on.
        half: (3,) half sizes, metres.
        rgb: colour, 0..1.
        rotation: (3, 3) from the part's axes to the object's.
        finish: one of FINISHES: what its surface looks like besides its colour.
        casts_shadow: whether it darkens what lies behind it.
    """

    shape: str
    center: np.ndarray
    half: np.ndarray
    rgb: RGB
    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))
    finish: str = MATT
    casts_shadow: bool = True

    def reach(self, directions: np.ndarray) -> np.ndarray:
        """Return how far the part extends along unit directions.

        Args:
            directions: (N, 3) unit vectors in the object's axes.

        Returns:
            (N,) float64, the largest dot product of a point of the part with each direction, metres.
        """
        local = directions @ self.rotation
        scaled = np.abs(local * self.half)
        if self.shape == BOX:
            spread = scaled.sum(axis=1)
        elif self.shape == CYLINDER:
            spread = np.hypot(scaled[:, 0], scaled[:, 1]) + scaled[:, 2]
        else:
            spread = np.sqrt((scaled**2).sum(axis=1))
        return directions @ self.center + spread

    def outline(self) -> np.ndarray:
        """Return (P, 3) points in the object's axes whose convex hull is the part."""
        return (_UNIT_POINTS[self.shape] * self.half) @ self.rotation.T + self.center

    def shifted(self, offset: np.ndarray) -> Part:
        """Return the part moved by ``offset`` (3,), metres."""
        return replace(self, center=self.center + offset)


_AXES = np.concatenate([np.eye(3), -np.eye(3)])


def bounds(parts: list[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact corners (low, high), each (3,), of the parts' axis-aligned bounding box."""
    reach = np.max([part.reach(_AXES) for part in parts], axis=0)
    return -reach[3:], reach[:3]


_TURN = np.arange(360) * (np.pi / 180.0)
_AROUND = np.column_stack([np.cos(_TURN), np.sin(_TURN), np.zeros(360)])


def radius(parts: list[Part]) -> float:
    """Return the radius of the vertical cylinder around the object's z axis that encloses the parts.

    The support function is sampled every degree; dividing by the cosine of half a step makes the result an
    upper bound that is too large by at most 4e-5 of itself.
    """
    reach = np.max([part.reach(_AROUND) for part in parts])
    return float(reach / np.cos(np.pi / 360.0))


def block(
    low: tuple[float, float, float], high: tuple[float, float, float], rgb: RGB, finish: str = MATT
) -> Part:
    """Return an axis-aligned box between two corners."""
    low_, high_ = np.array(low, float), np.array(high, float)
    return Part(BOX, (low_ + high_) / 2, (high_ - low_) / 2, rgb, finish=finish)


def rod(x: float, y: float, bottom: float, top: float, r: float, rgb: RGB, finish: str = MATT) -> Part:
    """Return an upright cylinder of radius ``r`` between two heights."""
    center = np.array([x, y, (bottom + top) / 2])
    return Part(CYLINDER, center, np.array([r, r, (top - bottom) / 2]), rgb, finish=finish)


def ball(
    center: tuple[float, float, float], half: tuple[float, float, float], rgb: RGB, finish: str = MATT
) -> Part:
    """Return an axis-aligned ellipsoid."""
    return Part(ELLIPSOID, np.array(center, float), np.array(half, float), rgb, finish=finish)


def beam(
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    width: float,
    thick: float,
    rgb: RGB,
    finish: str = MATT,
) -> Part:
    """Return a board between two points: ``width`` is its level side, ``thick`` the other one."""
    a, b = np.array(start, float), np.array(end, float)
    along = (b - a) / np.linalg.norm(b - a)
    level = np.array([-along[1], along[0], 0.0])
    level = level / np.linalg.norm(level) if np.linalg.norm(level) > 1e-9 else np.array([0.0, 1.0, 0.0])
    rotation = np.column_stack([along, level, np.cross(along, level)])
    half = np.array([np.linalg.norm(b - a) / 2, width / 2, thick / 2])
    return Part(BOX, (a + b) / 2, half, rgb, rotation, finish)


def tube(
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    r: float,
    rgb: RGB,
    finish: str = MATT,
) -> Part:
    """Return a cylinder of radius ``r`` between two points."""
    bar = beam(start, end, 2 * r, 2 * r, rgb, finish)
    rotation = bar.rotation[:, [1, 2, 0]]
    return Part(CYLINDER, bar.center, bar.half[[1, 2, 0]], rgb, rotation, finish)


def hoop(
    r_bottom: float, r_top: float, bottom: float, top: float, thick: float, count: int, rgb: RGB, finish: str
) -> list[Part]:
    """Return a hollow cone around the z axis: ``count`` upright boards, their outer corners on the radii."""
    height, flare = top - bottom, (r_top - r_bottom) * np.cos(np.pi / count)
    lean = tilt("y", np.arctan2(flare, height))
    half = np.array([thick / 2, max(r_top, r_bottom) * np.sin(np.pi / count), np.hypot(height, flare) / 2])
    boards = []
    for i in range(count):
        turned = tilt("z", 2 * np.pi * i / count)
        away = (r_bottom + r_top) / 2 * np.cos(np.pi / count) - thick / 2
        center = turned @ np.array([away, 0.0, (bottom + top) / 2])
        boards.append(Part(BOX, center, half, rgb, turned @ lean, finish))
    return boards


def cone(
    r_bottom: float, r_top: float, bottom: float, top: float, rgb: RGB, finish: str = MATT
) -> list[Part]:
    """Return a closed cone around the z axis: a hoop around a core.

    Only the core casts a shadow: at the renderer's shadow resolution the boards would shade each other.
    """
    slim = min(r_bottom, r_top)
    boards = hoop(r_bottom, r_top, bottom, top, 0.6 * slim, 12, rgb, finish)
    core = rod(0, 0, bottom, top, 0.8 * slim, rgb, finish)
    return [core, *(replace(board, casts_shadow=False) for board in boards)]


def tilt(axis: str, angle: float) -> np.ndarray:
    """Return the (3, 3) rotation by ``angle`` radians about the object's ``axis`` ('x', 'y' or 'z')."""
    c, s = np.cos(angle), np.sin(angle)
    if axis == "x":
        return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1.0, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
