# SPDX-License-Identifier: Apache-2.0
"""Augmentations that keep labels true: a mirrored room is a room, a darker one too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ide3d_ros.geometry import Box3D, Camera
from ide3d_training.worlds.scene_graph import FrameGraph


def mirror_graph(graph: FrameGraph) -> FrameGraph:
    """Reflect a frame's graph left to right, together with its camera.

    The world is reflected along its x axis as the camera is along its own: both stay right-handed, and all
    frames of a mirrored room stay in one world.
    """
    objects = tuple(replace(o, box=mirror_box(o.box)) for o in graph.objects)
    return replace(
        graph,
        camera=mirror_camera(graph.camera),
        roll=-graph.roll,
        objects=objects,
        world_from_camera=mirror_pose(graph.world_from_camera),
    )


def mirror_box(box: Box3D) -> Box3D:
    """Return a box of the mirrored image, in the optical frame of its camera.

    A reflection is not a rotation, so the box is reflected along its own y axis as well: boxes are symmetric
    in it, and their front stays the front.
    """
    flip = np.diag([-1.0, 1.0, 1.0])
    return Box3D.from_matrix(flip @ box.center, box.extents, flip @ box.rotation @ np.diag([1.0, -1.0, 1.0]))


def mirror_camera(camera: Camera) -> Camera:
    """Return the camera of mirrored images."""
    return replace(camera, cx=camera.width - 1 - camera.cx)


def mirror_pose(world_from_camera: np.ndarray) -> np.ndarray:
    """Return the pose (4, 4) of a mirrored camera in the mirrored world."""
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    return flip @ world_from_camera @ flip


def jitter_light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary exposure, contrast, gamma, white balance and sensor noise of an RGB uint8 image."""
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.95, 1.05, 3)
    gamma, bias = rng.uniform(0.85, 1.2), rng.uniform(-0.04, 0.04)
    levels = np.linspace(0, 1, 256)[:, None] ** gamma * gain + bias
    table = (levels.clip(0, 1) * 255).astype(np.uint8)
    out = np.stack([table[image[..., c], c] for c in range(3)], -1)
    if rng.random() < 0.5:
        noise = rng.integers(-6, 7, out.shape, dtype=np.int16)
        out = (out.astype(np.int16) + noise).clip(0, 255).astype(np.uint8)
    return out
