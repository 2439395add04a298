# SPDX-License-Identifier: Apache-2.0
"""One training run: network, data, objectives, optimizer and average, and the steps that they take together.

A run lives in one directory: `config.yaml`, `tokenizer.json`, `checkpoint.pt` (resumable), `curve.csv`,
`curve.png`, `samples/`, and with `keep_every` `snapshots/`. Made again on the same directory, it goes on
where the last checkpoint left it and sees the same samples, however many processes share them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import torch
import yaml
from accelerate import Accelerator
from accelerate.utils import DistributedType, broadcast_object_list
from tokenizers import Tokenizer
from torch.utils.data import DataLoader

from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.averaging import WeightAverage, restore_optimizer, whole, whole_state
from ide3d_training.checkpoint import check_checkpoint, load_checkpoint, save_checkpoint, save_snapshot
from ide3d_training.config import ConfigError, TrainConfig
from ide3d_training.datasets.packing import Batch, Sample, collate
from ide3d_training.datasets.rooms import EpochSampler
from ide3d_training.datasets.tokenizer import fit_tokenizer
from ide3d_training.gaps import SENTENCES, count_gaps
from ide3d_training.generators.opening import find_generator, install_generator
from ide3d_training.run_frames import RunFrames
from ide3d_training.run_log import console
from ide3d_training.schedule import choose_precision, computes_on_cpu, learning_rate
from ide3d_training.supervision import SupervisedNetwork
from ide3d_training.teachers.feature_cache import FeatureCache
from ide3d_training.teachers.geometry_teacher import find_encoder
from ide3d_training.validation import Examiner
from ide3d_training.warm_start import warm_start
from ide3d_training.worlds.categories import BY_NAME, CATEGORIES, COLORS


def network_config(
    config: TrainConfig,
    vocabulary: int,
    frozen: dict | None = None,
    added: dict[str, tuple[float, float, float]] | None = None,
) -> NetworkConfig:
    """Join the run's sizes with the worlds' categories and colours, and with those of a frozen network.

    Args:
        config: of the run.
        vocabulary: ids of its tokenizer.
        frozen: sizes of what the branch carries along, by the name of the branch's option.
        added: mean extents in metres of categories behind those of the worlds.
    """
    extents = {name: tuple(map(float, BY_NAME[name].extents)) for name in CATEGORIES} | (added or {})
    own = dict(config.network)
    if frozen:
        own["branch_options"] = own.get("branch_options", {}) | frozen
    return NetworkConfig(
        preset=config.preset,
        vocabulary=vocabulary,
        categories=tuple(extents),
        mean_extents=tuple(extents.values()),
        colors=tuple(COLORS),
        **{key: tuple(v) if isinstance(v, list) else v for key, v in own.items()},
    )


def run_tokenizer(config: TrainConfig, directory: Path, frames: RunFrames) -> Tokenizer:
    """Load the run's tokenizer, or fit it to the language of its frames and keep it."""
    path = directory / "tokenizer.json"
    if not path.exists():
        rng = np.random.default_rng(config.seed)
        fit_tokenizer(frames.texts(rng), config.vocabulary).save(str(path))
    return Tokenizer.from_file(str(path))


