# SPDX-License-Identifier: Apache-2.0
"""The one compiled MuJoCo model whose numbers are rewritten for every room and camera.

It holds a pool of geoms, some lights and a camera. Rewriting them costs little beside drawing; compiling
a model for each room would double the time.
"""

from __future__ import annotations

import numpy as np

from ide3d_ros.geometry.camera import Camera
from ide3d_training.worlds import decor, gl, materials, textures
from ide3d_training.worlds.fixtures import GLOW, LIGHT_FINISHES
from ide3d_training.worlds.parts import BOX, CYLINDER, ELLIPSOID, MATT, SLICES, STACKS, Part
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.shell import MOST_LIGHTS

mujoco = gl.import_mujoco()

# Geoms available to one room: the six sides of its shell, its fixtures and all parts of its objects.
POOL = 1200
EXTENT = 10.0  # MuJoCo states clipping distances as multiples of this
NEAR, FAR = 0.03, 20.0
_SLAB = 0.05  # half thickness of floor, ceiling and walls, metres
_OPTICAL_TO_MUJOCO = np.diag([1.0, -1.0, -1.0])  # MuJoCo cameras look along -z with y up
_GEOM_TYPE = {
    BOX: int(mujoco.mjtGeom.mjGEOM_BOX),
    CYLINDER: int(mujoco.mjtGeom.mjGEOM_CYLINDER),
    ELLIPSOID: int(mujoco.mjtGeom.mjGEOM_ELLIPSOID),
}


