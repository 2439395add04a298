# SPDX-License-Identifier: Apache-2.0
"""Which objects of a frame a text may count on: referable, ambiguous (perhaps seen) or unseen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ide3d_training.worlds.scene_graph import FrameGraph, SceneObject


@dataclass(frozen=True)
class VisibleObjects:
    """Hold a frame's objects by visibility, each group in the order of the ids; unseen ones are left out."""

    referable: tuple[SceneObject, ...]
    ambiguous: tuple[SceneObject, ...]

    @property
    def all(self) -> tuple[SceneObject, ...]:
        """Return referable and ambiguous objects in the order of their ids."""
        return tuple(sorted(self.referable + self.ambiguous, key=lambda o: o.id))


def visible_objects(frame: FrameGraph) -> VisibleObjects:
    """Split a frame's objects into referable and ambiguous ones.

    Args:
        frame: the graph of one rendered frame.

    Returns:
        The two groups, sorted by id so that nothing downstream depends on the graph's own order.
    """
    referable, ambiguous = [], []
    for item in sorted(frame.objects, key=lambda o: o.id):
        if frame.is_referable(item):
            referable.append(item)
        elif not frame.is_unseen(item):
            ambiguous.append(item)
    return VisibleObjects(tuple(referable), tuple(ambiguous))


def image_columns(frame: FrameGraph, objects: tuple[SceneObject, ...]) -> dict[int, float]:
    """Return each object's projected centre's column, in pixels, by id (nan behind the camera)."""
    if not objects:
        return {}
    centers = np.stack([item.box.center for item in objects])
    pixels = frame.camera.project(centers)
    return {item.id: float(column) for item, column in zip(objects, pixels[:, 0], strict=True)}


def camera_distances(objects: tuple[SceneObject, ...]) -> dict[int, float]:
    """Return the distance from the camera to each object's box centre, in metres, by id."""
    return {item.id: float(np.linalg.norm(item.box.center)) for item in objects}
