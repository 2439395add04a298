# SPDX-License-Identifier: Apache-2.0
"""Rooms as videos: a few frames of each, as the camera moves through them."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from ide3d_training.datasets.frame_store import FrameStore


def usual_frames(store: FrameStore) -> int:
    """Return the frames of a video where nobody asks for a number: two, or one where a room has but one."""
    return min(2, *map(len, store.rooms))


class VideoDataset(Dataset):
    """Short videos of the rooms of a rendered data set, each epoch seen differently.

    A training video may be mirrored or run backwards, as a whole; without a seed it is taken as it is.

    Args:
        store: rendered shards.
        frames: taken of a room, next to one another in its sequence; every room has as many.
        seed: with the epoch and the room it fixes every draw; None for rooms as they are.
    """

    def __init__(self, store: FrameStore, frames: int, seed: int | None):
        self._store, self._frames, self._seed = store, frames, seed

    def __len__(self) -> int:
        return len(self._store.rooms)

    def __getitem__(self, key: tuple[int, int]) -> torch.Tensor:
        """Return the video of (epoch, room), (T, H, W, 3) uint8."""
        epoch, room = key
        indices = list(self._store.rooms[room])
        if self._seed is None:
            return self._read(indices[: self._frames])
        rng = np.random.default_rng((self._seed, epoch, room))
        start = int(rng.integers(len(indices) - self._frames + 1))
        chosen = indices[start : start + self._frames][:: 1 if rng.random() < 0.5 else -1]
        video = self._read(chosen)
        return video.flip(2) if rng.random() < 0.5 else video

    def _read(self, indices: list[int]) -> torch.Tensor:
        return torch.from_numpy(np.stack([self._store.image(index) for index in indices]))
