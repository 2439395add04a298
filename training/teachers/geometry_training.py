# SPDX-License-Identifier: Apache-2.0
"""Train the geometry network on rendered rooms; resumed if its directory holds a checkpoint."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from ide3d_ros.network.geometry_network import GeometryConfig, GeometryNetwork
from ide3d_training.checkpoint import load_checkpoint, save_checkpoint
from ide3d_training.config import ConfigError, Optimisation
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.rooms import EpochSampler
from ide3d_training.run_log import CurveLog
from ide3d_training.schedule import choose_precision, learning_rate, warming_average
from ide3d_training.teachers.geometry_losses import geometry_errors, geometry_losses, lift
from ide3d_training.teachers.geometry_teacher import FORMAT
from ide3d_training.teachers.room_views import RoomViews, RoomViewsDataset, stack_rooms

WEIGHTS = {"depth": 1.0, "points": 0.5, "slope": 0.5}
UNKNOWN_CAMERA = 0.1
"""Share of the rooms whose intrinsics are hidden while training."""
SETTLING_ROOMS = 256
"""Rooms that the statistics of the averaged weights are taken from."""


@dataclass(frozen=True)
class TeacherConfig:
    """Describe one training run of the geometry network.

    Attributes:
        seed: of weights, order and augmentation.
        views: frames of a room in a batch, next to one another in its sequence.
        validation: rooms at the end of the set that are held out.
        network: sizes.
        optimisation: how weights move; `batch` counts frames.
        checkpoint_minutes: time between checkpoints.
        log_every, validate_every: steps between lines of the log, and between measurements.
    """

    seed: int = 0
    views: int = 2
    validation: int = 256
    network: GeometryConfig = field(default_factory=GeometryConfig)
    optimisation: Optimisation = field(
        default_factory=lambda: Optimisation(steps=4000, batch=16, warmup=150, decay=0.35, ema=0.998)
    )
    checkpoint_minutes: float = 3.0
    log_every: int = 20
    validate_every: int = 500


class GeometryCurve(CurveLog):
    """The curve of such a run."""

    columns = (
        *("step", "minutes", "rate", "loss", *WEIGHTS),
        *("val_abs_rel", "val_abs_rel_alone", "val_point_error", "val_point_error_other"),
    )
    panels = (("loss", "points"), ("depth", "slope"), columns[-4:-2], columns[-2:])


class GeometryRun:
    """One training run.

    Args:
        config: what to train; a resumed run keeps the sizes it began with.
        rooms: rendered rooms.
        directory: where the run lives.

    Raises:
        FileNotFoundError: if there are no rooms.
        ConfigError: if there are too few, or a checkpoint has other sizes.
    """

    curve = GeometryCurve

    def __init__(self, config: TeacherConfig, rooms: Path, directory: Path):
        self.config, self.directory = config, directory
        options = config.optimisation
        if options.threads:
            torch.set_num_threads(options.threads)
        torch.manual_seed(config.seed)
        store = FrameStore(rooms)
        self._rooms_per_step = max(1, options.batch // config.views)
        self._training = len(store.rooms) - config.validation
        if self._training < self._rooms_per_step:
            raise ConfigError(
                f"{rooms} holds {len(store.rooms)} rooms, too few for {config.validation} validation rooms "
                f"and a batch of {self._rooms_per_step}; render more or lower --validation"
            )
        short = min(len(frames) for frames in store.rooms)
        if short < config.views:
            raise ConfigError(
                f"{rooms} has rooms of {short} frames, {config.views} are to be seen together; render with "
                f"--frames-per-room {config.views} or lower --views"
            )
        self.precision = choose_precision(options.precision)
        self.network = GeometryNetwork(config.network)
        self.average = AveragedModel(self.network, multi_avg_fn=warming_average(options.ema))
        matrices = [p for p in self.network.parameters() if p.ndim > 1]
        vectors = [p for p in self.network.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": options.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=options.learning_rate,
            betas=(0.9, 0.98),
            fused=True,
        )
        self.step, self.skipped = 0, 0
        self._settled: int | None = None
        self.errors: dict[str, float] = {}
        directory.mkdir(parents=True, exist_ok=True)
        if (state := load_checkpoint(directory)) is not None:
            self._restore(state)
        self._rooms = RoomViewsDataset(store, config.views, config.seed)
        self._held_out = RoomViewsDataset(store, config.views, None)

    def _restore(self, state: dict[str, Any]) -> None:
        if state.get("format") != FORMAT:
            raise ConfigError(
                f"{self.directory} holds another kind of run; give --output a directory of its own"
            )
        if state["network_config"] != self.config.network.to_dict():
            raise ConfigError(
                f"{self.directory} holds a network of other sizes, {state['network_config']}; give --output "
                "a directory of its own"
            )
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.skipped, self.errors = state["step"], state["skipped"], state["errors"]

    def save(self) -> None:
        """Write a checkpoint."""
        self.settle()
        config = asdict(self.config) | {"network": self.config.network.to_dict()}
        save_checkpoint(
            self.directory,
            {
                "format": FORMAT,
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "skipped": self.skipped,
                "errors": self.errors,
                "network_config": self.config.network.to_dict(),
                "train_config": config,
            },
        )

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.config.optimisation.steps

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return learning_rate(self.step, self.config.optimisation)

    @staticmethod
    def describe(row: dict[str, float]) -> str:
        """Say in words what was measured."""
        return (
            f"held-out depth AbsRel {row['val_abs_rel']:.3f} "
            f"({row['val_abs_rel_alone']:.3f} seeing one frame alone), median relative point error "
            f"{row['val_point_error']:.3f}, beyond the first frame {row['val_point_error_other']:.3f}"
        )

    def batches(self) -> Iterator[RoomViews]:
        """Yield training batches for ever, after the last room used."""
        sampler = EpochSampler(self._training, self.config.seed, self.step * self._rooms_per_step)
        yield from DataLoader(
            self._rooms, batch_size=self._rooms_per_step, sampler=sampler, collate_fn=stack_rooms
        )

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", self.precision, enabled=self.precision != torch.float32)

    def learn(self, batch: RoomViews) -> dict[str, float]:
        """Take one step; a batch whose loss or gradient is not finite is skipped and counted."""
        options = self.config.optimisation
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        hidden = torch.rand(len(batch.images), generator=torch.Generator().manual_seed(self.step))
        intrinsics = batch.intrinsics.clone()
        intrinsics[hidden < UNKNOWN_CAMERA] = torch.nan
        self.network.train()
        with self._autocast():
            said = self.network(batch.images, intrinsics)
        truth = lift(batch.depth, batch.intrinsics, batch.world_from_camera, self.config.network.map_stride)
        terms = geometry_losses(said, truth)
        loss = sum(WEIGHTS[name] * term for name, term in terms.items())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), options.clip)
        self.step += 1
        if not math.isfinite(float(norm)):
            self.skipped += 1
            return {}
        self.optimizer.step()
        self.average.update_parameters(self.network)
        return {"loss": float(loss.detach())} | {name: float(term.detach()) for name, term in terms.items()}

    @torch.no_grad()
    def settle(self) -> None:
        """Give the averaged weights the statistics of their own activations.

        An averaged model comes with the statistics of the last step's weights; in the middle of a run those
        were seen to put points eighty times as far off.
        """
        if self._settled == self.step:
            return
        network = self.average.module.train()
        norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over all batches
        count = min(SETTLING_ROOMS, self._training)
        sampler = [(0, room) for room in range(count)]
        for batch in DataLoader(self._rooms, batch_size=8, sampler=sampler, collate_fn=stack_rooms):
            with self._autocast():
                network.look(batch.images, batch.intrinsics)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        self._settled = self.step

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Measure the averaged weights on the held-out rooms, and once more seeing each frame alone."""
        self.settle()
        network = self.average.module.eval()
        keys = [(0, i) for i in range(self._training, len(self._held_out))]
        loader = DataLoader(self._held_out, batch_size=16, sampler=keys, collate_fn=stack_rooms)
        found: dict[str, list[torch.Tensor]] = defaultdict(list)
        for batch in loader:
            truth = lift(
                batch.depth, batch.intrinsics, batch.world_from_camera, self.config.network.map_stride
            )
            with self._autocast():
                together = network(batch.images, batch.intrinsics)
                alone = network(batch.images.flatten(0, 1)[:, None], batch.intrinsics.flatten(0, 1)[:, None])
            for name, values in geometry_errors(together, truth).items():
                found[name].append(values)
            depth = alone.depth.view_as(truth.depth)
            found["abs_rel_alone"].append((depth - truth.depth).abs()[truth.known] / truth.depth[truth.known])
        joined = {name: torch.cat(values) for name, values in found.items()}
        self.errors = {
            f"val_{name}": float(values.median() if name.startswith("point") else values.mean())
            for name, values in joined.items()
            if len(values)
        }
        return self.errors
