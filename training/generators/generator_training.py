# SPDX-License-Identifier: Apache-2.0
"""Train a generator on rendered rooms: its autoencoder first, then, on frozen latents, its transformer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from ide3d_ros.network.generator import GeneratorConfig
from ide3d_training.checkpoint import load_checkpoint, save_checkpoint
from ide3d_training.config import ConfigError, Optimisation
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.rooms import EpochSampler
from ide3d_training.generators.opening import FORMAT
from ide3d_training.generators.video_generator import KL_WEIGHT, VideoGenerator
from ide3d_training.generators.videos import VideoDataset
from ide3d_training.run_log import CurveLog
from ide3d_training.samples import write_sheet
from ide3d_training.schedule import choose_precision, computes_on_cpu, learning_rate

SETTLING_ROOMS = 256
"""Rooms that the latents' mean and deviation are taken from."""
SHOWN = 4
"""Videos of a picture."""


@dataclass(frozen=True)
class GeneratorPlan:
    """Describe one training run of a generator.

    Attributes:
        seed: of weights, order and noise.
        validation: rooms at the end of the set that are held out.
        network: sizes; its `frames` are taken of each room.
        autoencoder, flow: how the weights of the two stages move; `batch` counts frames and is the same.
        checkpoint_minutes: time between checkpoints.
        log_every, validate_every: steps between lines of the log, and between measurements.
    """

    seed: int = 0
    validation: int = 256
    network: GeneratorConfig = field(default_factory=GeneratorConfig)
    autoencoder: Optimisation = field(
        default_factory=lambda: Optimisation(steps=1500, batch=16, warmup=50, decay=0.5, weight_decay=0.0)
    )
    flow: Optimisation = field(
        default_factory=lambda: Optimisation(steps=4000, batch=16, warmup=150, decay=0.4, weight_decay=0.01)
    )
    checkpoint_minutes: float = 3.0
    log_every: int = 20
    validate_every: int = 500


class GeneratorCurve(CurveLog):
    """The curve of such a run; a stage leaves the columns of the other empty."""

    columns = (
        *("step", "minutes", "rate", "loss", "reconstruction", "divergence", "flow"),
        *("val_reconstruction", "val_flow"),
    )
    panels = (("reconstruction", "val_reconstruction"), ("divergence",), ("flow", "val_flow"))


