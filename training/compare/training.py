# SPDX-License-Identifier: Apache-2.0
"""Train the runs of a study, several side by side, and go on where an interrupted study stopped."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ide3d_training.checkpoint import load_checkpoint
from ide3d_training.compare.study import PLACES, PlannedRun, difference, without
from ide3d_training.config import ConfigError, TrainConfig, build

LOG_FILE = "train.log"
PACE = ("data.workers", "optimisation.threads", "checkpoint_minutes", "log_every", "validate_every")
"""Keys that change how fast a run goes and what it writes, not what it ends as."""
_POLL_S = 0.5
_PATIENCE_S = 120.0


class TrainingFailed(RuntimeError):
    """Raised where a training run ended before its last step; the sentence has the end of its log."""


def trained_steps(run: PlannedRun) -> int:
    """Return the steps of a run's last checkpoint, 0 without one.

    Raises:
        ConfigError: if the checkpoint was trained with other settings.
    """
    state = load_checkpoint(run.directory)
    if state is None:
        return 0
    ignored = (*PLACES, *PACE)
    # Keys that were added since stand at their defaults.
    trained = build(TrainConfig, state["train_config"], f"the checkpoint in {run.directory}").to_dict()
    known, wanted = (without(v, *ignored) for v in (trained, run.settings.to_dict()))
    if different := difference(known, wanted):
        raise ConfigError(
            f"{run.directory} was trained with another {different}: give the study another --output, or "
            "delete that directory"
        )
    return state["step"]


def logged_steps(run: PlannedRun) -> int:
    """Return the last step in a run's curve, which is ahead of its checkpoint; 0 without one."""
    rows = read_curve(run.directory)
    return int(rows[-1]["step"]) if rows else 0


def read_curve(directory: Path) -> list[dict[str, str]]:
    """Read the finished rows of a run's `curve.csv`; none if it has not begun."""
    path = directory / "curve.csv"
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [row for row in csv.DictReader(file) if row["step"] and row.get("loss")]


def train_all(
    runs: Sequence[PlannedRun],
    jobs: int,
    on_steps: Callable[[int], None],
    on_finished: Callable[[PlannedRun], None],
) -> None:
    """Train what is missing, each run in a process of its own.

    An interruption (Ctrl-C, SIGTERM, a run that fails) stops all of them at their next step, with a
    checkpoint.

    Args:
        runs: in the order in which to begin them.
        jobs: how many at a time.
        on_steps: called again and again with the steps taken in all runs together.
        on_finished: called with each run that has taken its last step, found finished or not.

    Raises:
        ConfigError: if a directory holds a run with other settings.
        TrainingFailed: if a run ends early.
        KeyboardInterrupt: if stopped.
    """
    taken = {run.name: trained_steps(run) for run in runs}
    waiting = [run for run in runs if taken[run.name] < run.steps]
    for run in runs:
        if run not in waiting:
            on_finished(run)
    running: list[tuple[PlannedRun, subprocess.Popen]] = []
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                run = waiting.pop(0)
                running.append((run, _start(run)))
            time.sleep(_POLL_S)
            for run, process in list(running):
                taken[run.name] = max(taken[run.name], logged_steps(run))
                if process.poll() is None:
                    continue
                running.remove((run, process))
                if process.returncode or trained_steps(run) < run.steps:
                    raise TrainingFailed(_last_words(run, process.returncode))
                taken[run.name] = run.steps
                on_finished(run)
            on_steps(sum(taken.values()))
    finally:
        signal.signal(signal.SIGTERM, previous)
        _stop([process for _, process in running])


def _start(run: PlannedRun) -> subprocess.Popen:
    run.directory.mkdir(parents=True, exist_ok=True)
    words = ["--config", str(run.config), "--output", str(run.directory)]
    words += [word for override in run.overrides for word in ("--set", override)]
    with open(run.directory / LOG_FILE, "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ide3d_training.train", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Before torch reads `optimisation.threads`, libraries have started their own threads.
            env=os.environ | {"OMP_NUM_THREADS": str(run.settings.optimisation.threads or os.cpu_count())},
        )


def _stop(processes: Sequence[subprocess.Popen]) -> None:
    """Have processes finish their step and save; Ctrl-C has reached them already."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _last_words(run: PlannedRun, status: int) -> str:
    log = run.directory / LOG_FILE
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    reason = "\n".join(lines[-3:]) or "it said nothing"
    return f"{run.name} ended with status {status} before step {run.steps} ({log}):\n{reason}"
