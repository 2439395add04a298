# SPDX-License-Identifier: Apache-2.0
"""Depth and ids of a room without OpenGL: MuJoCo casts a ray through the middle of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from ide3d_ros.geometry.camera import Camera
from ide3d_training.worlds.parts import BOX, CYLINDER, ELLIPSOID, Part
from ide3d_training.worlds.room import Room

_TYPES = {
    BOX: mujoco.mjtGeom.mjGEOM_BOX,
    CYLINDER: mujoco.mjtGeom.mjGEOM_CYLINDER,
    ELLIPSOID: mujoco.mjtGeom.mjGEOM_ELLIPSOID,
}
_FAR = 100.0


@dataclass(frozen=True)
class Cast:
    """What the rays hit: depth (H, W), metres along the optical axis, ids and parts (H, W)."""

    depth: np.ndarray
    ids: np.ndarray
    parts: np.ndarray

    @property
    def inner(self) -> np.ndarray:
        """(H, W) bool: pixels whose neighbours all show the same part, so no edge is near."""
        padded = np.pad(self.parts, 1, mode="edge")
        height, width = self.parts.shape
        shifted = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
        return np.all([other == self.parts for other in shifted], axis=0)


def cast(room: Room, camera: Camera, world_from_camera: np.ndarray) -> Cast:
    """Cast the rays of a frame at a model of this room alone.

    Args:
        room: what is looked at.
        camera: its intrinsics, with or without distortion.
        world_from_camera: (4, 4) from the optical frame to the world.
    """
    spec = mujoco.MjSpec()
    owners: list[int] = []

    def add(part: Part, rotation: np.ndarray, position: np.ndarray, owner: int) -> None:
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, (rotation @ part.rotation).ravel())
        size = [part.half[0], part.half[2], 0] if part.shape == CYLINDER else part.half
        spec.worldbody.add_geom(
            type=_TYPES[part.shape], pos=rotation @ part.center + position, quat=quaternion, size=size
        )
        owners.append(owner)

    for fixture in room.shell.fixtures:
        add(fixture, np.eye(3), np.zeros(3), 0)
    for placed in room.objects:
        for part in placed.parts:
            add(part, placed.rotation, placed.position, placed.id)
    x, y, height = *(room.size[:2] / 2), room.size[2]
    for center, half in (
        ((0, 0, -1), (9, 9, 1)),
        ((0, 0, height + 1), (9, 9, 1)),
        ((x + 1, 0, 0), (1, 9, 9)),
        ((-x - 1, 0, 0), (1, 9, 9)),
        ((0, y + 1, 0), (9, 1, 9)),
        ((0, -y - 1, 0), (9, 1, 9)),
    ):
        add(Part(BOX, np.array(center, float), np.array(half, float), (1, 1, 1)), np.eye(3), np.zeros(3), 0)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    v, u = np.mgrid[: camera.height, : camera.width]
    rays = camera.rays(np.column_stack([u.ravel(), v.ravel()]).astype(float))
    directions = rays @ world_from_camera[:3, :3].T
    lengths = np.linalg.norm(directions, axis=1)
    hit, distance = np.empty(len(rays), np.int32), np.empty(len(rays))
    unit = (directions / lengths[:, None]).ravel()
    eye = world_from_camera[:3, 3].copy()
    mujoco.mj_multiRay(model, data, eye, unit, None, True, -1, hit, distance, None, len(rays), _FAR)
    shape = camera.height, camera.width
    return Cast((distance / lengths).reshape(shape), np.array(owners)[hit].reshape(shape), hit.reshape(shape))
