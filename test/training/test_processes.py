# SPDX-License-Identifier: Apache-2.0
"""Several processes train as one: started by the program, by accelerate, or on shards of the weights."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ide3d_training.checkpoint import load_checkpoint
from ide3d_training.launching import launch
from ide3d_training.run import Run
from ide3d_training.train import train

from .conftest import CONFIGS, IDE3D, PROGRAM, RGB, TINY, words
from .test_a_run import curve, tiny_config


def accelerate(name: str, *options: str) -> list[str]:
    """Begin a command that starts the program as a file of training/configs/accelerate says."""
    launcher = [sys.executable, "-m", "accelerate.commands.launch"]
    return [*launcher, "--config_file", str(CONFIGS / "accelerate" / f"{name}.yaml"), *options]


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def small_run(rooms: Path, output: Path, *more: str) -> list[str]:
    """Arguments of a run of two steps."""
    overrides = (*TINY, f"data.directory={rooms}", "optimisation.steps=2", "log_every=1", *more)
    return ["--config", str(RGB), "--output", str(output), *words(*overrides)]


def moved_alike(one: dict, other: dict) -> None:
    """Check that two runs on the same samples end near one another: batch norm sees each share alone."""
    assert one["step"] == other["step"]
    for name in ("box_head.fields.2.bias", "decoder.norm.weight"):
        torch.testing.assert_close(one["network"][name], other["network"][name], atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize("name", ["one_process", "many_processes", "fsdp"])
def test_accelerate_starts_the_program(name: str, rooms: Path, tmp_path: Path):
    options = [] if name == "one_process" else ["--main_process_port", free_port()]
    command = [*accelerate(name, *options), "-m", "ide3d_training.train", *small_run(rooms, tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stderr[-3000:]
    said = " ".join(done.stdout.split())
    assert ("1 processes" if name == "one_process" else "2 processes") in said
    if name == "fsdp" and not torch.cuda.is_available():
        assert "accelerate shards on GPUs alone" in said
    assert load_checkpoint(tmp_path / "run")["step"] == 2 == len(curve(tmp_path / "run"))


def test_two_machines_train_one_network(rooms: Path, tmp_path: Path):
    port, machines = free_port(), []
    for rank in ("0", "1"):
        options = ["--machine_rank", rank, "--main_process_ip", "127.0.0.1", "--main_process_port", port]
        command = [*accelerate("many_machines", *options), "-m", "ide3d_training.train"]
        machines.append(
            subprocess.Popen([*command, *small_run(rooms, tmp_path / "two")], stdout=subprocess.DEVNULL)
        )
    assert [machine.wait(timeout=540) for machine in machines] == [0, 0]
    train(Run(tiny_config(rooms, "optimisation.steps=2", "optimisation.warmup=200"), tmp_path / "one"))
    moved_alike(*(load_checkpoint(tmp_path / name) for name in ("two", "one")))


def test_processes_are_not_started_twice(rooms: Path, tmp_path: Path):
    environment = os.environ | {"RANK": "0", "WORLD_SIZE": "2"}
    command = [*PROGRAM, *small_run(rooms, tmp_path), "--processes", "2"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert "leave --processes out" in done.stderr


def test_a_process_that_is_killed_ends_all_and_is_named(capfd):
    program = "import os, time; os.kill(os.getpid(), 9) if os.environ['RANK'] == '1' else time.sleep(100)"
    assert launch(2, [sys.executable, "-c", program]) == 128 + 9
    assert "process 1 was ended by SIGKILL" in capfd.readouterr().err


POISONED = """
# One process sees a NaN at the second step: the next one must be taken by both, from the same weights.
import sys
from pathlib import Path
import torch
from ide3d_training.config import load_config
from ide3d_training.launching import leave
from ide3d_training.run import Run

run = Run(load_config(Path(sys.argv[1]), sys.argv[3:]), Path(sys.argv[2]))
run.supervised.train()
stream = run.batches()
for step in range(3):
    batches = next(stream)
    if step == 1 and run.accelerator.process_index == 1:
        batches[0].token_depth[:] = float("nan")
    terms = run.learn(batches)
    run.agree(False, False)
    assert bool(terms) == (step != 1), (step, terms)
