# SPDX-License-Identifier: Apache-2.0
"""Draw rooms with MuJoCo's OpenGL renderer: RGB, metric depth, instance ids and labels.

One model is compiled once. It holds a pool of geoms, some lights and a camera; for every frame their numbers
are rewritten in place, which costs nothing next to drawing, while compiling a model per room would double the
time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.transform import inverse
from ide3d_training.worlds import gl, materials, textures
from ide3d_training.worlds.parts import BOX, CYLINDER, MATT, SLICES, STACKS, Part
from ide3d_training.worlds.room import FLOOR_STYLES, PlacedObject, Room
from ide3d_training.worlds.scene_graph import FrameGraph, SceneObject
from ide3d_training.worlds.silhouette import silhouette_pixels
from ide3d_training.worlds.viewpoint import MIN_REFERABLE, CameraPose, camera_pose

mujoco = gl.import_mujoco()

# Geoms available to one room: the six sides of its shell, its fixtures and all parts of its objects.
POOL = 420
_LIGHTS = 2
_ATTEMPTS = 8
_EXTENT = 10.0  # MuJoCo states clipping distances as multiples of this
_NEAR, _FAR = 0.03, 20.0
_SHELL = 0.05  # half thickness of floor, ceiling and walls, metres
_OPTICAL_TO_MUJOCO = np.diag([1.0, -1.0, -1.0])  # MuJoCo cameras look along -z with y up
_GEOM_TYPE = {BOX: mujoco.mjtGeom.mjGEOM_BOX, CYLINDER: mujoco.mjtGeom.mjGEOM_CYLINDER}


@dataclass(frozen=True)
class Rendered:
    """One drawn frame.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32, metres along the optical axis; 0 where nothing was hit.
        ids: (H, W) uint8, ids of objects; 0 is the room's shell.
        graph: the labels.
    """

    rgb: np.ndarray
    depth: np.ndarray
    ids: np.ndarray
    graph: FrameGraph


class RoomRenderer:
    """Draws any room at one image size."""

    def __init__(self, width: int, height: int) -> None:
        """Compile the pooled model and start OpenGL.

        Args:
            width: of the image, pixels.
            height: of the image, pixels.

        Raises:
            ValueError: if a size is not positive.
            NoOpenGLError: if OpenGL does not start.
        """
        if width < 1 or height < 1:
            raise ValueError(
                f"an image of {width}x{height} pixels cannot be drawn: both sides must be at least 1"
            )
        self.width, self.height = width, height
        self._model = _pooled_model(width, height)
        self._data = mujoco.MjData(self._model)
        self._material = {self._model.mat(i).name: i for i in range(self._model.nmat)}
        try:
            self._gl = mujoco.GLContext(width, height)
            self._gl.make_current()
            self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        except Exception as error:  # each OpenGL binding raises its own kinds
            raise gl.NoOpenGLError(
                f"OpenGL did not start ({error}); try the software renderer: MUJOCO_GL=osmesa"
            ) from error
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(self._model, maxgeom=POOL + 16)
        self._option = mujoco.MjvOption()
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._view.fixedcamid = 0
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._seed: int | None = None
        self._geom_ids = np.zeros(POOL, np.uint8)

    def render(self, room: Room, pose: CameraPose, camera: Camera, index: int = 0) -> Rendered:
        """Draw one frame.

        Args:
            room: what to draw.
            pose: where the camera is; its field of view is not used.
            camera: pinhole intrinsics of this renderer's image size; any focal lengths and principal point.
            index: number of the view, kept in the labels.

        Returns:
            The frame with its labels.

        Raises:
            ValueError: if the camera's image size is another one, or it has distortion.
        """
        if (camera.width, camera.height) != (self.width, self.height):
            size = f"{camera.width}x{camera.height}"
            raise ValueError(f"this renderer draws {self.width}x{self.height} pixels, the camera has {size}")
        if any(camera.distortion):
            raise ValueError("only pinhole cameras can be drawn: the camera's distortion must be empty")
        self._gl.make_current()
        self._place_room(room)
        self._place_camera(pose, camera)
        rgb, depth, ids = self._draw()
        return Rendered(rgb, depth, ids, self._label(room, pose, camera, ids, index))

    def close(self) -> None:
        """Free OpenGL's resources; the renderer cannot be used afterwards."""
        if self._context is not None:
            self._gl.make_current()
            self._context.free()
            self._gl.free()
            self._context = None

    def __enter__(self) -> RoomRenderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _place_room(self, room: Room) -> None:
        model = self._model
        style = room.style
        x, y, h = room.size[0] / 2, room.size[1] / 2, room.size[2]
        model.geom_rgba[:, 3] = 0.0
        model.geom_pos[:] = (0.0, 0.0, -50.0)
        model.geom_size[:] = 0.01
        model.geom_rbound[:] = 0.02
        model.geom_castshadow[:] = True
        self._geom_ids[:] = 0
        used = 0

        def slab(position, inward_frame, half, rgb, material) -> None:
            """Add one side of the shell: its inner face is at ``position``, facing the frame's z axis."""
            nonlocal used
            model.geom_type[used] = mujoco.mjtGeom.mjGEOM_BOX
            model.geom_pos[used] = np.asarray(position) - inward_frame[:, 2] * _SHELL
            model.geom_quat[used] = _quaternion(inward_frame)
            model.geom_size[used] = (half[0] + 2 * _SHELL, half[1] + 2 * _SHELL, _SHELL)
            model.geom_rbound[used] = np.linalg.norm(model.geom_size[used])
            model.geom_rgba[used] = (*rgb, 1.0)
            model.geom_matid[used] = self._material[material]
            used += 1

        slab((0, 0, 0), np.eye(3), (x, y), style.floor_rgb, style.floor_style)
        slab((0, 0, h), np.diag([1.0, -1.0, -1.0]), (x, y), style.ceiling_rgb, MATT)
        for wall in range(4):
            angle = wall * np.pi / 2
            inward = np.array([np.cos(angle), np.sin(angle), 0.0])
            along = np.array([-np.sin(angle), np.cos(angle), 0.0])
            away, half = (x, y) if wall % 2 == 0 else (y, x)
            frame = np.column_stack([along, [0.0, 0.0, 1.0], inward])
            slab(
                -inward * away + [0, 0, h / 2],
                frame,
                (half, h / 2),
                style.wall_rgb[wall],
                f"wall{style.wall_pattern}",
            )

        def primitive(part: Part, rotation: np.ndarray, position: np.ndarray, object_id: int) -> None:
            nonlocal used
            if used == POOL:
                raise RuntimeError(f"room {room.seed} has more than {POOL} parts: raise POOL")
            material, half, axes = materials.applied(part)
            model.geom_type[used] = _GEOM_TYPE.get(part.shape, mujoco.mjtGeom.mjGEOM_ELLIPSOID)
            model.geom_pos[used] = rotation @ part.center + position
            model.geom_quat[used] = _quaternion(rotation @ axes)
            size = (half[0], half[2], 0.0) if part.shape == CYLINDER else half
            model.geom_size[used] = size
            model.geom_rbound[used] = np.linalg.norm(part.half)
            model.geom_rgba[used] = (*part.rgb, materials.OPACITY.get(part.finish, 1.0))
            model.geom_matid[used] = self._material[material]
            model.geom_castshadow[used] = part.casts_shadow
            self._geom_ids[used] = object_id
            used += 1

        for fixture in style.fixtures:
            primitive(fixture, np.eye(3), np.zeros(3), 0)
        for placed in room.objects:
            for part in placed.parts:
                primitive(part, placed.rotation, placed.position, placed.id)

        model.vis.headlight.ambient[:] = style.ambient
        model.light_active[:] = 0
        for i, light in enumerate(style.lights):
            model.light_active[i] = 1
            model.light_pos[i] = light.position
            model.light_dir[i] = (0.0, 0.0, -1.0)
            model.light_diffuse[i] = light.diffuse
            model.light_castshadow[i] = light.casts_shadow

    def _place_camera(self, pose: CameraPose, camera: Camera) -> None:
        model = self._model
        world = pose.world_from_camera
        model.cam_pos[0] = world[:3, 3]
        model.cam_quat[0] = _quaternion(world[:3, :3] @ _OPTICAL_TO_MUJOCO)
        # One unit of length is one pixel here. MuJoCo measures the principal point from the middle of the
        # image, whose pixel coordinates are (W - 1) / 2 and (H - 1) / 2 when (0, 0) is the middle of the
        # first pixel.
        model.cam_resolution[0] = (camera.width, camera.height)
        model.cam_sensorsize[0] = (camera.width, camera.height)
        shift_x, shift_y = camera.cx - (camera.width - 1) / 2, camera.cy - (camera.height - 1) / 2
        model.cam_intrinsic[0] = (camera.fx, camera.fy, -shift_x, -shift_y)
        mujoco.mj_kinematics(model, self._data)
        mujoco.mj_camlight(model, self._data)

    def _draw(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scene = self._scene
        mujoco.mjv_updateScene(
            self._model, self._data, self._option, None, self._view, mujoco.mjtCatBit.mjCAT_ALL.value, scene
        )
        rgb = np.empty((self.height, self.width, 3), np.uint8)
        mujoco.mjr_render(self._rect, scene, self._context)
        mujoco.mjr_readPixels(rgb, None, self._rect, self._context)
        # Ids and depth come from one pass without shading, which also turns multisampling off: a depth is
        # that of the pixel's middle and an id is never a blend.
        flags = scene.flags.copy()
        scene.flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = True
        scene.flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = True
        code = np.empty((self.height, self.width, 3), np.uint8)
        raw = np.empty((self.height, self.width), np.float32)
        mujoco.mjr_render(self._rect, scene, self._context)
        mujoco.mjr_readPixels(code, raw, self._rect, self._context)
        scene.flags[:] = flags
        lookup = np.zeros(scene.ngeom + 1, np.uint8)  # code 0 is background
        for geom in scene.geoms[: scene.ngeom]:
            if geom.segid >= 0 and geom.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                lookup[geom.segid + 1] = self._geom_ids[geom.objid]
        number = code[..., 0].astype(np.int32) + (code[..., 1].astype(np.int32) << 8)
        return rgb[::-1].copy(), _metric_depth(raw[::-1]), lookup[number[::-1]]

    def _label(self, room: Room, pose: CameraPose, camera: Camera, ids: np.ndarray, index: int) -> FrameGraph:
        world_from_camera = pose.world_from_camera
        camera_from_world = inverse(world_from_camera)
        counts = np.bincount(ids.ravel(), minlength=256)
        objects = []
        for placed in room.objects:
            box = placed.box(_canonical_yaw(placed, pose.position)).transformed(camera_from_world)
            if box.center[2] <= 0:
                continue
            visible = int(counts[placed.id])
            fraction = 0.0
            if visible:
                fraction = min(1.0, visible / max(silhouette_pixels(placed, camera, camera_from_world), 1.0))
            objects.append(
                SceneObject(
                    id=placed.id,
                    category=placed.category.name,
                    color=placed.color,
                    material=placed.material,
                    box=box,
                    visible_pixels=visible,
                    visible_fraction=fraction,
                    support=placed.support,
                    relation=placed.relation,
                    against_wall=placed.against_wall,
                )
            )
        return FrameGraph(
            seed=room.seed,
            room_type=room.room_type,
            index=index,
            camera=camera,
            pitch=pose.pitch,
            roll=pose.roll,
            camera_height=float(pose.position[2]),
            world_from_camera=world_from_camera,
            objects=tuple(objects),
        )


def render_frame(seed: int, renderer: RoomRenderer, view: int = 0) -> Rendered:
    """Draw one view of the room of a seed, chosen so that expressions have something to speak of.

    Args:
        seed: of the room.
        renderer: draws it.
        view: number of the view.

    Returns:
        The frame; at least two of its objects are referable unless eight cameras in a row failed to find two.
    """
    room = Room.from_seed(seed)
    rendered = None
    for attempt in range(_ATTEMPTS):
        pose = camera_pose(room, view, attempt)
        camera = Camera.from_fov(renderer.width, renderer.height, pose.horizontal_fov)
        rendered = renderer.render(room, pose, camera, view)
        if len(rendered.graph.referable) >= MIN_REFERABLE:
            break
    return rendered


def _canonical_yaw(placed: PlacedObject, viewer: np.ndarray) -> float:
    """Return the yaw, among those that look the same, whose front faces the viewer best."""
    towards = float(np.arctan2(viewer[1] - placed.position[1], viewer[0] - placed.position[0]))
    if placed.symmetry == "round":
        return towards
    if placed.symmetry == "half_turn" and np.cos(placed.yaw - towards) < 0:
        return placed.yaw + np.pi
    return placed.yaw


def _metric_depth(raw: np.ndarray) -> np.ndarray:
    """Turn the reversed z-buffer (1 near, 0 far) into metres along the optical axis, 0 where it is empty."""
    near, far = np.float64(np.float32(_NEAR)), np.float64(np.float32(_FAR))
    depth = near * far / (near + raw.astype(np.float64) * (far - near))
    return np.where(raw > 0, depth, 0.0).astype(np.float32)


def _quaternion(rotation: np.ndarray) -> np.ndarray:
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(rotation, np.float64).reshape(9))
    return quaternion


