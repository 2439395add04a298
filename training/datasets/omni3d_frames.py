# SPDX-License-Identifier: Apache-2.0
"""Omni3D images as the project's frames: the scene graph, who covers which pixel, and the mirror image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ide3d_ros.geometry import gravity_angles
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_training.datasets.augmentation import mirror_box, mirror_camera
from ide3d_training.datasets.omni3d import Omni3DImage, Omni3DObject
from ide3d_training.worlds.scene_graph import ON, FrameGraph, SceneObject

MOST_OBJECTS = 250
"""Instance ids are 1..250."""
UNKNOWN = 255
"""Id of pixels that may show anything."""
UPRIGHT = np.radians(2.0)
"""Boxes say how the camera hangs where none of them leans farther than this from their common up."""
HAIR_M = 1e-3


def frame_graph(image: Omni3DImage, camera: Camera) -> tuple[np.ndarray, FrameGraph]:
    """Label an image as rendered frames are labelled.

    There are no masks in the format, so a pixel shows the object whose box its ray enters first, within that
    object's tight rectangle if it has one; what stands inside another box (a vase in a shelf) is seen in
    front of it. What a region or the rest of a tight rectangle covers may be anything. Colour, material,
    support, pose and height of the camera are not known: colour and material are empty, pose and height NaN.
    Pitch and roll are those at which the boxes stand upright, NaN where they do not tell.

    Args:
        image: what is labelled.
        camera: of the picture that the ids belong to, mostly the network-size camera of the same image.

    Returns:
        (H, W) uint8 ids, i + 1 for the i-th object of the graph, UNKNOWN, or 0 for what is none of the
        labelled things; and the graph, its objects from near to far.
    """
    near_first = nearest_objects(image)
    taught = {one.id for one in near_first}
    too_many = [one.box for one in image.objects if one.id not in taught]
    placed = [region.box for region in image.regions if region.box is not None]
    boxes = [one.box for one in near_first] + too_many + placed
    entries = entry_depths(boxes, camera)  # (O, H, W)
    inside = [_within(one.tight, image.camera, camera) for one in near_first]
    for entry, rectangle in zip(entries, inside, strict=False):
        entry[~rectangle] = np.inf
    ids = np.zeros((camera.height, camera.width), np.uint8)
    if boxes:
        numbers = np.array([*range(1, len(near_first) + 1)] + [UNKNOWN] * (len(boxes) - len(near_first)))
        ids = np.where(np.isfinite(entries).any(0), numbers[entries.argmin(0)], 0).astype(np.uint8)
    doubtful = [
        rectangle for one, rectangle in zip(near_first, inside, strict=True) if one.tight is not None
    ] + [_within(r.rectangle, image.camera, camera) for r in image.regions if r.box is None]
    for rectangle in doubtful:
        ids[rectangle & (ids == 0)] = UNKNOWN
    objects = tuple(
        SceneObject(
            id=place + 1,
            category=one.category,
            color="",
            material="",
            box=one.box,
            visible_pixels=int((ids == place + 1).sum()),
            visible_fraction=_visible_fraction(one, ids == place + 1, entries[place]),
            support=None,
            relation=ON,
            against_wall=False,
        )
        for place, one in enumerate(near_first)
    )
    pitch, roll = _gravity(image)
    graph = FrameGraph(
        seed=image.id,
        room_type="",
        index=0,
        camera=camera,
        pitch=pitch,
        roll=roll,
        camera_height=float("nan"),
        world_from_camera=np.full((4, 4), np.nan),
        objects=objects,
    )
    return ids, graph


def nearest_objects(image: Omni3DImage) -> list[Omni3DObject]:
    """Return the objects that a frame's labels hold, from near to far."""
    return sorted(image.objects, key=lambda one: one.box.center[2])[:MOST_OBJECTS]


def mirror_image(image: Omni3DImage) -> Omni3DImage:
    """Return the labels of an image that is reflected left to right."""

    def across(rectangle: np.ndarray | None) -> np.ndarray | None:
        return None if rectangle is None else np.array([last, 0, last, 0]) + rectangle[[2, 1, 0, 3]] * flip

    last, flip = image.camera.width - 1, np.array([-1, 1, -1, 1])
    return replace(
        image,
        camera=mirror_camera(image.camera),
        objects=tuple(
            replace(one, box=mirror_box(one.box), tight=across(one.tight)) for one in image.objects
        ),
        regions=tuple(
            replace(one, box=one.box and mirror_box(one.box), rectangle=across(one.rectangle))
            for one in image.regions
        ),
    )