def optimizer_for(network: torch.nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW that decays matrices and leaves vectors alone; what is frozen takes no part."""
    learning = [p for p in network.parameters() if p.requires_grad]
    matrices = [p for p in learning if p.ndim > 1]
    vectors = [p for p in learning if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.optimisation.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.optimisation.learning_rate, betas=(0.9, 0.98), fused=True)


def collate_items(items: list[list[Sample]], box_queries: int) -> Batch:
    """Collate the frames of several rooms, room by room, and of labelled images."""
    return collate([sample for item in items for sample in item], box_queries)


class Run:
    """One training run, resumed if its directory holds a checkpoint.

    Args:
        config: what to train.
        directory: where the run lives; of several machines all must see it.

    Attributes:
        frames: what it learns from.
        step: steps taken, skipped ones included.
        gaps: how many batches or frames lacked something; see `gaps.SENTENCES`.

    Raises:
        ConfigError: if there are too few frames, the processes cannot share a batch evenly, or the sizes, the
            checkpoint, `start_from` or `generator` cannot be used.
        DatasetError: if a shard is damaged.
        FileNotFoundError: if there are no rooms, or no features of the teacher that is asked for.
        Omni3DError: if labels or images in the Omni3D format are missing or damaged.
        TeacherError: if the teacher's features do not belong to these rooms and this network.
    """

    def __init__(self, config: TrainConfig, directory: Path):
        self.config, self.directory = config, directory
        options = config.optimisation
        if options.threads:
            torch.set_num_threads(options.threads)
        torch.manual_seed(config.seed)
        # `autocast` sees to precision.
        self.accelerator = Accelerator(cpu=computes_on_cpu(options.device), mixed_precision="no")
        self.device, processes = self.accelerator.device, self.accelerator.num_processes
        self.main = self.accelerator.is_main_process
        if self.accelerator.distributed_type == DistributedType.FSDP and not self.accelerator.is_fsdp2:
            raise ConfigError(
                "fsdp_version 1 is not supported: set it to 2, as in training/configs/accelerate/fsdp.yaml"
            )
        if options.batch % (processes * options.accumulate * config.data.views):
            raise ConfigError(
                f"optimisation.batch {options.batch} cannot be shared by {processes} processes evenly, "
                f"{config.data.views} frames a room, in {options.accumulate} parts each; choose a multiple"
            )
        self.precision = self._agree_on_precision(options.precision)
        directory.mkdir(parents=True, exist_ok=True)
        self.frames = RunFrames(config)
        self._items_per_step = options.batch // config.data.views
        state = load_checkpoint(directory)
        with self.accelerator.main_process_first():
            tokenizer = run_tokenizer(config, directory, self.frames)
        generator, encoder = find_generator(config, state), find_encoder(config, state)
        frozen = {} if generator is None else {"generator": generator["network_config"]}
        frozen |= {} if encoder is None else {"encoder": encoder["network_config"]}
        try:
            sizes = network_config(config, tokenizer.get_vocab_size(), frozen, self.frames.added)
            self.network = Ide3dNetwork(sizes)
        except ValueError as error:  # a branch that is unknown, or its options
            raise ConfigError(f"network: {error}") from None
        teacher = None
        if config.data.teacher:
            teacher = FeatureCache(Path(config.data.teacher), self.frames.rooms, (sizes.rows, sizes.columns))
        channels = teacher.channels if teacher else 0
        self.supervised = SupervisedNetwork(self.network, config, channels)
        if self.device.type == "cpu":
            self.network.attend("eager")  # on a CPU the fused kernel's gradient takes three times as long
        self._inherited_labels: list[str] = [] if state is None else state.get("inherited_labels", [])
        if state is not None:
            check_checkpoint(state, directory, sizes, set(self.supervised.training_only()))
            self.network.load_state_dict(state["network"])
            for name, part in self.supervised.training_only().items():
                part.load_state_dict(state["training_only"][name])
        else:
            if config.start_from:
                self._inherited_labels = warm_start(self.network, tokenizer, Path(config.start_from))
            if generator is not None:
                install_generator(self.network, generator["network"])
            if encoder is not None:
                self.network.vision.branch.take_over(encoder["network"])
        if self.main:
            (directory / "config.yaml").write_text(yaml.safe_dump(config.to_dict(), sort_keys=False))
        # The wrapped module computes the objective; the bare network is what is averaged and measured. From
        # here on its weights lie on the device, under FSDP as shards.
        self._wrapped, self.optimizer = self.accelerator.prepare(
            self.supervised, optimizer_for(self.supervised, config)
        )
        self.average = WeightAverage(self.network, options.ema)
        self.step, self.gaps, self._fresh = 0, Counter(), Counter()
        if state is not None:
            self.average.restore(state["average"])
            restore_optimizer(self.optimizer, state["optimizer"])
            # Earlier versions counted batches alone.
            self.step, self.gaps = state["step"], Counter(state.get("gaps", {"batches": state["skipped"]}))
        self._check_all_resume_alike()

        self._dataset, held_out = self.frames.datasets(sizes, tokenizer, teacher)
        self._collate = partial(collate_items, box_queries=sizes.box_queries)
        self._unreadable: set[str] = set()
        self._examiner = Examiner(
            lambda: SupervisedNetwork(Ide3dNetwork(sizes), config, channels).to(self.device),
            DataLoader(held_out, batch_size=32, collate_fn=self._collate),
            self.autocast,
            tokenizer,
        )

    def _agree_on_precision(self, name: str) -> torch.dtype:
        """Let the first process choose: timings differ, and all must compute alike."""
        choice = [choose_precision(name, self.device.type) if self.main else None]
        return broadcast_object_list(choice)[0]

    def _check_all_resume_alike(self) -> None:
        """Refuse processes that see different checkpoints: they would wait for one another for ever."""
        steps = self.accelerator.gather(torch.tensor([self.step], device=self.device)).tolist()
        if len(set(steps)) > 1:
            raise ConfigError(
                f"the processes would go on from different steps, {sorted(set(steps))}; {self.directory} "
                "must be one directory that all machines see"
            )

    def save(self) -> None:
        """Write a checkpoint, in one piece whatever the processes hold; every process must take part."""
        parts = self.supervised.training_only()
        state = {
            "network": whole_state(self.network.state_dict(), self.main),
            "training_only": {
                name: whole_state(part.state_dict(), self.main) for name, part in parts.items()
            },
            "average": self.average.state(self.main),
            "optimizer": whole_state(self.optimizer.state_dict(), self.main),
            "step": self.step,
            "skipped": self.gaps["batches"],
            "gaps": dict(self.gaps),
            "network_config": self.network.config.to_dict(),
            "train_config": self.config.to_dict(),
            "inherited_labels": self._inherited_labels,
        }
        if self.main:
            save_checkpoint(self.directory, state)

    def keep(self) -> None:
        """Keep the averaged weights of this step for ever; every process must take part."""
        state = {
            "average": self.average.state(self.main),
            "step": self.step,
            "network_config": self.network.config.to_dict(),
            "train_config": self.config.to_dict(),
        }
        if self.main:
            save_snapshot(self.directory, state)

    def batches(self) -> Iterator[tuple[Batch, ...]]:
        """Yield this process's share of each step for ever, after the last sample used.

        Returns:
            the parts of the share, `optimisation.accumulate` of them.
        """
        processes, parts = self.accelerator.num_processes, self.config.optimisation.accumulate
        sampler = EpochSampler(
            self.frames.training,
            self.config.seed,
            self.step * self._items_per_step + self.accelerator.process_index,
            processes,
        )
        workers = self.config.data.workers
        loader = DataLoader(
            self._dataset,
            batch_size=self._items_per_step // processes // parts,
            sampler=sampler,
            num_workers=workers,
            collate_fn=self._collate,
            multiprocessing_context="spawn" if workers else None,
            pin_memory=self.device.type == "cuda",
        )
        stream = iter(loader)
        yield from zip(*[stream] * parts, strict=True)

    def autocast(self) -> torch.autocast:
        """Compute in the run's precision within this context."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    def objective(self, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Compute the loss of one batch and every term of it.

        Terms of weight zero count too: a NaN anywhere must not pass for a loss. Nor must its gradient look
        sound, as that of |x - NaN| does, or the other processes would not notice.
        """
        with self.autocast():
            terms = self._wrapped(batch)
        weights = self.config.losses
        loss = sum(getattr(weights, name) * term for name, term in terms.items())
        return loss * torch.where(torch.isfinite(loss.detach()), 1.0, torch.nan), terms

    def learn(self, batches: tuple[Batch, ...]) -> dict[str, float]:
        """Take one step; where its loss or gradient is not finite it is skipped and counted.

        Gradients are summed over all processes before they are judged, so all skip together.

        Args:
            batches: the parts of this process's share of the step.

        Returns:
            the loss and its terms, averaged over the parts; nothing for a skipped step.
        """
        options = self.config.optimisation
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, options)
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, torch.Tensor | float] = defaultdict(float)
        for number, batch in enumerate(batches, 1):
            self._fresh.update(count_gaps(batch, self.config.losses))
            self._name(batch.unreadable)
            goes_on = number < len(batches)
            with self.accelerator.no_sync(self._wrapped) if goes_on else nullcontext():
                loss, terms = self.objective(batch.to(self.device))
                self.accelerator.backward(loss / len(batches))
            for name, value in {"loss": loss, **terms}.items():
                sums[name] += value.detach() / len(batches)
        norm = whole(self.accelerator.clip_grad_norm_(self._wrapped.parameters(), options.clip))
        self.step += 1
        if not math.isfinite(float(norm)):
            self._fresh["batches"] += self.main  # the one step of all processes
            return {}
        self.optimizer.step()
        self.average.update()
        return dict(zip(sums, torch.stack(list(sums.values())).tolist(), strict=True))

    def _name(self, unreadable: Iterable[str]) -> None:
        """Say once of each file that it cannot be read."""
        for why in sorted(set(unreadable) - self._unreadable):
            console.print(f"{why}; another image is taken in its place")
            self._unreadable.add(why)

    def agree(self, stop: bool, save: bool) -> tuple[bool, bool]:
        """Join what the processes know: whether any must stop or wants a checkpoint, and what was lacking."""
        told = torch.tensor([stop, save, *(self._fresh[name] for name in SENTENCES)], device=self.device)
        if self.accelerator.num_processes > 1:
            told = self.accelerator.reduce(told, "sum")
        stop, save, *counts = told.tolist()
        self._fresh.clear()
        self.gaps.update(dict(zip(SENTENCES, counts, strict=True)))
        return bool(stop), bool(save)

    def validate(self) -> dict[str, float]:
        """Measure the averaged weights on the held-out frames and draw a few; every process must take part.

        Returns:
            figures by name, each "val_...", in the first process; nothing in the others.
        """
        weights = {f"network.{name}": value for name, value in self.average.weights(self.main).items()}
        for name, part in self.supervised.training_only().items():
            state = whole_state(part.state_dict(), self.main)
            weights |= {f"{name}.{key}": value for key, value in state.items()}
        if not self.main:
            return {}
        figures = self._examiner.examine(weights, self.directory / f"samples/step-{self.step:06d}.jpg")
        self._name(self._examiner.unreadable)
        return {f"val_{name}": value for name, value in figures.items()}
