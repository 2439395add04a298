# SPDX-License-Identifier: Apache-2.0
"""Train a network on rendered rooms or labelled images: `ide3d-train --config training/configs/FILE.yaml`.

Started again on the same directory, a run goes on from its last checkpoint (`run.Run`). `--processes` starts
several processes on one machine, `accelerate launch` several on many, with the files in
`training/configs/accelerate`.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from ide3d_training.command_line import run_command
from ide3d_training.config import ConfigError, load_config
from ide3d_training.datasets.omni3d import Omni3DError
from ide3d_training.interruption import stoppable
from ide3d_training.launching import is_first, launch, launched, leave
from ide3d_training.run import Run
from ide3d_training.run_log import Narrator, introduce, sum_up
from ide3d_training.schedule import computes_on_cpu
from ide3d_training.smoke import loss_fell, prepare_smoke
from ide3d_training.teachers.protocol import TeacherError
from ide3d_training.worlds.shards import DatasetError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def train(run: Run) -> None:
    """Train to the last step, with a bar, a log, checkpoints, and a clean stop on Ctrl-C or SIGTERM.

    The log and the bar show the terms of the first process's share of each batch.
    """
    config, steps = run.config, run.config.optimisation.steps
    with stoppable() as stop, Narrator(run) if run.main else nullcontext() as narrator:
        run.supervised.train()
        for batches in run.batches() if run.step < steps else ():
            terms = run.learn(batches)
            due = narrator is not None and narrator.save_is_due()
            stopped, due = run.agree(bool(stop), due)
            at_end = run.step >= steps
            measured = run.validate() if at_end or run.step % config.validate_every == 0 else {}
            if config.keep_every and (at_end or run.step % config.keep_every == 0):
                run.keep()
            if narrator is not None:
                narrator.tell(terms, measured)
            if due or stopped or at_end:
                run.save()
                if narrator is not None:
                    narrator.saved()
            if stopped or at_end:
                break
    run.accelerator.wait_for_everyone()
    run.accelerator.end_training()
    if run.main:
        sum_up(run)


@app.command()
def cli(
    config: Annotated[
        Path,
        typer.Option(help="YAML file: data, losses, sizes. See training/configs; config.py explains keys."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            help="Directory of the run; resumed if it holds a checkpoint.",
            show_default="runs/NAME of the YAML file, runs/NAME_smoke with --smoke",
        ),
    ] = None,
    smoke: Annotated[
        bool,
        typer.Option(
            "--smoke",
            help="See that everything works: render a few rooms, write them as labelled images or train a "
            "tiny teacher or generator if one is asked for, take 40 small steps. The status is 1 if the loss "
            "did not fall.",
        ),
    ] = False,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="KEY=VALUE on top of the file, dotted (optimisation.steps=100); may be repeated."
        ),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            min=1, help="Processes on this machine that share every batch; on many: accelerate launch."
        ),
    ] = 1,
) -> None:
    """Train a network on rooms or labelled images; started again it goes on from its last checkpoint."""
    output = output or Path("runs") / (config.stem + ("_smoke" if smoke else ""))
    overrides = list(override or ())
    settings = load_config(config, overrides)
    if processes > 1 and launched():
        raise ConfigError("accelerate launch has started the processes already; leave --processes out")
    if smoke:
        overrides = prepare_smoke(settings, overrides, output)
        settings = load_config(config, overrides)
    if processes > 1:
        pairs = [word for pair in overrides for word in ("--set", pair)]
        program = [sys.executable, "-m", "ide3d_training.train", "--config", str(config)]
        on_cpu = computes_on_cpu(settings.optimisation.device)
        status = launch(processes, [*program, "--output", str(output), *pairs], on_cpu=on_cpu)
    else:
        run = Run(settings, output)
        if run.main:
            introduce(run)
        train(run)
        status = 0
    if smoke and not status and is_first():
        status = 0 if loss_fell(output / "curve.csv") else 1
    if status:
        raise typer.Exit(status)


def main() -> None:
    """Entry point of `ide3d-train`."""
    expected = ConfigError, DatasetError, Omni3DError, TeacherError, FileNotFoundError
    try:
        status = run_command(app, "ide3d-train", expected)
    except SystemExit as end:
        status = end.code
    leave(status)


if __name__ == "__main__":
    main()