def _pooled_model(width: int, height: int) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    spec.stat.extent = _EXTENT
    spec.stat.center = (0.0, 0.0, 1.3)
    spec.visual.map.znear = _NEAR / _EXTENT
    spec.visual.map.zfar = _FAR / _EXTENT
    spec.visual.quality.shadowsize = 1024
    spec.visual.quality.offsamples = 4
    spec.visual.quality.numquads = 2  # along each side of a box: lighting is computed at their corners
    spec.visual.quality.numslices = SLICES
    spec.visual.quality.numstacks = STACKS
    spec.visual.headlight.diffuse = (0.0, 0.0, 0.0)
    spec.visual.headlight.specular = (0.0, 0.0, 0.0)
    spec.visual.global_.offwidth = width
    spec.visual.global_.offheight = height

    def surface(name: str, image: np.ndarray, tile: float) -> None:
        texture = spec.add_texture(
            name=name,
            type=mujoco.mjtTexture.mjTEXTURE_2D,
            width=textures.SIZE,
            height=textures.SIZE,
            nchannel=3,
        )
        texture.data = image.tobytes()
        material = spec.add_material(
            name=name, texuniform=True, texrepeat=(1.0 / tile, 1.0 / tile), specular=0.05, shininess=0.1
        )
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name

    for style in FLOOR_STYLES:
        surface(style, textures.floor(style), textures.FLOOR_TILE[style])
    for pattern in range(3):
        surface(f"wall{pattern}", textures.wall(pattern), textures.WALL_TILE)
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
            material.texrepeat = (1.0 / look.tile, 1.0 / look.tile)
    for _ in range(POOL):
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.01, 0.01, 0.01), material=MATT, contype=0, conaffinity=0
        )
    for _ in range(_LIGHTS):
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
    model = spec.compile()
    # The compiler marks geoms that coincide with their body and then ignores their own rotation; here every
    # geom moves.
    model.geom_sameframe[:] = 0
    return model