class GeomPool:
    """Holds the model that is drawn.

    Attributes:
        model, data: MuJoCo's.
        owners: (POOL,) uint8, the id of the object that each geom belongs to, 0 for the shell.
        opacity: (POOL,) how opaque each geom is where it is shown; 0 for unused ones.
    """

    def __init__(self, width: int, height: int) -> None:
        """Compile the model for an image size in pixels."""
        self.model = _compile(width, height)
        self.data = mujoco.MjData(self.model)
        self.owners = np.zeros(POOL, np.uint8)
        self._room: Room | None = None
        self._used = 0
        self.opacity = np.zeros(POOL)
        self._in_view = self._lit = np.zeros(0, bool)
        self._material = {self.model.mat(i).name: i for i in range(self.model.nmat)}
        mujoco.mj_forward(self.model, self.data)

    def place_room(self, room: Room) -> None:
        """Write a room into the model; the one that is there already costs nothing.

        Raises:
            RuntimeError: if the room has more parts than the pool has geoms.
        """
        if room is self._room:
            return
        shell = _slabs(room)
        count = len(shell) + len(room.shell.fixtures) + sum(len(placed.parts) for placed in room.objects)
        if count > POOL:
            raise RuntimeError(f"room {room.seed} has {count} parts: raise POOL, which is {POOL}")
        self.owners[:] = 0
        self.opacity[:] = 0.0
        self.model.geom_rgba[count:, 3] = 0.0
        used = self._write(0, (*shell, *room.shell.fixtures), np.eye(3), np.zeros(3), 0)
        for placed in room.objects:
            used = self._write(used, placed.parts, placed.rotation, placed.position, placed.id)
        self._place_lights(room)
        self._room, self._used = room, count

    def place_camera(self, world_from_camera: np.ndarray, camera: Camera) -> None:
        """Write a camera into the model; afterwards ``show_lit`` or ``show_in_view`` says what is drawn.

        Args:
            world_from_camera: (4, 4) pose of its optical frame.
            camera: pinhole intrinsics.
        """
        model, data = self.model, self.data
        data.cam_xpos[0] = world_from_camera[:3, 3]
        data.cam_xmat[0] = (world_from_camera[:3, :3] @ _OPTICAL_TO_MUJOCO).ravel()
        # One unit of length is one pixel here. MuJoCo measures the principal point from the middle of the
        # image, whose pixel coordinates are (W - 1) / 2 and (H - 1) / 2 when (0, 0) is the middle of the
        # first pixel.
        model.cam_resolution[0] = (camera.width, camera.height)
        model.cam_sensorsize[0] = (camera.width, camera.height)
        shift_x, shift_y = camera.cx - (camera.width - 1) / 2, camera.cy - (camera.height - 1) / 2
        model.cam_intrinsic[0] = (camera.fx, camera.fy, -shift_x, -shift_y)
        self._in_view, self._lit = self._visibility(world_from_camera, camera)

    def show_lit(self) -> None:
        """Show the geoms that are in view or may throw a shadow there; what is hidden costs no time."""
        self.model.geom_rgba[: self._used, 3] = self._lit * self.opacity[: self._used]

    def show_in_view(self) -> None:
        """Show the geoms that are in view."""
        self.model.geom_rgba[: self._used, 3] = self._in_view * self.opacity[: self._used]

    def _write(
        self, first: int, parts: tuple[Part, ...], rotation: np.ndarray, position: np.ndarray, owner: int
    ) -> int:
        """Write an object's parts into the geoms from ``first`` on; return the number of the next one."""
        model, data = self.model, self.data
        own = slice(first, first + len(parts))
        applied = [materials.applied(part) for part in parts]
        half = np.array([sizes for _, sizes, _ in applied])
        kinds = np.array([_GEOM_TYPE[part.shape] for part in parts], np.int32)
        model.geom_type[own] = kinds
        data.geom_xpos[own] = np.array([part.center for part in parts]) @ rotation.T + position
        data.geom_xmat[own] = (rotation @ np.array([axes for _, _, axes in applied])).reshape(-1, 9)
        model.geom_rbound[own] = np.linalg.norm(half, axis=1)
        model.geom_size[own] = np.where((kinds == _GEOM_TYPE[CYLINDER])[:, None], half[:, [0, 2, 2]], half)
        model.geom_rgba[own, :3] = np.array([part.rgb for part in parts])
        self.opacity[own] = [materials.OPACITY.get(part.finish, 1.0) for part in parts]
        model.geom_matid[own] = [self._material[name] for name, _, _ in applied]
        model.geom_castshadow[own] = [part.casts_shadow for part in parts]
        self.owners[own] = owner
        return own.stop

    def _visibility(self, world_from_camera: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
        """Say of the used geoms which may be in view, and which may be or throw a shadow there.

        A shadow fills the cone from the geom's ball to where the light's rays leave the room. A convex shape
        is out of view if it lies behind one of the view's side planes; the cone is the hull of two balls.

        Returns:
            Two (used,) bool arrays.
        """
        position = self.data.geom_xpos[: self._used]
        radius = self.model.geom_rbound[: self._used]
        left, right = (-0.5 - camera.cx) / camera.fx, (camera.width - 0.5 - camera.cx) / camera.fx
        top, bottom = (-0.5 - camera.cy) / camera.fy, (camera.height - 0.5 - camera.cy) / camera.fy
        planes = np.array([[1, 0, -left], [-1, 0, right], [0, 1, -top], [0, -1, bottom], [0, 0, 1.0]])
        planes /= np.linalg.norm(planes, axis=1, keepdims=True)
        normals = world_from_camera[:3, :3] @ planes.T
        camera_at = world_from_camera[:3, 3]
        outside = (position - camera_at) @ normals < -radius[:, None]
        in_view = ~outside.any(axis=1)
        affects = in_view.copy()
        low, high = -self._room.size * (0.5, 0.5, 0.0), self._room.size * (0.5, 0.5, 1.0)
        casts = self.model.geom_castshadow[: self._used].astype(bool)
        for light in self._room.shell.lights:
            if light.casts_shadow:
                ray = position - light.position
                ray = np.where(np.abs(ray) < 1e-6, 1e-6, ray)
                leaves = (np.where(ray > 0, high, low) - light.position) / ray
                stretch = np.maximum(leaves.min(axis=1), 1.0)[:, None]
                end = light.position + stretch * ray
                beyond = (end - camera_at) @ normals < -(stretch * radius[:, None])
                affects |= casts & ~(outside & beyond).any(axis=1)
        return in_view, affects

    def _place_lights(self, room: Room) -> None:
        model, data = self.model, self.data
        model.vis.headlight.ambient[:] = room.shell.ambient
        model.light_active[:] = 0
        for i, light in enumerate(room.shell.lights):
            model.light_active[i] = 1
            data.light_xpos[i] = light.position
            data.light_xdir[i] = light.direction
            model.light_diffuse[i] = light.diffuse
            model.light_castshadow[i] = light.casts_shadow


def _slabs(room: Room) -> tuple[Part, ...]:
    """Return floor, ceiling and walls, the inner face of each (towards its own z axis) at the border."""
    shell = room.shell
    x, y, height = (room.size / (2, 2, 1)).tolist()

    def slab(face, frame, half, rgb, finish) -> Part:
        sizes = np.array([half[0] + 2 * _SLAB, half[1] + 2 * _SLAB, _SLAB])
        return Part(BOX, np.array(face) - frame[:, 2] * _SLAB, sizes, rgb, frame, finish)

    c, s = np.cos(shell.floor_yaw), np.sin(shell.floor_yaw)
    floor_frame = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    sides = abs(c) * x + abs(s) * y, abs(s) * x + abs(c) * y  # large enough at any yaw
    slabs = [
        slab((0, 0, 0), floor_frame, sides, shell.floor_rgb, shell.floor_finish),
        slab((0, 0, height), np.diag([1.0, -1.0, -1.0]), (x, y), shell.ceiling_rgb, MATT),
    ]
    for number in range(4):
        cos, sin = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[number]
        away, reach = (x, y) if number % 2 == 0 else (y, x)
        frame = np.array([[-sin, 0.0, cos], [cos, 0.0, sin], [0.0, 1.0, 0.0]])
        face = (-cos * away, -sin * away, height / 2)
        slabs.append(
            slab(face, frame, (reach, height / 2), shell.wall_rgb[number], shell.wall_finish[number])
        )
    return tuple(slabs)


def _compile(width: int, height: int) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    spec.stat.extent = EXTENT
    spec.stat.center = (0.0, 0.0, 1.3)
    spec.visual.map.znear = NEAR / EXTENT
    spec.visual.map.zfar = FAR / EXTENT
    spec.visual.quality.shadowsize = 1024
    spec.visual.quality.offsamples = 0  # colours are drawn larger instead, which takes less time
    # Software OpenGL spends most of its time on vertices; MuJoCo's defaults would double the time of a frame.
    spec.visual.quality.numslices = SLICES
    spec.visual.quality.numstacks = STACKS
    spec.visual.quality.numquads = 2
    spec.visual.headlight.diffuse = (0.0, 0.0, 0.0)
    spec.visual.headlight.specular = (0.0, 0.0, 0.0)
    spec.visual.global_.offwidth = width
    spec.visual.global_.offheight = height
    _add_materials(spec)
    for _ in range(POOL):
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.01, 0.01, 0.01), material=MATT, contype=0, conaffinity=0
        )
    for _ in range(MOST_LIGHTS):
        spec.worldbody.add_light(
            type=mujoco.mjtLightType.mjLIGHT_SPOT,
            pos=(0, 0, 2.4),
            dir=(0, 0, -1),
            cutoff=85.0,
            exponent=0.5,
            attenuation=(1, 0, 0),
            ambient=(0, 0, 0),
            specular=(0.3, 0.3, 0.3),
        )
    spec.worldbody.add_camera(
        name="camera", resolution=(width, height), sensor_size=(1.0, 1.0), focal_length=(1.0, 1.0)
    )
    return spec.compile()