class GeneratorRun:
    """One training run, resumed if its directory holds a checkpoint.

    Args:
        plan: what to train; a resumed run keeps the sizes it began with.
        rooms: rendered rooms.
        directory: where the run lives.

    Attributes:
        network: the generator.
        step: steps taken, those of the autoencoder first, skipped ones included.
        skipped: steps without a finite gradient.

    Raises:
        FileNotFoundError: if there are no rooms.
        ConfigError: if there are too few, they are of another size, or the directory holds another run.
    """

    curve = GeneratorCurve

    def __init__(self, plan: GeneratorPlan, rooms: Path, directory: Path):
        self.config, self.directory = plan, directory
        sizes, options = plan.network, plan.flow
        if options.threads:
            torch.set_num_threads(options.threads)
        torch.manual_seed(plan.seed)
        store = FrameStore(rooms)
        self._rooms_per_step = max(1, options.batch // sizes.frames)
        self._training = len(store.rooms) - plan.validation
        self._check_rooms(store, rooms)
        self.device = torch.device("cpu" if computes_on_cpu(options.device) else "cuda")
        self.precision = choose_precision(options.precision, self.device.type)
        self.network = VideoGenerator(sizes).to(self.device)
        net = self.network
        self._stages = (
            _optimizer([net.encoder, net.decoder], plan.autoencoder),
            _optimizer([net.trunk, net.head], plan.flow),
        )
        self.step, self.skipped = 0, 0
        directory.mkdir(parents=True, exist_ok=True)
        if (state := load_checkpoint(directory)) is not None:
            self._restore(state)
        self._videos = VideoDataset(store, sizes.frames, plan.seed)
        self._held_out = VideoDataset(store, sizes.frames, None)

    def _check_rooms(self, store: FrameStore, rooms: Path) -> None:
        sizes, plan = self.config.network, self.config
        if self._training < self._rooms_per_step:
            raise ConfigError(
                f"{rooms} holds {len(store.rooms)} rooms, too few for {plan.validation} validation rooms "
                f"and a batch of {self._rooms_per_step}; render more or lower --validation"
            )
        short = min(len(frames) for frames in store.rooms)
        if short < sizes.frames:
            raise ConfigError(
                f"{rooms} has rooms of {short} frames, a video has {sizes.frames}; render with "
                f"--frames-per-room {sizes.frames} or lower --frames"
            )
        height, width = store.image(0).shape[:2]
        if (height, width) != (sizes.height, sizes.width):
            raise ConfigError(
                f"{rooms} has frames of {width}x{height}, the generator reads {sizes.width}x{sizes.height}"
            )

    def _restore(self, state: dict[str, Any]) -> None:
        way_out = "give --output a directory of its own"
        if state.get("format") != FORMAT:
            raise ConfigError(f"{self.directory} holds another kind of run; {way_out}")
        if state["network_config"] != self.config.network.to_dict():
            raise ConfigError(
                f"{self.directory} holds a generator of other sizes, {state['network_config']}; {way_out}"
            )
        if state["autoencoder_steps"] != self.config.autoencoder.steps:
            raise ConfigError(
                f"{self.directory} trains its autoencoder for {state['autoencoder_steps']} steps, not "
                f"{self.config.autoencoder.steps}; {way_out}"
            )
        self.network.load_state_dict(state["network"])
        for optimizer, saved in zip(self._stages, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.skipped = state["step"], state["skipped"]

    @property
    def steps(self) -> int:
        """Steps of both stages."""
        return self.config.autoencoder.steps + self.config.flow.steps

    @property
    def flowing(self) -> bool:
        """Whether the next step is one of the transformer."""
        return self.step >= self.config.autoencoder.steps

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        if self.flowing:
            return learning_rate(self.step - self.config.autoencoder.steps, self.config.flow)
        return learning_rate(self.step, self.config.autoencoder)

    @staticmethod
    def describe(row: dict[str, float]) -> str:
        """Say in words what was measured."""
        said = f"held-out frames come back within {127.5 * row['val_reconstruction']:.1f} grey levels of 255"
        if "val_flow" in row:
            said += f", error of the velocity {row['val_flow']:.3f}"
        return said

    def save(self) -> None:
        """Write a checkpoint."""
        save_checkpoint(
            self.directory,
            {
                "format": FORMAT,
                "network": {name: value.cpu() for name, value in self.network.state_dict().items()},
                "optimizers": [optimizer.state_dict() for optimizer in self._stages],
                "step": self.step,
                "steps": self.steps,
                "autoencoder_steps": self.config.autoencoder.steps,
                "skipped": self.skipped,
                "network_config": self.config.network.to_dict(),
                "train_config": asdict(self.config) | {"network": self.config.network.to_dict()},
            },
        )

    def batches(self) -> Iterator[torch.Tensor]:
        """Yield (R, T, H, W, 3) uint8 videos for ever, after the last room used."""
        sampler = EpochSampler(self._training, self.config.seed, self.step * self._rooms_per_step)
        yield from DataLoader(self._videos, batch_size=self._rooms_per_step, sampler=sampler)

    def learn(self, videos: torch.Tensor) -> dict[str, float]:
        """Take one step of the stage that is due; one without a finite gradient is skipped and counted."""
        random = torch.Generator().manual_seed(1_000_003 * self.config.seed + self.step)
        optimizer = self._stages[self.flowing]
        for group in optimizer.param_groups:
            group["lr"] = self.rate
        options = self.config.flow if self.flowing else self.config.autoencoder
        with self._autocast():
            terms = self._objective(videos.to(self.device), random)
        loss = terms["flow"] if self.flowing else terms["reconstruction"] + KL_WEIGHT * terms["divergence"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(parameters, options.clip)
        finite = math.isfinite(float(norm))
        if finite:
            optimizer.step()
        self.step += 1
        self.skipped += not finite
        if self.step == self.config.autoencoder.steps:
            self.settle()
        said = {"loss": loss, **terms}
        return {name: float(value.detach()) for name, value in said.items()} if finite else {}

    def _objective(self, videos: torch.Tensor, random: torch.Generator) -> dict[str, torch.Tensor]:
        if not self.flowing:
            self.network.train()
            return self.network.reconstruct(videos.flatten(0, 1), random)
        self.network.eval()  # the autoencoder stays as it is; the transformer has nothing that differs
        with torch.no_grad():
            latents = self.network.encoder(videos.flatten(0, 1)).float()
        # Half of the steps see videos, half single frames: a network will show it single frames alone.
        frames = self.config.network.frames if self.step % 2 == 0 else 1
        latents = latents.unflatten(0, (-1, frames))
        level = torch.sigmoid(torch.randn(len(latents), generator=random)).to(self.device)
        noise = torch.randn(latents.shape, generator=random).to(self.device)
        return {"flow": self.network.flow(latents, level, noise).mean()}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    @torch.no_grad()
    def settle(self) -> None:
        """Measure mean and deviation of each channel of the latents, by which they are standardised."""
        encoder = self.network.eval().encoder
        keys = [(0, room) for room in range(min(SETTLING_ROOMS, self._training))]
        raw = []
        for videos in DataLoader(self._held_out, batch_size=8, sampler=keys):
            with self._autocast():
                raw.append(encoder.distribution(videos.flatten(0, 1).to(self.device))[0].float())
        values = torch.cat(raw).transpose(0, 1).flatten(1)
        encoder.mean.copy_(values.mean(1)[:, None, None])
        encoder.deviation.copy_(values.std(1).clamp_min(1e-3)[:, None, None])

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Measure the held-out rooms, with the same noise each time, and draw what the generator makes."""
        network, last = self.network.eval(), len(self._held_out)
        random = torch.Generator().manual_seed(self.config.seed)
        differences, errors = [], []
        keys = [(0, room) for room in range(self._training, last)]
        for videos in DataLoader(self._held_out, batch_size=8, sampler=keys):
            images = videos.flatten(0, 1).to(self.device)
            with self._autocast():
                latents = network.encoder(images).float()
                said = network.decode(latents)
                differences.append((said.float() - images.float()).abs().flatten(1).mean(1) / 127.5)
                if self.flowing:
                    single = latents[:, None]
                    level = torch.linspace(0.1, 0.9, len(single), device=self.device)
                    noise = torch.randn(single.shape, generator=random).to(self.device)
                    errors.append(network.flow(single, level, noise))
        self.draw(keys[:SHOWN])
        found = {"val_reconstruction": float(torch.cat(differences).mean())}
        return found | ({"val_flow": float(torch.cat(errors).mean())} if errors else {})

    @torch.no_grad()
    def draw(self, keys: list[tuple[int, int]]) -> None:
        """Write samples/step-N.jpg: held-out frames, what comes back of them, and videos made from noise."""
        network, frames = self.network.eval(), self.config.network.frames
        true = torch.stack([self._held_out[key] for key in keys])
        rows = [true]
        with self._autocast():
            back = network.decode(network.encoder(true.flatten(0, 1).to(self.device)).float())
            rows.append(back.cpu().view_as(true))
            if self.flowing:
                rows.append(network.sample(len(keys), frames, self.config.seed).cpu())
        sheet = np.vstack([np.hstack([frame.numpy() for frame in row.flatten(0, 1)]) for row in rows])
        write_sheet(sheet, self.directory / f"samples/step-{self.step:06d}.jpg")


def _optimizer(modules: list[nn.Module], options: Optimisation) -> torch.optim.AdamW:
    """AdamW that decays matrices and leaves vectors alone."""
    parameters = [p for module in modules for p in module.parameters()]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, 0.98), fused=True)