weights = torch.cat([value.detach().flatten() for value in run.network.parameters()])
both = run.accelerator.gather(weights[None])
assert torch.equal(both[0], both[1]) and torch.isfinite(both).all()
assert run.gaps["batches"] == 1 and run.step == 3, run.gaps
run.save()
leave(0)
"""


@pytest.mark.parametrize("parts", [1, 2])
def test_a_nan_in_one_process_is_skipped_by_all(parts: int, rooms: Path, tmp_path: Path):
    (tmp_path / "poisoned.py").write_text(POISONED)
    overrides = [*TINY, f"data.directory={rooms}", f"optimisation.accumulate={parts}"]
    program = [sys.executable, str(tmp_path / "poisoned.py"), str(RGB), str(tmp_path / "run"), *overrides]
    assert launch(2, program) == 0
    assert load_checkpoint(tmp_path / "run")["gaps"]["batches"] == 1


SHARDED = """
# accelerate shards on GPUs alone. Telling it that this is FSDP makes it shard on CPUs too, with its own code.
import sys
import accelerate
from accelerate import FullyShardedDataParallelPlugin, PartialState
from accelerate.utils import DistributedType

class ShardingAccelerator(accelerate.Accelerator):
    def __init__(self, **options):
        super().__init__(**options)
        self.state.distributed_type = DistributedType.FSDP
        PartialState._shared_state["distributed_type"] = DistributedType.FSDP
        self.state.fsdp_plugin = FullyShardedDataParallelPlugin(
            fsdp_version=2, auto_wrap_policy="transformer_based_wrap", cpu_ram_efficient_loading=False,
            transformer_cls_names_to_wrap=["SiglipEncoderLayer", "Qwen2DecoderLayer"],
        )

accelerate.Accelerator = ShardingAccelerator
from torch.distributed.tensor import DTensor
from ide3d_training import train as program

def watched(run, then=program.train):
    assert run.accelerator.is_fsdp2
    assert all(isinstance(value, DTensor) for value in run.supervised.parameters())
    then(run)

program.train = watched
program.main()
"""


def test_shards_make_the_checkpoints_that_whole_weights_make(everything, tmp_path: Path):
    (tmp_path / "sharded.py").write_text(SHARDED)
    # Without a decay of the rate two steps and two more are four steps.
    overrides = [*everything, "validate_every=2", "optimisation.clip=0.5", "optimisation.decay=0"]
    program = [sys.executable, str(tmp_path / "sharded.py"), "--config", str(IDE3D)]

    def arguments(output: str, steps: int) -> list[str]:
        return ["--output", str(tmp_path / output), *words(*overrides, f"optimisation.steps={steps}")]

    assert launch(2, [*program, *arguments("sharded", 2)]) == 0
    assert launch(2, [*program, *arguments("sharded", 4)]) == 0  # resumed from whole weights into shards
    assert launch(2, [*PROGRAM, "--config", str(IDE3D), *arguments("whole", 4)]) == 0
    sharded, whole = (load_checkpoint(tmp_path / name) for name in ("sharded", "whole"))
    assert sharded["step"] == 4
    # The weights are the same to rounding; batch norm's statistics are each process's own.
    for kind in ("network", "average"):
        assert sharded[kind].keys() == whole[kind].keys()
        for name, value in whole[kind].items():
            if "running" not in name:
                torch.testing.assert_close(sharded[kind][name], value, atol=2e-5, rtol=1e-3)
    for part, state in whole["training_only"].items():
        torch.testing.assert_close(sharded["training_only"][part], state, atol=2e-5, rtol=1e-3)
    for number, entry in whole["optimizer"]["state"].items():
        assert sharded["optimizer"]["state"][number]["exp_avg"].shape == entry["exp_avg"].shape
    rows = curve(tmp_path / "sharded")
    assert [row["step"] for row in rows] == ["1", "2", "3", "4"] and rows[-1]["val_depth_map"]
    assert json.dumps(sharded["network_config"]) == json.dumps(whole["network_config"])
