# SPDX-License-Identifier: Apache-2.0
"""Independent checks of a room on the exact shapes of its parts, with MuJoCo's collision detection."""

from __future__ import annotations

from collections.abc import Iterator

import mujoco
import numpy as np

from ide3d_training.worlds.parts import BOX, CYLINDER, ELLIPSOID, Part, bounds
from ide3d_training.worlds.placed_object import PlacedObject
from ide3d_training.worlds.room import Room

_GEOMS = 1200
_KIND = {
    BOX: mujoco.mjtGeom.mjGEOM_BOX,
    CYLINDER: mujoco.mjtGeom.mjGEOM_CYLINDER,
    ELLIPSOID: mujoco.mjtGeom.mjGEOM_ELLIPSOID,
}


class GeometryOracle:
    """Measures distances between the parts of rooms; holds one model whose geoms take their shapes."""

    def __init__(self) -> None:
        spec = mujoco.MjSpec()
        for _ in range(_GEOMS):
            spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.1, 0.1, 0.1))
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        self._owners = np.zeros(0, int)
        self._low = self._high = np.zeros((0, 3))

    def load(self, room: Room) -> None:
        """Take the shapes of a room's objects (owners 1, 2, ...) and fixtures (owner 0)."""
        owners, lows, highs = [], [], []
        placed_parts = [(0, part, np.eye(3), np.zeros(3)) for part in room.shell.fixtures]
        placed_parts += [
            (placed.id, part, placed.rotation, placed.position)
            for placed in room.objects
            for part in placed.parts
        ]
        for i, (owner, part, rotation, position) in enumerate(placed_parts):
            self._model.geom_type[i] = _KIND[part.shape]
            size = (part.half[0], part.half[2], 0.0) if part.shape == CYLINDER else part.half
            self._model.geom_size[i] = size
            self._model.geom_rbound[i] = np.linalg.norm(part.half)
            self._data.geom_xpos[i] = rotation @ part.center + position
            self._data.geom_xmat[i] = (rotation @ part.rotation).ravel()
            moved = Part(
                part.shape, rotation @ part.center + position, part.half, part.rgb, rotation @ part.rotation
            )
            low, high = bounds([moved])
            owners.append(owner)
            lows.append(low)
            highs.append(high)
        self._owners, self._low, self._high = np.array(owners), np.array(lows), np.array(highs)

    def distance(self, a: int, b: int, limit: float) -> float:
        """Return the distance of two parts, at most ``limit``, negative where they share space, metres."""
        return mujoco.mj_geomDistance(self._model, self._data, a, b, limit, None)

    def interpenetrations(self, deeper_than: float) -> Iterator[tuple[int, int, float]]:
        """Yield (owner, other owner, depth in metres) of the parts of different owners that share space."""
        low, high = self._low + deeper_than / 2, self._high - deeper_than / 2
        # Thin parts do not vanish: whatever cuts through them is still found.
        low, high = (
            np.minimum(low, (self._low + self._high) / 2),
            np.maximum(high, (self._low + self._high) / 2),
        )
        meet = np.all((low[:, None] <= high[None]) & (low[None] <= high[:, None]), axis=2)
        meet &= self._owners[:, None] < self._owners[None]
        for a, b in np.argwhere(meet):
            depth = -self.distance(int(a), int(b), 0.0)
            if depth > deeper_than:
                yield int(self._owners[a]), int(self._owners[b]), depth

    def gap(self, owner: int, other: int) -> float:
        """Return the smallest distance between the parts of two owners, at most 1 m."""
        return min(
            self.distance(int(a), int(b), 1.0)
            for a in np.flatnonzero(self._owners == owner)
            for b in np.flatnonzero(self._owners == other)
        )

    def reach(self, owner: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest and the highest coordinates (3,) that an owner's parts reach, metres."""
        own = self._owners == owner
        return self._low[own].min(axis=0), self._high[own].max(axis=0)


def is_underpinned(placed: PlacedObject, support: PlacedObject, tolerance: float) -> bool:
    """Say whether an object stands firmly: the middle of its base lies among the points that are held.

    A point of the base is held if a part of the support lies less than ``tolerance`` metres below it.
    """
    steps = np.linspace(-0.45, 0.45, 13)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) * placed.extents[:2]
    base = np.column_stack([grid, np.zeros(len(grid))]) @ placed.rotation.T + placed.position
    held = np.zeros(len(grid), bool)
    for depth in np.linspace(0.001, tolerance, 5):
        points = (base - [0.0, 0.0, depth] - support.position) @ support.rotation
        for part in support.parts:
            local = np.abs((points - part.center) @ part.rotation) / part.half
            if part.shape == BOX:
                held |= local.max(axis=1) <= 1.0
            elif part.shape == CYLINDER:
                held |= (np.hypot(local[:, 0], local[:, 1]) <= 1.0) & (local[:, 2] <= 1.0)
            else:
                held |= np.linalg.norm(local, axis=1) <= 1.0
    if held.sum() < 3:
        return False
    around = np.sort(np.arctan2(grid[held, 1], grid[held, 0]))
    gaps = np.diff(around, append=around[0] + 2 * np.pi)
    return bool(gaps.max() <= np.pi)
