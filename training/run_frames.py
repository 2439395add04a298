# SPDX-License-Identifier: Apache-2.0
"""What a run learns from: rendered rooms, labelled images, or both; part of each is held out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from torch.utils.data import ConcatDataset, Dataset, Subset

from ide3d_ros.network import NetworkConfig
from ide3d_training.config import ConfigError, TrainConfig
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.joined import JoinedDataset
from ide3d_training.datasets.omni3d_dataset import Omni3DDataset
from ide3d_training.datasets.omni3d_set import Omni3DSet
from ide3d_training.datasets.prompts import PromptWriter, language_samples
from ide3d_training.datasets.rooms import RoomDataset, TeacherFeatures, sample_graphs
from ide3d_training.worlds.categories import CATEGORIES

LANGUAGE_FRAMES = 1000
"""Frames of each kind whose texts the tokenizer is fitted to."""


class RunFrames:
    """Open the frames that a configuration names.

    Attributes:
        rooms: the rendered rooms; None without any.
        images: the labelled images; None without any.
        training: rooms and images that are trained on.

    Raises:
        ConfigError: if there are too few of them.
        DatasetError: if a shard is damaged.
        FileNotFoundError: if there are no rooms where they are looked for.
        Omni3DError: if label files or images are missing or damaged.
    """

    def __init__(self, config: TrainConfig):
        self._config, data = config, config.data
        per_step = config.optimisation.batch // data.views
        self.rooms = FrameStore(Path(data.directory)) if data.directory else None
        self.images = None
        if data.omni3d.labels:
            self.images = Omni3DSet(data.omni3d, tuple(CATEGORIES), data.validation)
        rooms = 0 if self.rooms is None else len(self.rooms.rooms)
        alone = self.images is None
        if self.rooms is not None and rooms <= data.validation + (per_step if alone else 0):
            raise ConfigError(
                f"{data.directory} holds {rooms} rooms, too few for {data.validation} validation rooms and a "
                f"batch of {per_step}; render more or lower data.validation"
            )
        self._training_rooms = rooms - data.validation if rooms else 0
        self.training = self._training_rooms + (0 if alone else len(self.images.training))
        if self.training <= per_step:
            raise ConfigError(
                f"{self.training} frames are left to train on, too few for a batch of {per_step}; give more, "
                "or lower data.validation or optimisation.batch"
            )

    @property
    def added(self) -> dict[str, tuple[float, float, float]]:
        """Mean extents, in metres, of categories that the network gets besides those of the rooms."""
        return {} if self.images is None else self.images.added

    def texts(self, rng: np.random.Generator) -> Iterator[str]:
        """Yield texts as the prompts have them."""
        if self.rooms is not None:
            yield from language_samples(sample_graphs(self.rooms, LANGUAGE_FRAMES), rng)
        if self.images is not None:
            yield from self.images.texts(rng, LANGUAGE_FRAMES)

    def datasets(
        self, sizes: NetworkConfig, tokenizer: Tokenizer, teacher: TeacherFeatures | None
    ) -> tuple[Dataset, Dataset]:
        """Return what is trained on, with keys (epoch, item), and what is held out, with keys 0, 1, ...

        Args:
            sizes: of the network.
            tokenizer: of the network.
            teacher: features of the rooms; None without.
        """
        config, training, held_out = self._config, [], []
        if self.rooms is not None:
            writer = PromptWriter(tokenizer, config.prompts, sizes.box_queries)
            rooms = partial(RoomDataset, self.rooms, sizes, writer, config.seed)
            privileged = bool(config.losses.privileged or sizes.extra_inputs)
            learned = rooms(views=config.data.views, privileged=privileged, teacher=teacher)
            training.append((learned, self._training_rooms))
            measured = rooms(privileged=config.losses.validated or bool(sizes.extra_inputs))
            places = range(self._training_rooms, len(self.rooms.rooms))
            held_out.append(Subset(measured, [(0, room) for room in places]))
        if self.images is not None:
            images = partial(
                Omni3DDataset,
                folder=self.images.folder,
                config=sizes,
                tokenizer=tokenizer,
                seed=config.seed,
                expressions=config.prompts.expressions,
                absent=config.data.omni3d.absent,
            )
            training.append((images(self.images.training), len(self.images.training)))
            places = range(len(self.images.held_out))
            held_out.append(Subset(images(self.images.held_out), [(0, image) for image in places]))
        return JoinedDataset(training), ConcatDataset(held_out)
