# SPDX-License-Identifier: Apache-2.0
"""Train a network on rendered rooms: `ide3d-train --config training/configs/nano_rgb.yaml`.

A run lives in one directory: `config.yaml`, `tokenizer.json`, `checkpoint.pt` (resumable), `curve.csv`,
`curve.png`. Started again on the same directory, it goes on where the last checkpoint left it and sees the
same samples, however many processes share them: `--processes` starts several on one machine.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
import yaml
from accelerate import Accelerator
from tokenizers import Tokenizer
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Subset

from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.checkpoint import load_checkpoint, save_checkpoint
from ide3d_training.config import ConfigError, TrainConfig, load_config
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.packing import Batch, Sample, collate
from ide3d_training.datasets.prompts import PromptWriter, language_samples
from ide3d_training.datasets.rooms import EpochSampler, RoomDataset, sample_graphs
from ide3d_training.datasets.tokenizer import fit_tokenizer
from ide3d_training.run_log import Narrator, console
from ide3d_training.schedule import choose_precision, learning_rate, warming_average
from ide3d_training.supervision import SupervisedNetwork
from ide3d_training.teachers.feature_cache import FeatureCache
from ide3d_training.teachers.protocol import TeacherError
from ide3d_training.validation import measure, summarise
from ide3d_training.warm_start import warm_start
from ide3d_training.worlds.categories import BY_NAME, CATEGORIES, COLORS

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def network_config(config: TrainConfig, vocabulary: int) -> NetworkConfig:
    """Join the run's sizes with the worlds' categories and colours."""
    return NetworkConfig(
        preset=config.preset,
        vocabulary=vocabulary,
        categories=tuple(CATEGORIES),
        mean_extents=tuple(tuple(map(float, BY_NAME[name].extents)) for name in CATEGORIES),
        colors=tuple(COLORS),
        **{key: tuple(v) if isinstance(v, list) else v for key, v in config.network.items()},
    )


def run_tokenizer(config: TrainConfig, directory: Path) -> Tokenizer:
    """Load the run's tokenizer, or fit it to the language of its rooms and keep it."""
    path = directory / "tokenizer.json"
    if not path.exists():
        rng = np.random.default_rng(config.seed)
        store = FrameStore(Path(config.data.directory))
        fit_tokenizer(language_samples(sample_graphs(store, 1000), rng), config.vocabulary).save(str(path))
    return Tokenizer.from_file(str(path))


