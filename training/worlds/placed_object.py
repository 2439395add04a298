# SPDX-License-Identifier: Apache-2.0
"""One object of a room, where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.rotation import yaw_rotation
from ide3d_training.worlds.categories import BuiltObject, Category
from ide3d_training.worlds.objects.form import Surface
from ide3d_training.worlds.parts import Part, tilt
from ide3d_training.worlds.placement import footprint


@dataclass(frozen=True)
class PlacedObject:
    """One object of a room.

    Attributes:
        id: its value in the ids picture, 1 upwards.
        category: what it is.
        color: name of its main body's colour.
        material: name of its main body's material.
        parts: its primitives, in its own axes.
        extents: (3,) full size of its box, metres.
        symmetry: "none", "half_turn" or "round", see ``BuiltObject``.
        surfaces: where other objects may stand, in its own axes.
        position: (3,) middle of its box's bottom face in the world, metres.
        yaw: of its front axis about the world's z, radians.
        support: id of the object that carries it; None is the floor.
        relation: ON or IN, see ``scene_graph``.
        against_wall: its back stands against a wall.
    """

    id: int
    category: Category
    color: str
    material: str
    parts: tuple[Part, ...]
    extents: np.ndarray
    symmetry: str
    surfaces: tuple[Surface, ...]
    position: np.ndarray
    yaw: float
    support: int | None
    relation: str
    against_wall: bool

    @classmethod
    def of(
        cls,
        built: BuiltObject,
        category: Category,
        *,
        id: int,
        position: np.ndarray,
        yaw: float,
        support: int | None,
        relation: str,
        against_wall: bool,
    ) -> PlacedObject:
        """Put an object that has been built somewhere; for the arguments see the attributes."""
        return cls(
            id=id,
            category=category,
            color=built.color,
            material=built.material,
            parts=built.parts,
            extents=built.extents,
            symmetry=built.symmetry,
            surfaces=built.surfaces,
            position=position,
            yaw=yaw,
            support=support,
            relation=relation,
            against_wall=against_wall,
        )

    @cached_property
    def rotation(self) -> np.ndarray:
        """The (3, 3) rotation from the object's axes to the world's."""
        return tilt("z", self.yaw)

    def box(self, yaw: float | None = None) -> Box3D:
        """Return the oriented box in the world frame, with another yaw where symmetry allows one."""
        center = self.position + np.array([0.0, 0.0, self.extents[2] / 2])
        return Box3D.from_matrix(center, self.extents, yaw_rotation(self.yaw if yaw is None else yaw))

    def footprint(self, margin: float = 0.0) -> np.ndarray:
        """Return the (4, 2) corners of the box seen from above."""
        return footprint(self.position, self.yaw, self.extents, margin)