def _repeat(tile: float) -> tuple[float, float]:
    """Return MuJoCo's measure of a pattern that covers ``tile`` metres: repetitions in two metres."""
    return 2.0 / tile, 2.0 / tile


def _add_materials(spec: mujoco.MjSpec) -> None:
    """Add a material for every finish of objects, surface of shells, and image of fixtures."""

    def textured(name: str, image: np.ndarray, **settings) -> None:
        rows, columns, _ = image.shape
        texture = spec.add_texture(
            name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=columns, height=rows, nchannel=3
        )
        texture.data = image.tobytes()
        material = spec.add_material(name=name, specular=0.05, shininess=0.1, **settings)
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name

    for name in (*textures.FLOORS, *textures.WALLS):
        textured(name, textures.pattern(name), texuniform=True, texrepeat=_repeat(textures.TILE[name]))
    for name in decor.IMAGES:
        textured(name, decor.image(name), emission=0.5 if name in LIGHT_FINISHES else 0.0)
    for look in materials.LOOKS:
        material = spec.add_material(name=look.name, specular=look.specular, shininess=look.shininess)
        if look.image is None:
            continue
        kind = mujoco.mjtTexture.mjTEXTURE_2D if look.tile else mujoco.mjtTexture.mjTEXTURE_CUBE
        side = look.image.shape[0]
        texture = spec.add_texture(name=look.name, type=kind, width=side, height=side, nchannel=3)
        texture.data = look.image.tobytes()
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = look.name
        material.texuniform = True
        if look.tile:
            material.texrepeat = _repeat(look.tile)
    spec.add_material(name=GLOW, emission=0.9, specular=0.0, shininess=0.1)
