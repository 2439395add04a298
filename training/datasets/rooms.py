# SPDX-License-Identifier: Apache-2.0
"""Rendered rooms as a dataset of training samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from torch.utils.data import Dataset, Sampler

from ide3d_ros.network import NetworkConfig
from ide3d_training.datasets.augmentation import jitter_light, mirror_graph
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.frame_targets import frame_targets
from ide3d_training.datasets.packing import PrivilegedFrame, Sample
from ide3d_training.datasets.prompts import PromptWriter
from ide3d_training.worlds.scene_graph import FrameGraph


class TeacherFeatures(Protocol):
    """What a frozen teacher said of the frames of a data set."""

    def features(self, index: int, mirrored: bool) -> np.ndarray:
        """Return its (N, C) float16 features of a frame, or of the mirrored frame, one row a token."""
        ...


class RoomDataset(Dataset):
    """Samples of rendered rooms; what is asked and how it is lit is drawn anew each epoch.

    Args:
        store: rendered shards.
        config: the network that is trained.
        writer: draws the prompts.
        seed: with the epoch and the room it fixes every draw, so a resumed run sees the same samples.
        views: frames taken of a room at a time, next to one another in its sequence; of a shorter sequence
            all.
        privileged: whether depth and poses are read too.
        teacher: features of a frozen teacher; they come with what is privileged.
    """

    def __init__(
        self,
        store: FrameStore,
        config: NetworkConfig,
        writer: PromptWriter,
        seed: int,
        *,
        views: int = 1,
        privileged: bool = False,
        teacher: TeacherFeatures | None = None,
    ):
        self._store, self._config, self._writer, self._seed = store, config, writer, seed
        self._views, self._privileged, self._teacher = views, privileged, teacher

    def __len__(self) -> int:
        return len(self._store.rooms)

    def __getitem__(self, key: tuple[int, int]) -> list[Sample]:
        """Return the samples of (epoch, room), one a frame."""
        epoch, room = key
        rng = np.random.default_rng((self._seed, epoch, room))
        frames = self._store.rooms[room]
        start = int(rng.integers(max(len(frames) - self._views, 0) + 1))
        mirrored = bool(rng.random() < 0.5)  # the room, so that its frames still show one world
        return [self._sample(i, room, mirrored, rng) for i in frames[start : start + self._views]]

    def _sample(self, index: int, room: int, mirrored: bool, rng: np.random.Generator) -> Sample:
        image, ids, graph = self._store.image(index), self._store.ids(index), self._store.graph(index)
        if mirrored:
            image, ids, graph = image[:, ::-1], ids[:, ::-1], mirror_graph(graph)
        targets, rows = frame_targets(ids, graph, self._config)
        prompts = self._writer.write(graph, rows, rng)
        privileged = self._look_behind(index, room, mirrored, graph) if self._privileged else None
        return Sample(
            jitter_light(image, rng), graph.camera.K.astype(np.float32), prompts, targets, privileged
        )

    def _look_behind(self, index: int, room: int, mirrored: bool, graph: FrameGraph) -> PrivilegedFrame:
        depth = self._store.depth(index)
        return PrivilegedFrame(
            depth=np.ascontiguousarray(depth[:, ::-1]) if mirrored else depth,
            world_from_camera=graph.world_from_camera.astype(np.float32),
            room=room,
            teacher=self._teacher.features(index, mirrored) if self._teacher else None,
        )


class EpochSampler(Sampler):
    """Yield (epoch, room) for ever, each epoch shuffled by its own seed.

    Args:
        length: rooms an epoch.
        seed: with the epoch it fixes the order.
        skip: rooms to begin after.
        stride: every how-many-th room to yield, for processes that share the rooms.
    """

    def __init__(self, length: int, seed: int, skip: int = 0, stride: int = 1):
        self._length, self._seed, self._skip, self._stride = length, seed, skip, stride

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch, place = divmod(self._skip, self._length)
        while True:
            order = np.random.default_rng((self._seed, epoch)).permutation(self._length)
            for index in order[place :: self._stride]:
                yield epoch, int(index)
            place += self._stride * -(-(self._length - place) // self._stride)
            epoch, place = epoch + 1, place - self._length


def sample_graphs(store: FrameStore, count: int) -> Iterator[FrameGraph]:
    """Yield `count` graphs spread evenly over the store."""
    for index in np.linspace(0, len(store) - 1, min(count, len(store))).astype(int):
        yield store.graph(int(index))
