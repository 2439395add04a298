# SPDX-License-Identifier: Apache-2.0
"""Geometry of upright boxes: footprints, overlap and clearance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ide3d_training.worlds.parts import Part


class Upright(NamedTuple):
    """An upright box in plain floats: layouts compare thousands, and numpy is slow on single numbers.

    Attributes:
        x, y: its middle seen from above, metres.
        cos, sin: of its yaw.
        half_x, half_y: half side lengths along its own axes, metres.
        low, high: heights of its bottom and its top, metres.
    """

    x: float
    y: float
    cos: float
    sin: float
    half_x: float
    half_y: float
    low: float
    high: float

    @classmethod
    def of(cls, x: float, y: float, yaw: float, extents: np.ndarray, low: float = 0.0) -> Upright:
        """Return the box of full size ``extents`` (3,) whose bottom face has its middle at (x, y, low)."""
        depth, width, height = (float(side) for side in extents)
        return cls(x, y, math.cos(yaw), math.sin(yaw), depth / 2, width / 2, low, low + height)

    def spread(self, cos: float, sin: float) -> tuple[float, float]:
        """Return half of its length along the heading with this cosine and sine, and across it, metres."""
        along, across = abs(self.cos * cos + self.sin * sin), abs(self.sin * cos - self.cos * sin)
        return self.half_x * along + self.half_y * across, self.half_x * across + self.half_y * along

    def overlaps(self, other: Upright, gap: float = 0.0) -> bool:
        """Say whether the two share a height and come closer than ``gap`` along the normal of every side."""
        if self.low >= other.high or other.low >= self.high:
            return False
        dx, dy = other.x - self.x, other.y - self.y
        half_x, half_y = other.spread(self.cos, self.sin)
        if abs(dx * self.cos + dy * self.sin) >= self.half_x + half_x + gap:
            return False
        if abs(dy * self.cos - dx * self.sin) >= self.half_y + half_y + gap:
            return False
        half_x, half_y = self.spread(other.cos, other.sin)
        if abs(dx * other.cos + dy * other.sin) >= other.half_x + half_x + gap:
            return False
        return abs(dy * other.cos - dx * other.sin) < other.half_y + half_y + gap


def part_boxes(parts: tuple[Part, ...], x: float, y: float, yaw: float, low: float) -> Iterator[Upright]:
    """Yield a box around every part of an object, turned as the part's longest level side is.

    Args:
        parts: in the object's own axes.
        x, y, low: middle of the object's bottom face, metres.
        yaw: of the object, radians.
    """
    rotation = np.array([part.rotation for part in parts])
    half = np.array([part.half for part in parts])
    level = np.hypot(rotation[:, 0], rotation[:, 1]) * half
    longest = rotation[np.arange(len(parts)), :, np.argmax(level, axis=1)]
    along = longest[:, :2] / np.linalg.norm(longest[:, :2], axis=1, keepdims=True)
    across = np.column_stack([-along[:, 1], along[:, 0]])
    flat = rotation[:, :2]
    half_x = np.sum(np.abs(np.einsum("ni,nij->nj", along, flat)) * half, axis=1)
    half_y = np.sum(np.abs(np.einsum("ni,nij->nj", across, flat)) * half, axis=1)
    half_z = np.sum(np.abs(rotation[:, 2]) * half, axis=1)
    cos, sin = math.cos(yaw), math.sin(yaw)
    center = np.array([part.center for part in parts])
    for (px, py, pz), (c, s), hx, hy, hz in zip(
        center.tolist(), along.tolist(), half_x.tolist(), half_y.tolist(), half_z.tolist(), strict=True
    ):
        at = x + cos * px - sin * py, y + sin * px + cos * py
        yield Upright(*at, cos * c - sin * s, sin * c + cos * s, hx, hy, low + pz - hz, low + pz + hz)


def turn(angle: float) -> np.ndarray:
    """Return the (2, 2) rotation of the floor plane by ``angle`` radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def footprint(position: np.ndarray, yaw: float, extents: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Return the corners of an upright box seen from above.

    Args:
        position: (2,) or (3,) metres; only x and y count.
        yaw: radians about z.
        extents: (2,) or (3,) full sizes, metres.
        margin: added on every side, metres.

    Returns:
        (4, 2) float64 corners, counter-clockwise.
    """
    half = np.asarray(extents)[:2] / 2 + margin
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * half
    return corners @ turn(yaw).T + np.asarray(position)[:2]


def distance_to_box(point: np.ndarray, position: np.ndarray, yaw: float, extents: np.ndarray) -> float:
    """Return the distance from a point to an upright box, 0 inside it.

    Args:
        point: (3,) metres.
        position: (3,) middle of the box's bottom face, metres.
        yaw: radians about z.
        extents: (3,) full sizes, metres.
    """
    offset = point - position
    local = np.array([*(turn(yaw).T @ offset[:2]), offset[2] - extents[2] / 2])
    return float(np.linalg.norm(np.maximum(np.abs(local) - extents / 2, 0.0)))
