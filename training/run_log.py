# SPDX-License-Identifier: Apache-2.0
"""What a run leaves behind while it goes: a curve, a progress bar, checkpoints, validations."""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ide3d_training.config import LossWeights
from ide3d_training.curves import plot_curves
from ide3d_training.schedule import learning_rate

if TYPE_CHECKING:
    from ide3d_training.train import Run

console = Console()


class CurveLog:
    """Append rows to `curve.csv`; a resumed run drops the rows its checkpoint does not know of."""

    columns = (
        *("step", "minutes", "rate", "loss"),
        *(field.name for field in fields(LossWeights)),
        *("val_pointed", "val_found", "val_rejected", "val_depth_error", "val_answer"),
    )

    def __init__(self, path: Path, step: int):
        kept = []
        if path.exists():
            with open(path, newline="") as file:
                kept = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        self._file = open(path, "w", newline="")
        self._writer = csv.DictWriter(self._file, self.columns, restval="")
        self._writer.writeheader()
        self._writer.writerows(kept)
        self.minutes = float(kept[-1]["minutes"]) if kept else 0.0

    def write(self, row: dict[str, float]) -> None:
        """Append one row and flush it."""
        self._writer.writerow(
            {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items() if k in self.columns}
        )
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Narrator:
    """Log, show and save a run as it goes; what only one process of a run may do.

    Args:
        run: the run.
    """

    def __init__(self, run: Run):
        self._run = run
        self._log = CurveLog(run.directory / "curve.csv", run.step)
        self._started = time.monotonic() - 60 * self._log.minutes
        self._saved = time.monotonic()
        self._sums: dict[str, list[float]] = defaultdict(list)
        self._bar = Progress(
            TextColumn("train"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=console,
        )  # fmt: skip
        self._task = self._bar.add_task(
            "train", total=run.config.optimisation.steps, completed=run.step, note=""
        )

    def __enter__(self) -> Narrator:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self._log.close()

    def tell(self, terms: dict[str, float], last: bool) -> None:
        """Take one step's terms; log and validate when it is time, save when it is time or the last step."""
        run, config = self._run, self._run.config
        for name, value in terms.items():
            self._sums[name].append(value)
        at_end = run.step >= config.optimisation.steps
        if run.step % config.log_every == 0 or at_end:
            row = {name: sum(values) / len(values) for name, values in self._sums.items()}
            row |= {
                "step": run.step,
                "minutes": (time.monotonic() - self._started) / 60,
                "rate": learning_rate(run.step, config.optimisation),
            }
            if run.step % config.validate_every == 0 or at_end:
                row |= run.validate()
                console.print({k: round(v, 3) for k, v in row.items()})
            self._log.write(row)
            self._sums.clear()
            self._bar.update(self._task, completed=run.step, note=f"loss {row.get('loss', float('nan')):.3f}")
        if last or time.monotonic() - self._saved > 60 * config.checkpoint_minutes:
            run.save()
            plot_curves(run.directory / "curve.csv", run.directory / "curve.png")
            self._saved = time.monotonic()