def optimizer_for(network: torch.nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW that decays matrices and leaves vectors alone."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.optimisation.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.optimisation.learning_rate, betas=(0.9, 0.98), fused=True)


def collate_rooms(rooms: list[list[Sample]], box_queries: int) -> Batch:
    """Collate the frames of several rooms, room by room."""
    return collate([sample for room in rooms for sample in room], box_queries)


class Run:
    """One training run, resumed if its directory holds a checkpoint.

    Args:
        config: what to train.
        directory: where the run lives.

    Raises:
        ConfigError: if there are too few rooms, the processes cannot share a batch evenly, or `start_from`
            cannot be used.
        TeacherError: if the teacher's features do not belong to these rooms and this network.
    """

    def __init__(self, config: TrainConfig, directory: Path):
        self.config, self.directory = config, directory
        options = config.optimisation
        if options.threads:
            torch.set_num_threads(options.threads)
        torch.manual_seed(config.seed)
        self.precision = choose_precision(options.precision)
        self.accelerator = Accelerator(cpu=True, mixed_precision="no")  # `_autocast` sees to precision
        if options.batch % (self.accelerator.num_processes * config.data.views):
            raise ConfigError(
                f"optimisation.batch {options.batch} cannot be shared by {self.accelerator.num_processes} "
                f"processes evenly, {config.data.views} frames a room; choose a multiple"
            )
        directory.mkdir(parents=True, exist_ok=True)
        store = FrameStore(Path(config.data.directory))
        self._rooms_per_step = options.batch // config.data.views
        if len(store.rooms) <= config.data.validation + self._rooms_per_step:
            raise ConfigError(
                f"{config.data.directory} holds {len(store.rooms)} rooms, too few for "
                f"{config.data.validation} validation rooms and a batch of {self._rooms_per_step}; render "
                "more or lower data.validation"
            )
        with self.accelerator.main_process_first():
            if self.accelerator.is_main_process:
                (directory / "config.yaml").write_text(yaml.safe_dump(config.to_dict(), sort_keys=False))
            tokenizer = run_tokenizer(config, directory)
        self.network = Ide3dNetwork(network_config(config, tokenizer.get_vocab_size()))
        self.network.attend("eager")  # on a CPU the fused kernel's gradient takes three times as long
        state = load_checkpoint(directory)
        if state is None and config.start_from:
            warm_start(self.network, tokenizer, Path(config.start_from))
        self.average = AveragedModel(self.network, multi_avg_fn=warming_average(options.ema))
        teacher = self._teacher(store) if config.data.teacher else None
        self.supervised = SupervisedNetwork(self.network, config, teacher.channels if teacher else 0)
        self.optimizer = optimizer_for(self.supervised, config)
        self.code = self.network.config.box_code
        self.step, self.skipped = 0, 0
        if state is not None:
            self._restore(state)
        # The wrapped module computes the objective; the bare network is what is averaged and measured.
        self._wrapped, self.optimizer = self.accelerator.prepare(self.supervised, self.optimizer)

        writer = PromptWriter(tokenizer, config.prompts, self.network.config.box_queries)
        dataset = partial(RoomDataset, store, self.network.config, writer, config.seed)
        self._rooms = dataset(views=config.data.views, privileged=config.losses.privileged, teacher=teacher)
        self._held_out = dataset()
        self._training = len(store.rooms) - config.data.validation
        self._collate = partial(collate_rooms, box_queries=self.network.config.box_queries)

    def _teacher(self, store: FrameStore) -> FeatureCache:
        grid = self.network.config.rows, self.network.config.columns
        return FeatureCache(Path(self.config.data.teacher), store, grid)

    def _restore(self, state: dict) -> None:
        self.network.load_state_dict(state["network"])
        for name, part in self.supervised.training_only().items():
            part.load_state_dict(state["training_only"][name])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.skipped = state["step"], state["skipped"]

    def save(self) -> None:
        """Write a checkpoint."""
        save_checkpoint(
            self.directory,
            {
                "network": self.network.state_dict(),
                "training_only": {
                    name: part.state_dict() for name, part in self.supervised.training_only().items()
                },
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "skipped": self.skipped,
                "network_config": self.network.config.to_dict(),
                "train_config": self.config.to_dict(),
            },
        )

    def batches(self):
        """Yield this process's share of the training batches for ever, after the last sample used."""
        processes = self.accelerator.num_processes
        sampler = EpochSampler(
            self._training,
            self.config.seed,
            self.step * self._rooms_per_step + self.accelerator.process_index,
            processes,
        )
        workers = self.config.data.workers
        yield from DataLoader(
            self._rooms,
            batch_size=self._rooms_per_step // processes,
            sampler=sampler,
            num_workers=workers,
            collate_fn=self._collate,
            multiprocessing_context="spawn" if workers else None,
        )

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", self.precision, enabled=self.precision != torch.float32)

    def objective(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Compute every term of the objective on one batch."""
        with self._autocast():
            return self._wrapped(batch)

    def learn(self, batch: Batch) -> dict[str, float]:
        """Take one step; a batch whose loss or gradient is not finite is skipped and counted."""
        options = self.config.optimisation
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, options)
        terms = self.objective(batch)
        weights = self.config.losses
        loss = sum(weight * term for name, term in terms.items() if (weight := getattr(weights, name)))
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(self.supervised.parameters(), options.clip)
        self.step += 1
        if not math.isfinite(float(norm)):
            self.skipped += 1
            return {}
        self.optimizer.step()
        self.average.update_parameters(self.network)
        return {"loss": float(loss.detach())} | {name: float(term.detach()) for name, term in terms.items()}

    def anywhere(self, flag: bool) -> bool:
        """Say whether a flag is set in any process; every process must ask."""
        if self.accelerator.num_processes == 1:
            return flag
        return bool(self.accelerator.reduce(torch.tensor(int(flag)), "sum"))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Measure the averaged weights on the held-out rooms."""
        held = Subset(self._held_out, [(0, i) for i in range(self._training, len(self._held_out))])
        loader = DataLoader(held, batch_size=32, collate_fn=self._collate)
        network = self.average.module.eval()
        cases: dict[str, list[float]] = defaultdict(list)
        for batch in loader:
            with self._autocast():
                output = network(batch.images, batch.intrinsics, batch.prompts)
            for name, values in measure(output, batch, self.code).items():
                cases[name] += values
        return {f"val_{name}": value for name, value in summarise(cases).items()}


def train(run: Run) -> None:
    """Train to the last step, with a bar, a log, checkpoints, and a clean stop on Ctrl-C or SIGTERM.

    The log and the bar show the terms of the first process's share of each batch.
    """
    steps = run.config.optimisation.steps
    stop: list[int] = []
    previous = {
        s: signal.signal(s, lambda number, _: stop.append(number)) for s in (signal.SIGINT, signal.SIGTERM)
    }
    stopped = False
    try:
        with Narrator(run) if run.accelerator.is_main_process else nullcontext() as narrator:
            for batch in run.batches() if run.step < steps else ():
                run.supervised.train()
                terms = run.learn(batch)
                stopped = run.anywhere(bool(stop))
                last = stopped or run.step >= steps
                if narrator is not None:
                    narrator.tell(terms, last)
                if last:
                    break
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    run.accelerator.wait_for_everyone()
    run.accelerator.end_training()
    if run.accelerator.is_main_process:
        if run.skipped:
            console.print(f"{run.skipped} batches had no finite gradient and were skipped")
        if stopped:
            console.print(f"stopped at step {run.step}; the same command goes on from here")


SMOKE = (
    "optimisation.steps=40",
    "optimisation.warmup=10",
    "optimisation.batch=8",
    "validate_every=40",
    "log_every=5",
)


def launch(processes: int, arguments: list[str]) -> int:
    """Run this program in several processes on this machine; return the exit status of the first to fail."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {
        "ACCELERATE_USE_CPU": "true",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(processes),
        # Left alone, every process would start as many threads as there are cores.
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes)),
    }
    command = [sys.executable, "-m", "ide3d_training.train", *arguments]
    children = [
        subprocess.Popen(command, env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(processes)
    ]

    def pass_on(number: int, _: object) -> None:
        for child in children:
            child.send_signal(number)

    # Ctrl-C reaches the children by itself; they finish their step and save.
    previous = {signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None)}
    previous[signal.SIGTERM] = signal.signal(signal.SIGTERM, pass_on)
    status = 0
    try:
        while any(child.poll() is None for child in children):
            status = status or next((child.returncode for child in children if child.poll()), 0)
            if status:  # the others would wait for it for ever
                pass_on(signal.SIGKILL, None)
            time.sleep(0.1)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return status or next((child.returncode for child in children if child.returncode), 0)


@app.command()
def cli(
    config: Annotated[Path, typer.Option(help="YAML file; see training/configs.")],
    output: Annotated[
        Path, typer.Option(help="Directory of the run; resumed if it holds a checkpoint.")
    ] = Path("runs/nano"),
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Take 40 small steps, to see that all works.")
    ] = False,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE on top of the file, dotted; may be repeated.")
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="Processes on this machine that share every batch.")
    ] = 1,
) -> None:
    """Train a network on rendered rooms; resumes by itself."""
    overrides = [*(SMOKE if smoke else ()), *(override or ())]
    try:
        settings = load_config(config, overrides)
        if processes > 1:
            pairs = [word for pair in overrides for word in ("--set", pair)]
            raise typer.Exit(launch(processes, ["--config", str(config), "--output", str(output), *pairs]))
        run = Run(settings, output)
        if run.accelerator.is_main_process:
            if run.step:
                console.print(f"resuming {output} at step {run.step}")
            parameters = sum(p.numel() for p in run.network.parameters())
            console.print(
                f"{parameters / 1e6:.2f} M parameters, {run.precision}, "
                f"{run.accelerator.num_processes} processes of {torch.get_num_threads()} threads"
            )
        train(run)
    except (ConfigError, TeacherError, FileNotFoundError) as error:
        console.print(f"[red]error:[/red] {error}")
        raise typer.Exit(2) from None


def main() -> None:
    """Entry point of `ide3d-train`."""
    app()


if __name__ == "__main__":
    main()
