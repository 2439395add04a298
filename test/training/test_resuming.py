# SPDX-License-Identifier: Apache-2.0
"""A run killed in the middle of anything ends where an unbroken one does; another kind of run is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ide3d_training.config import ConfigError, TrainConfig, load_config
from ide3d_training.run import Run
from ide3d_training.run_log import CurveLog
from ide3d_training.train import train

from .conftest import IDE3D, PROGRAM, RGB, TINY, words
from .test_a_run import curve

STEPS = 8


def test_a_process_killed_at_a_random_step_ends_with_the_same_loss(everything, tmp_path: Path):
    overrides = (*everything, f"optimisation.steps={STEPS}", "checkpoint_minutes=0", "validate_every=100")
    train(Run(load_config(IDE3D, list(overrides)), tmp_path / "whole"))
    command = [*PROGRAM, "--config", str(IDE3D), "--output", str(tmp_path / "broken"), *words(*overrides)]
    fatal = int(np.random.default_rng().integers(1, STEPS))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        path, deadline = tmp_path / "broken/curve.csv", time.monotonic() + 500
        while process.poll() is None and time.monotonic() < deadline:
            if path.exists() and path.read_text().count("\n") > fatal:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.002)
        killed = process.wait()
    assert killed == -signal.SIGKILL, f"it was to be killed at step {fatal}"
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})
    assert done.returncode == 0, done.stderr[-2000:]
    whole, broken = curve(tmp_path / "whole"), curve(tmp_path / "broken")
    assert [int(row["step"]) for row in broken] == list(range(1, STEPS + 1))
    for term in ("loss", "depth_map", "cross_view", "cross_view_consistency", "alignment", "pointer"):
        last = float(whole[-1][term])
        assert abs(float(broken[-1][term]) - last) <= 1e-4 * max(1.0, abs(last)), (fatal, term)


def test_a_resumed_run_says_so_and_a_finished_one_too(everything, tmp_path: Path):
    def told(steps: int) -> str:
        overrides = words(*everything, f"optimisation.steps={steps}")
        command = [*PROGRAM, "--config", str(IDE3D), "--output", str(tmp_path), *overrides]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    assert "resuming" not in told(1)
    said = told(2)
    assert "at step 1 of 2" in said and "min left" in said
    assert "M that exist in training alone" in said
    assert "nothing is left to do" in told(2)


def test_a_checkpoint_of_another_network_is_refused(all_objectives: TrainConfig, tmp_path: Path):
    Run(all_objectives, tmp_path).save()
    wider = replace(all_objectives, network={**all_objectives.network, "field_hidden": 48})
    with pytest.raises(ConfigError, match="field_hidden 32, not 48 as configured; choose another --output"):
        Run(wider, tmp_path)


def test_a_checkpoint_with_other_parts_is_refused(all_objectives: TrainConfig, tmp_path: Path):
    Run(all_objectives, tmp_path).save()
    less = replace(all_objectives, losses=replace(all_objectives.losses, alignment=0.0))
    with pytest.raises(ConfigError, match="trains alignment, cross_view, validator beside its network"):
        Run(less, tmp_path)


def test_a_checkpoint_that_counted_batches_alone_can_be_resumed(rooms: Path, tmp_path: Path):
    from ide3d_training.checkpoint import load_checkpoint, save_checkpoint

    config = load_config(RGB, [*TINY, f"data.directory={rooms}"])
    Run(config, tmp_path).save()
    state = load_checkpoint(tmp_path)
    del state["gaps"]
    save_checkpoint(tmp_path, state | {"skipped": 7})
    assert Run(config, tmp_path).gaps["batches"] == 7


def test_half_a_line_of_a_killed_process_is_dropped(tmp_path: Path):
    path = tmp_path / "curve.csv"
    log = CurveLog(path, 0)
    for step in (1, 2):
        log.write({"step": step, "minutes": 0.1, "loss": 3.0})
    log.close()
    with open(path, "a") as file:
        file.write("1,0.0")
    resumed = CurveLog(path, 2)
    resumed.write({"step": 3, "minutes": 0.2, "loss": 2.0})
    resumed.close()
    lines = path.read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "1", "2", "3"]
