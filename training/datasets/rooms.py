# SPDX-License-Identifier: Apache-2.0
"""Rendered rooms as a dataset of training samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Dataset, Sampler

from ide3d_ros.network import NetworkConfig
from ide3d_training.datasets.augmentation import jitter_light, mirror_graph
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.frame_targets import frame_targets
from ide3d_training.datasets.packing import Sample
from ide3d_training.datasets.prompts import PromptWriter
from ide3d_training.worlds.scene_graph import FrameGraph


class RoomDataset(Dataset):
    """Samples of rendered rooms; what is asked and how it is lit is drawn anew each epoch.

    Args:
        store: rendered shards.
        config: the network that is trained.
        writer: draws the prompts.
        seed: with the epoch and the index it fixes every draw, so a resumed run sees the same samples.
    """

    def __init__(self, store: FrameStore, config: NetworkConfig, writer: PromptWriter, seed: int):
        self._store, self._config, self._writer, self._seed = store, config, writer, seed

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, key: tuple[int, int]) -> Sample | None:
        """Return the sample of (epoch, index), or None for a frame about which nothing can be asked."""
        epoch, index = key
        rng = np.random.default_rng((self._seed, epoch, index))
        image, ids, graph = self._store.image(index), self._store.ids(index), self._store.graph(index)
        if rng.random() < 0.5:
            image, ids, graph = image[:, ::-1], ids[:, ::-1], mirror_graph(graph)
        targets, rows = frame_targets(ids, graph, self._config)
        prompts = self._writer.write(graph, rows, rng)
        if not prompts:
            return None
        return Sample(jitter_light(image, rng), graph.camera.K.astype(np.float32), prompts, targets)


class EpochSampler(Sampler):
    """Yield (epoch, index) for ever, each epoch shuffled by its own seed.

    Args:
        length: samples an epoch.
        seed: with the epoch it fixes the order.
        skip: samples to begin after.
        stride: every how-many-th sample to yield, for processes that share the samples.
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
