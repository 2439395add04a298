# SPDX-License-Identifier: Apache-2.0
"""Rooms that frozen tokens are probed on: several frames each, with true depth and pose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.worlds.scene_graph import FrameGraph

MOTION, RATE_HZ = "orbit", 0.8
"""How the camera moves between frames that are rendered here: enough parallax, most things still in view."""


class ProbeError(ValueError):
    """Raised where there is nothing to probe, or not enough; the sentence says what to change."""


@dataclass(frozen=True, eq=False)
class ProbeFrame:
    """Hold one frame and what is true of it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        intrinsics: (3, 3) float32.
        depth: (H, W) float32 metres along the optical axis, 0 where unknown.
        world_from_camera: (4, 4) float64.
        room: seed of the room; frames of one room stand next to one another.
    """

    image: np.ndarray
    intrinsics: np.ndarray
    depth: np.ndarray
    world_from_camera: np.ndarray
    room: int


def rendered_rooms(
    rooms: int,
    seed: int,
    frames: int,
    size: tuple[int, int],
    on_room: Callable[[], None] = lambda: None,
) -> list[ProbeFrame]:
    """Render rooms whose camera moves around what it looks at.

    Args:
        rooms, seed: how many, and the seed of the first.
        frames: of each room.
        size: width and height, pixels.
        on_room: called after each.

    Raises:
        NoOpenGLError: if nothing can be drawn here.
    """
    from ide3d_training.worlds.capture import capture_room  # needs MuJoCo and OpenGL
    from ide3d_training.worlds.renderer import RoomRenderer

    found = []
    with RoomRenderer(*size) as renderer:
        for room in range(seed, seed + rooms):
            for shot in capture_room(room, renderer, frames, MOTION, RATE_HZ):
                found.append(_frame(shot.rgb, shot.depth, shot.graph))
            on_room()
    return found


def stored_rooms(folder: Path, rooms: int) -> list[ProbeFrame]:
    """Read the first rooms of a data set.

    Raises:
        FileNotFoundError: if the folder holds no data set.
        ProbeError: if it holds fewer rooms.
    """
    store = FrameStore(folder)
    if len(store.rooms) < rooms:
        raise ProbeError(f"{folder} holds {len(store.rooms)} rooms, not {rooms}: render more or probe fewer")
    return [frame for room in islice(store.rooms, rooms) for frame in _stored(store, room)]


def _stored(store: FrameStore, room: range) -> Iterator[ProbeFrame]:
    for index in room:
        yield _frame(store.image(index), store.depth(index), store.graph(index))


def _frame(image: np.ndarray, depth: np.ndarray, graph: FrameGraph) -> ProbeFrame:
    intrinsics = graph.camera.K.astype(np.float32)
    return ProbeFrame(image, intrinsics, depth.astype(np.float32), graph.world_from_camera, graph.seed)
