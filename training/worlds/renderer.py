# SPDX-License-Identifier: Apache-2.0
"""Draw rooms with MuJoCo's OpenGL renderer: RGB, metric depth, instance ids and labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.geometry.rotation import matrix_to_quaternion, yawed_quaternion
from ide3d_ros.geometry.transform import inverse
from ide3d_training.worlds import gl
from ide3d_training.worlds.lens import Lens, fine_size
from ide3d_training.worlds.placed_object import PlacedObject
from ide3d_training.worlds.pool import FAR, NEAR, POOL, GeomPool
from ide3d_training.worlds.room import Room
from ide3d_training.worlds.scene_graph import FrameGraph, SceneObject
from ide3d_training.worlds.sensor import Sensor
from ide3d_training.worlds.silhouette import silhouette_pixels
from ide3d_training.worlds.viewpoint import MIN_REFERABLE, CameraPose, camera_pose

mujoco = gl.import_mujoco()

ATTEMPTS = 8


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
        self._pool = GeomPool(*fine_size(width, height))
        try:
            self._gl = mujoco.GLContext(width, height)
            self._gl.make_current()
            self._context = mujoco.MjrContext(self._pool.model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        except Exception as error:  # each OpenGL binding raises its own kinds
            raise gl.NoOpenGLError(
                f"OpenGL did not start ({error}); try the software renderer: MUJOCO_GL=osmesa"
            ) from error
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(self._pool.model, maxgeom=POOL + 16)
        self._option = mujoco.MjvOption()
        self._view = mujoco.MjvCamera()
        self._view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._view.fixedcamid = 0

    def render(self, room: Room, pose: CameraPose, camera: Camera, index: int = 0) -> Rendered:
        """Draw one frame.

        Args:
            room: what to draw.
            pose: where the camera is; its field of view is not used.
            camera: intrinsics of this renderer's image size; any focal lengths, principal point and lens.
            index: number of the view, kept in the labels.

        Returns:
            The frame with its labels.

        Raises:
            ValueError: if the camera's image size is another one, or its lens shows nothing in a part of the
                frame.
        """
        if (camera.width, camera.height) != (self.width, self.height):
            size = f"{camera.width}x{camera.height}"
            raise ValueError(f"this renderer draws {self.width}x{self.height} pixels, the camera has {size}")
        lens = Lens(camera) if camera.distortion else None
        fine = lens.source if lens else camera.resized(*fine_size(self.width, self.height))
        self._gl.make_current()
        self._pool.place_room(room)
        self._pool.place_camera(pose.world_from_camera, fine)
        rgb = self._draw_colors(fine)
        if lens:
            drawn = fine
            depth, ids = self._draw_surfaces(drawn)
            visible = np.bincount(ids[lens.covered], minlength=256)
            rgb, depth, ids = lens.bent(rgb, depth, ids)
        else:
            drawn = camera
            rgb = cv2.resize(rgb, (self.width, self.height), interpolation=cv2.INTER_AREA)
            self._pool.place_camera(pose.world_from_camera, drawn)
            depth, ids = self._draw_surfaces(drawn)
            visible = np.bincount(ids.ravel(), minlength=256)
        shown = np.bincount(ids.ravel(), minlength=256)
        return Rendered(rgb, depth, ids, self._label(room, pose, camera, index, shown, visible, drawn))

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

    def _draw_colors(self, camera: Camera) -> np.ndarray:
        """Draw (H, W, 3) uint8 RGB of the size of the camera that was placed, without smoothing its edges."""
        rgb = np.empty((camera.height, camera.width, 3), np.uint8)
        rect = mujoco.MjrRect(0, 0, camera.width, camera.height)
        self._pool.show_lit()
        self._update_scene()
        mujoco.mjr_render(rect, self._scene, self._context)
        mujoco.mjr_readPixels(rgb, None, rect, self._context)
        return np.ascontiguousarray(rgb[::-1])

    def _draw_surfaces(self, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
        """Draw (H, W) float32 depth, metres, and (H, W) uint8 ids, both of what the pixels' middles show.

        There is no multisampling in this buffer: read from one that has it, depth is that of a sample beside
        the pixel's middle, which at a face seen edge-on is centimetres off.
        """
        scene, rect = self._scene, mujoco.MjrRect(0, 0, camera.width, camera.height)
        self._pool.show_in_view()
        self._update_scene()
        flags = scene.flags.copy()
        scene.flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = True
        scene.flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = True
        code = np.empty((camera.height, camera.width, 3), np.uint8)
        raw = np.empty((camera.height, camera.width), np.float32)
        mujoco.mjr_render(rect, scene, self._context)
        mujoco.mjr_readPixels(code, raw, rect, self._context)
        scene.flags[:] = flags
        lookup = np.zeros(scene.ngeom + 1, np.uint8)  # code 0 is background
        for geom in scene.geoms[: scene.ngeom]:
            if geom.segid >= 0 and geom.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                lookup[geom.segid + 1] = self._pool.owners[geom.objid]
        number = code[..., 0].astype(np.int32) + (code[..., 1].astype(np.int32) << 8)
        return _metric_depth(raw[::-1]), lookup[number[::-1]]

    def _update_scene(self) -> None:
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        model, data = self._pool.model, self._pool.data
        mujoco.mjv_updateScene(model, data, self._option, None, self._view, everything, self._scene)

    def _label(
        self,
        room: Room,
        pose: CameraPose,
        camera: Camera,
        index: int,
        shown: np.ndarray,
        visible: np.ndarray,
        drawn: Camera,
    ) -> FrameGraph:
        """State what a frame shows.

        Args:
            room, pose, camera, index: of the frame.
            shown: (256,) pixels of each id in the frame.
            visible: (256,) the same before the lens: pixels of the drawn frame that the lens shows.
            drawn: the pinhole camera of the drawn frame, with which silhouettes are compared.
        """
        world_from_camera = pose.world_from_camera
        camera_from_world = inverse(world_from_camera)
        camera_quaternion = matrix_to_quaternion(camera_from_world[:3, :3])
        objects = []
        for placed in room.objects:
            middle = placed.position + [0.0, 0.0, placed.extents[2] / 2]
            center = camera_from_world[:3, :3] @ middle + camera_from_world[:3, 3]
            if center[2] <= 0:
                continue
            yaw = _canonical_yaw(placed, pose.position)
            box = Box3D(center, placed.extents, yawed_quaternion(camera_quaternion, yaw))
            fraction = 0.0
            if shown[placed.id]:
                whole = silhouette_pixels(placed, drawn, camera_from_world)
                fraction = min(1.0, max(int(visible[placed.id]), 1) / max(whole, 1.0))
            objects.append(
                SceneObject(
                    id=placed.id,
                    category=placed.category.name,
                    color=placed.color,
                    material=placed.material,
                    box=box,
                    visible_pixels=int(shown[placed.id]),
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


def render_frame(seed: int, renderer: RoomRenderer, view: int = 0, sensor: str = "clean") -> Rendered:
    """Draw one view of the room of a seed, chosen so that expressions have something to speak of.

    Args:
        seed: of the room.
        renderer: draws it.
        view: number of the view.
        sensor: kind of camera, one of ``sensor.SENSORS``.

    Returns:
        The frame; at least two of its objects are referable unless eight cameras in a row failed to find two.

    Raises:
        ValueError: if the seed is negative or the sensor unknown.
    """
    room, optics = Room.from_seed(seed), Sensor.drawn(sensor, seed, view)
    rendered = None
    for attempt in range(ATTEMPTS):
        pose = camera_pose(room, view, attempt, renderer.width / renderer.height)
        camera = optics.camera(renderer.width, renderer.height, pose.horizontal_fov)
        rendered = renderer.render(room, pose, camera, view)
        if len(rendered.graph.referable) >= MIN_REFERABLE:
            break
    return replace(rendered, rgb=optics.exposed(rendered.rgb, seed, view))


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
    near, far = np.float64(np.float32(NEAR)), np.float64(np.float32(FAR))
    depth = near * far / (near + raw.astype(np.float64) * (far - near))
    return np.where(raw > 0, depth, 0.0).astype(np.float32)
