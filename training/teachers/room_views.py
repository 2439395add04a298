# SPDX-License-Identifier: Apache-2.0
"""Rooms as a geometry network sees them: some frames of each, with what is known of their geometry."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch.utils.data import Dataset

from ide3d_training.datasets.augmentation import jitter_light, mirror_graph
from ide3d_training.datasets.frame_store import FrameStore


@dataclass(frozen=True)
class RoomViews:
    """F frames of each of R rooms.

    Attributes:
        images: (R, F, H, W, 3) uint8 RGB.
        intrinsics: (R, F, 3, 3) float32.
        depth: (R, F, H, W) float32, metres, 0 where unknown.
        world_from_camera: (R, F, 4, 4) float32; NaN where unknown.
    """

    images: torch.Tensor
    intrinsics: torch.Tensor
    depth: torch.Tensor
    world_from_camera: torch.Tensor


def stack_rooms(rooms: list[RoomViews]) -> RoomViews:
    """Join rooms of equally many frames."""
    return RoomViews(*(torch.cat([getattr(room, f.name) for room in rooms]) for f in fields(RoomViews)))


class RoomViewsDataset(Dataset):
    """Single rooms of a rendered data set, each epoch seen differently.

    A training room may be mirrored, be seen in the opposite order, so that every frame is the first at
    times, and be lit differently in each frame; without a seed it is taken as it is.

    Args:
        store: rendered shards.
        views: frames taken of a room, next to one another in its sequence.
        seed: with the epoch and the room it fixes every draw; None for rooms as they are.
    """

    def __init__(self, store: FrameStore, views: int, seed: int | None):
        self._store, self._views, self._seed = store, views, seed

    def __len__(self) -> int:
        return len(self._store.rooms)

    def __getitem__(self, key: tuple[int, int]) -> RoomViews:
        """Return the frames of (epoch, room), R = 1."""
        epoch, room = key
        indices = list(self._store.rooms[room])
        if self._seed is None:
            return self._look(indices[: self._views], mirrored=False)
        rng = np.random.default_rng((self._seed, epoch, room))
        start = int(rng.integers(max(len(indices) - self._views, 0) + 1))
        chosen = indices[start : start + self._views][:: 1 if rng.random() < 0.5 else -1]
        return self._look(chosen, bool(rng.random() < 0.5), rng)

    def _look(self, indices: list[int], mirrored: bool, rng: np.random.Generator | None = None) -> RoomViews:
        images, intrinsics, depths, poses = [], [], [], []
        for index in indices:
            image, depth, graph = self._store.image(index), self._store.depth(index), self._store.graph(index)
            if mirrored:
                image, depth, graph = image[:, ::-1], depth[:, ::-1], mirror_graph(graph)
            images.append(jitter_light(image, rng) if rng is not None else image)
            intrinsics.append(graph.camera.K)
            depths.append(depth)
            poses.append(graph.world_from_camera)
        return RoomViews(
            images=torch.from_numpy(np.stack(images)[None]),
            intrinsics=torch.from_numpy(np.stack(intrinsics)[None].astype(np.float32)),
            depth=torch.from_numpy(np.stack(depths)[None]),
            world_from_camera=torch.from_numpy(np.stack(poses)[None].astype(np.float32)),
        )
