# SPDX-License-Identifier: Apache-2.0
"""What a run tells while it goes: a curve, a progress bar, what it skips, TensorBoard events if wanted."""

from __future__ import annotations

import csv
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ide3d_training.config import ConfigError, LossWeights
from ide3d_training.curves import plot_curves
from ide3d_training.gaps import SENTENCES
from ide3d_training.schedule import learning_rate

if TYPE_CHECKING:
    from ide3d_training.run import Run

console = Console()


class CurveLog:
    """Append rows to `curve.csv`; a resumed run drops the rows its checkpoint does not know of."""

    columns = (
        *("step", "minutes", "rate", "loss"),
        *LossWeights.terms(),
        *("val_pointed", "val_found", "val_rejected", "val_depth_error", "val_answer", "val_depth_map"),
        "skipped",
    )

    def __init__(self, path: Path, step: int):
        kept = []
        if path.exists():
            with open(path, newline="") as file:
                rows = list(csv.DictReader(file))
            # A killed process may have left half a line, whose last columns are None.
            kept = [row for row in rows if None not in row.values() and int(row["step"]) <= step]
        self._file = open(path, "w", newline="")
        self._writer = csv.DictWriter(self._file, self.columns, restval="", extrasaction="ignore")
        self._writer.writeheader()
        self._writer.writerows(kept)
        self._file.flush()
        self.minutes = float(kept[-1]["minutes"]) if kept else 0.0

    def write(self, row: dict[str, float]) -> None:
        """Append one row and flush it."""
        self._writer.writerow({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items()})
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class EventLog:
    """Write rows as TensorBoard events; what a resumed run's checkpoint does not know of is hidden.

    Args:
        folder: where TensorBoard will look.
        step: that the run goes on from.

    Raises:
        ConfigError: if the package that writes them is not installed.
    """

    def __init__(self, folder: Path, step: int):
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise ConfigError(
                "tensorboard: true needs the package tensorboardX: pip install tensorboardX==2.6.5"
            ) from None
        self._writer = SummaryWriter(str(folder), purge_step=step + 1)

    def write(self, row: dict[str, float]) -> None:
        """Write one row: measures under validation/, all else under train/."""
        for name, value in row.items():
            if name != "step":
                kind = "validation" if name.startswith("val_") else "train"
                self._writer.add_scalar(f"{kind}/{name.removeprefix('val_')}", value, row["step"])
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class Narrator:
    """Log and show a run as it goes; what only one process of a run may do.

    Args:
        run: the run.

    Raises:
        ConfigError: if a log that is asked for cannot be written.
    """

    def __init__(self, run: Run):
        self._run = run
        events = [EventLog(run.directory / "events", run.step)] if run.config.tensorboard else []
        curve = CurveLog(run.directory / "curve.csv", run.step)
        self._logs = [curve, *events]
        self._started = time.monotonic() - 60 * curve.minutes
        self._first, self._began = run.step, time.monotonic()
        self._saved = time.monotonic()
        self._sums: dict[str, list[float]] = defaultdict(list)
        self._warned = {name for name, count in run.gaps.items() if count}
        # Steps are slow: the speed that time left is told by must look back further than half a minute.
        self._bar = Progress(
            TextColumn("train"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
            console=console, speed_estimate_period=600.0,
        )  # fmt: skip
        self._task = self._bar.add_task(
            "train", total=run.config.optimisation.steps, completed=run.step, note=""
        )

    def __enter__(self) -> Narrator:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        for log in self._logs:
            log.close()

    def save_is_due(self) -> bool:
        """Say whether it is time for a checkpoint."""
        return time.monotonic() - self._saved >= 60 * self._run.config.checkpoint_minutes

    def saved(self) -> None:
        """Take note of a checkpoint, and draw the curves up to it."""
        plot_curves(self._run.directory / "curve.csv", self._run.directory / "curve.png")
        self._saved = time.monotonic()

    def tell(self, terms: dict[str, float], measured: dict[str, float]) -> None:
        """Take one step's terms, and what was measured after it, if anything was."""
        run = self._run
        for name, value in terms.items():
            self._sums[name].append(value)
        self._bar.update(self._task, completed=run.step)
        for name in [name for name, count in run.gaps.items() if count and name not in self._warned]:
            self._warned.add(name)
            console.print(f"step {run.step}: {run.gaps[name]} {SENTENCES[name]}; counted from here on")
        if not measured and run.step % run.config.log_every:
            return
        row: dict[str, float] = {
            "step": run.step,
            "minutes": (time.monotonic() - self._started) / 60,
            "rate": learning_rate(run.step, run.config.optimisation),
            "skipped": run.gaps["batches"],
            **{name: sum(values) / len(values) for name, values in self._sums.items()},
            **measured,
        }
        for log in self._logs:
            log.write(row)
        self._sums.clear()
        self._bar.update(self._task, note=f"loss {row.get('loss', float('nan')):.3f}")
        if measured:
            console.print(self._line(row))

    def _line(self, row: dict[str, float]) -> str:
        """Say how far the run is and how good."""
        run, steps = self._run, self._run.config.optimisation.steps
        speed = (time.monotonic() - self._began) / max(1, run.step - self._first)
        figures = ", ".join(
            f"{name.removeprefix('val_')} {value:.3g}"
            for name, value in row.items()
            if name.startswith("val_")
        )
        return (
            f"step {run.step} of {steps}, {row['minutes']:.0f} min, about "
            f"{speed * (steps - run.step) / 60:.0f} min left: loss {row.get('loss', float('nan')):.3f}; "
            f"{figures}"
        )


def introduce(run: Run) -> None:
    """Say what is about to be trained, and on what."""
    options, accelerator = run.config.optimisation, run.accelerator
    if run.step:
        console.print(f"resuming {run.directory} at step {run.step} of {options.steps}")
    if run.step >= options.steps:
        console.print("nothing is left to do; raise optimisation.steps, or choose another --output")
    if os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true" and not accelerator.is_fsdp2:
        console.print("accelerate shards on GPUs alone: here every process holds the whole network")
    for line in run.frames.images.summary() if run.frames.images else ():
        console.print(line, markup=False)
    parameters = sum(p.numel() for p in run.network.parameters())
    extra = sum(p.numel() for p in run.supervised.parameters()) - parameters
    console.print(
        f"{parameters / 1e6:.2f} M parameters"
        + (f" and {extra / 1e6:.2f} M that exist in training alone" if extra else "")
        + f", {run.precision} on {run.device.type}, {accelerator.num_processes} processes of "
        f"{torch.get_num_threads()} threads"
    )


def sum_up(run: Run) -> None:
    """Say what was left out of a run, and how it goes on if it was stopped."""
    for name, count in run.gaps.items():
        if count:
            console.print(f"{count} {SENTENCES[name]}")
    if run.step < run.config.optimisation.steps:
        console.print(f"stopped at step {run.step}; the same command goes on from here")
