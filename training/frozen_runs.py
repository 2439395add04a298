# SPDX-License-Identifier: Apache-2.0
"""Train what a network will only read (teachers, generators): a loop, a log, checkpoints, a clean stop."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ide3d_training.curves import plot_curves
from ide3d_training.interruption import stoppable
from ide3d_training.run_log import CurveLog, console


class FrozenRunConfig(Protocol):
    """When such a run tells, measures and saves.

    Attributes:
        log_every, validate_every: steps.
        checkpoint_minutes: time between checkpoints.
    """

    log_every: int
    validate_every: int
    checkpoint_minutes: float


class FrozenRun(Protocol):
    """One training run of a network that will be frozen.

    Attributes:
        curve: class of its log; `panels` of it share the axes of the picture.
        config: see `FrozenRunConfig`.
        directory: where the run lives.
        step: steps taken, skipped ones included.
        skipped: steps without a finite gradient.
        steps: of the whole run.
        rate: learning rate of the next step.
    """

    curve: type[CurveLog]
    config: FrozenRunConfig
    directory: Path
    step: int
    skipped: int

    @property
    def steps(self) -> int: ...

    @property
    def rate(self) -> float: ...

    def batches(self) -> Iterator[Any]:
        """Yield training batches for ever, after the last one used."""
        ...

    def learn(self, batch: Any) -> dict[str, float]:
        """Take one step and return its terms; nothing where it was skipped."""
        ...

    def validate(self) -> dict[str, float]:
        """Measure the network on what is held out."""
        ...

    def describe(self, row: dict[str, float]) -> str:
        """Say in words what was measured."""
        ...

    def save(self) -> None:
        """Write a checkpoint."""
        ...


def train_frozen(run: FrozenRun) -> bool:
    """Train to the last step, with a bar, a log, checkpoints, and a clean stop on Ctrl-C or SIGTERM.

    Returns:
        Whether the last step was reached.
    """
    with stoppable() as stop, FrozenRunNarrator(run) as narrator:
        for batch in run.batches() if run.step < run.steps else ():
            terms = run.learn(batch)
            last = bool(stop) or run.step >= run.steps
            narrator.tell(terms, last)
            if last:
                break
    if run.skipped:
        console.print(f"{run.skipped} batches had no finite gradient and were skipped")
    if run.step < run.steps:
        console.print(f"stopped at step {run.step}; the same command goes on from here")
    return run.step >= run.steps


class FrozenRunNarrator:
    """Log, show and save a run as it goes."""

    def __init__(self, run: FrozenRun):
        self._run = run
        self._log = run.curve(run.directory / "curve.csv", run.step)
        self._started = time.monotonic() - 60 * self._log.minutes
        self._saved = time.monotonic()
        self._sums: dict[str, list[float]] = defaultdict(list)
        self._bar = Progress(
            TextColumn("train"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=console,
        )  # fmt: skip
        self._task = self._bar.add_task("train", total=run.steps, completed=run.step, note="")

    def __enter__(self) -> FrozenRunNarrator:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self._log.close()

    def tell(self, terms: dict[str, float], last: bool) -> None:
        """Take one step's terms; log and measure when it is time, save when it is time or the last step."""
        run, config = self._run, self._run.config
        for name, value in terms.items():
            self._sums[name].append(value)
        at_end = run.step >= run.steps
        if run.step % config.log_every == 0 or at_end:
            row = {name: sum(values) / len(values) for name, values in self._sums.items()}
            row |= {
                "step": run.step,
                "minutes": (time.monotonic() - self._started) / 60,
                "rate": run.rate,
            }
            if run.step % config.validate_every == 0 or at_end:
                row |= run.validate()
                console.print(f"step {run.step}: {run.describe(row)}")
            self._log.write(row)
            self._sums.clear()
            self._bar.update(self._task, completed=run.step, note=f"loss {row.get('loss', float('nan')):.3f}")
        if last or time.monotonic() - self._saved > 60 * config.checkpoint_minutes:
            run.save()
            plot_curves(run.directory / "curve.csv", run.directory / "curve.png", run.curve.panels)
            self._saved = time.monotonic()