def entry_depths(boxes: list[Box3D], camera: Camera) -> np.ndarray:
    """Say how deep each pixel's ray enters each box; one that stands inside another counts as before it.

    Returns:
        (O, H, W) metres along the optical axis, infinite where a ray misses the box.
    """
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    rays = camera.rays(np.column_stack([u.ravel(), v.ravel()])).reshape(camera.height, camera.width, 3)
    windows = [_window(box, camera) for box in boxes]
    entries = np.full((len(boxes), camera.height, camera.width), np.inf)
    for entry, box, window in zip(entries, boxes, windows, strict=True):
        entry[window] = _entry(rays[window], box)
    seen = entries.copy()
    for inner, (box, window) in enumerate(zip(boxes, windows, strict=True)):
        for outer, around in enumerate(boxes):
            if outer != inner and around.volume > box.volume and around.contains(box.center):
                # Just before the box around it, and what is nearer inside still before what is farther.
                own = entries[inner][window]
                before = np.minimum(seen[inner][window], entries[outer][window] - HAIR_M / (1 + own))
                seen[inner][window] = np.where(np.isfinite(own), before, np.inf)
    return seen


def _window(box: Box3D, camera: Camera) -> tuple[slice, slice]:
    """Return rows and columns of an image that hold all of a box; all of them where it reaches behind."""
    corners = box.corners()
    if corners[:, 2].min() < HAIR_M:
        return slice(None), slice(None)
    pixels = camera.project(corners)
    left, top = np.floor(pixels.min(0)).clip(0, (camera.width, camera.height)).astype(int)
    right, bottom = np.ceil(pixels.max(0) + 1).clip(0, (camera.width, camera.height)).astype(int)
    return slice(top, bottom), slice(left, right)


def _entry(rays: np.ndarray, box: Box3D) -> np.ndarray:
    """Say how deep rays (H, W, 3) through the camera enter a box: (H, W) metres, infinite where they miss."""
    along = rays.reshape(-1, 3) @ box.rotation
    along = np.where(np.abs(along) < 1e-12, 1e-12, along)
    start, half = -box.center @ box.rotation, box.extents / 2
    low, high = (-half - start) / along, (half - start) / along
    first, last = np.minimum(low, high).max(-1), np.maximum(low, high).min(-1)
    depth = np.where((first <= last) & (last > 0), np.maximum(first, 0.0), np.inf)
    return depth.reshape(rays.shape[:2])


def _within(rectangle: np.ndarray | None, source: Camera, camera: Camera) -> np.ndarray:
    """Say which pixels of a camera's image lie in a rectangle of another image of the same scene.

    Args:
        rectangle: (4,) in pixels of the source; None for all of it.
        source, camera: of one optical frame, without distortion.

    Returns:
        (H, W) bool, of the camera's image.
    """
    if rectangle is None:
        return np.ones((camera.height, camera.width), bool)
    left, right = (rectangle[[0, 2]] - source.cx) / source.fx * camera.fx + camera.cx
    top, bottom = (rectangle[[1, 3]] - source.cy) / source.fy * camera.fy + camera.cy
    rows, columns = np.arange(camera.height)[:, None], np.arange(camera.width)[None]
    return (rows >= top) & (rows <= bottom) & (columns >= left) & (columns <= right)


def _visible_fraction(one: Omni3DObject, shown: np.ndarray, entries: np.ndarray) -> float:
    """Take the labels' word for it, or the share of the box's pixels that it keeps, less what is cut off."""
    if one.visibility is not None:
        return one.visibility
    kept = shown.sum() / max(np.isfinite(entries).sum(), 1)
    return float(kept * (1.0 - (one.truncation or 0.0)))


def _gravity(image: Omni3DImage) -> tuple[float, float]:
    """Return pitch and roll, NaN where the boxes do not tell: the format does not state them.

    A single box may lie on its side; several that agree do not.
    """
    ups = np.array([one.box.rotation[:, 2] for one in image.objects]).reshape(-1, 3)
    common = ups.sum(0) / max(np.linalg.norm(ups.sum(0)), 1e-12)
    if image.flagged or len(ups) < 2 or (ups @ common).min() < np.cos(UPRIGHT):
        return float("nan"), float("nan")
    upright = np.zeros((3, 3))
    upright[:, 2] = common
    pitch, roll = gravity_angles(upright)
    return float(pitch), float(roll)
