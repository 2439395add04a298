# SPDX-License-Identifier: Apache-2.0
"""`ide3d-compare`: run a whole study and write its tables.

Trains every arm with every seed, exports, evaluates and probes each run, times the bundles side by side, and
writes the study's section of the results file. Interrupted at any point, the same command goes on.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ide3d_ros.bundle import BundleError
from ide3d_ros.engine import EngineError
from ide3d_training.checkpoint import NAME as CHECKPOINT
from ide3d_training.command_line import run_command
from ide3d_training.compare import smoke as smoking
from ide3d_training.compare.latency import LatencyError, interleaved
from ide3d_training.compare.measuring import Probing, evaluated, evaluated_prior, exported, sizes
from ide3d_training.compare.pictures import draw_curves
from ide3d_training.compare.report import commands, study_report
from ide3d_training.compare.results import study_section, write_section
from ide3d_training.compare.study import PlannedRun, Study, load_study, plan
from ide3d_training.compare.training import TrainingFailed, read_curve, train_all
from ide3d_training.config import ConfigError
from ide3d_training.evaluate.probe_frames import ProbeError
from ide3d_training.evaluate.responders import ResponseError
from ide3d_training.evaluate.seeds import EVALUATED, SeedError, first_seeds
from ide3d_training.metrics.baselines import PriorError
from ide3d_training.worlds.gl import NoOpenGLError
from ide3d_training.worlds.shards import DatasetError

RESULTS = Path("training/RESULTS.md")
REPETITIONS = 40
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def run(
    study: Annotated[Path, typer.Option(help="YAML file; see training/configs/studies.")],
    output: Annotated[
        Path | None, typer.Option(help="Folder of the training runs; runs/STUDY if not given.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            help=f"File that gets the study's section; {RESULTS}, or OUTPUT/RESULTS.md with --smoke."
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Training runs side by side; two of one thread beat one of two.")
    ] = 1,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of the bundles that are measured.")] = 1,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seed to run instead of the study's; may be repeated.")
    ] = None,
    split: Annotated[
        list[str] | None, typer.Option(help="Split to evaluate instead of the study's; may be repeated.")
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE for the training of all arms, dotted; may be repeated."),
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Run at the size of a test, in rooms rendered for it.")
    ] = False,
) -> None:
    """Train, evaluate and probe every arm of a study, and write its tables."""
    console = Console(stderr=True)
    described = load_study(study)
    if seed:
        described = replace(described, seeds=list(dict.fromkeys(seed)))
    if split:
        described = replace(described, evaluation=replace(described.evaluation, splits=split))
    output = output or Path("runs") / study.stem
    results = results or (output / RESULTS.name if smoke else RESULTS)
    if smoke:
        described = smoking.small(described)
    for name in described.evaluation.splits:  # found out now, not after the training
        if name not in EVALUATED:
            raise SeedError(f"no split {name!r} is evaluated: take one of {', '.join(EVALUATED)}")
        first_seeds(name, None, described.evaluation.rooms)
    if not results.parent.is_dir() and results.parent != output:
        raise ConfigError(f"cannot write {results}: the folder {results.parent} does not exist")
    output.mkdir(parents=True, exist_ok=True)
    overrides = list(override or ())
    runs = plan(described, study, output, overrides)
    if smoke:
        places = smoking.small_data(runs, output)
        runs = plan(described, study, output, [*smoking.OVERRIDES, *places, *overrides])
    _check_rooms(runs)

    train(runs, jobs, console)
    report = measure(described, runs, output, threads, smoking.REPETITIONS if smoke else REPETITIONS, console)
    options = ["--smoke"] * smoke
    options += [word for number in seed or () for word in ("--seed", str(number))]
    options += [word for name in split or () for word in ("--split", name)]
    report["commands"] = commands(described, study, runs, options, overrides)
    figures = output / f"{study.stem}.json"
    figures.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    picture = results.parent / "results" / f"{study.stem}.png"
    picture.parent.mkdir(exist_ok=True)
    by_arm = {
        arm.name: [read_curve(run.directory) for run in runs if run.arm.name == arm.name]
        for arm in described.arms
    }
    draw_curves(by_arm, picture)
    section = study_section(report, f"results/{picture.name}")
    write_section(results, study.stem, section)
    print(section)
    console.print(f"{results}: section '{study.stem}'; all figures in {figures}")


def train(runs: list[PlannedRun], jobs: int, console: Console) -> None:
    """Train what is missing, behind a bar over all runs."""
    with _progress(console) as bar:
        task = bar.add_task("training", total=sum(run.steps for run in runs), note="")
        done: list[str] = []

        def finished(run: PlannedRun) -> None:
            done.append(run.name)
            bar.update(task, note=f"{len(done)} of {len(runs)} runs")
            console.print(f"trained {run.name} ({run.steps} steps)")

        train_all(runs, jobs, lambda steps: bar.update(task, completed=steps), finished)
        bar.update(task, completed=sum(run.steps for run in runs))


def measure(
    study: Study, runs: list[PlannedRun], output: Path, threads: int, repetitions: int, console: Console
) -> dict:
    """Export, evaluate, probe and time what is trained; return the report."""
    asked = study.evaluation
    each = asked.rooms * len(asked.splits)
    measured = {}
    probing: Probing | None = None
    with _progress(console) as bar:
        task = bar.add_task("measuring", total=each * len(runs), note="")
        for number, planned in enumerate(runs):
            bar.update(task, completed=each * number, note=f"{planned.name}: exporting")
            exported(planned)
            bar.update(task, note=f"{planned.name}: evaluating")
            scored = {
                split: evaluated(planned, asked, split, threads, lambda: bar.advance(task))
                for split in asked.splits
            }
            probe = None
            if study.probe.rooms:
                bar.update(task, note=f"{planned.name}: probing")
                probing = probing or Probing(study.probe, _size(runs))
                probe = probing.probed(planned)
            measured[planned.name] = {"sizes": sizes(planned), "evaluation": scored, "probe": probe}
        bar.update(task, completed=each * len(runs), note="timing the bundles side by side")
        priors = {split: evaluated_prior(output, asked, split, _size(runs)) for split in asked.splits}
        first = {arm.name: next(run for run in runs if run.arm.name == arm.name) for arm in study.arms}
        times = interleaved({name: exported(run) for name, run in first.items()}, repetitions, threads)
    return study_report(study, runs, measured, priors, times, threads)


def _check_rooms(runs: list[PlannedRun]) -> None:
    """Look for the data before anything is trained."""
    from ide3d_training.datasets.frame_store import FrameStore

    directory = runs[0].settings.data.directory
    if not directory:
        raise ConfigError("a study compares methods on rendered rooms: set data.directory")
    FrameStore(Path(directory))
    for begun in {run.settings.start_from for run in runs} - {""}:
        if not (Path(begun) / CHECKPOINT).exists():
            raise ConfigError(
                f"all arms begin with the run at {begun}, which holds no checkpoint; train it as the study's "
                "file says, or say where it is: --set start_from=DIR"
            )
    for run in runs:
        teacher = run.settings.data.teacher
        if teacher and not Path(teacher).is_dir():
            raise ConfigError(
                f"arm {run.arm.name!r} reads a teacher's features at {teacher}, which is no folder; make "
                "them with: ide3d-teacher cache, or say where they are: --set data.teacher=DIR"
            )
        encoder = run.settings.second_encoder
        if encoder and not Path(encoder).is_dir():
            raise ConfigError(
                f"arm {run.arm.name!r} has its second encoder from {encoder}, which is no folder; train it "
                "with: ide3d-teacher train, or say where it is: --set second_encoder=DIR"
            )
        generator = run.settings.generator
        if generator and not Path(generator).is_dir():
            raise ConfigError(
                f"arm {run.arm.name!r} reads a generator at {generator}, which is no folder; train it with: "
                "ide3d-generator train, or say where it is: --set generator=DIR"
            )


def _size(runs: list[PlannedRun]) -> tuple[int, int]:
    from ide3d_ros.network import NetworkConfig

    network = runs[0].settings.network
    return network.get("width", NetworkConfig.width), network.get("height", NetworkConfig.height)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        speed_estimate_period=300.0,
    )


def main() -> None:
    """Run the command line; every expected failure ends in one message on stderr and exit status 2."""
    expected = (
        *(ConfigError, TrainingFailed, LatencyError, ProbeError, SeedError, ResponseError, PriorError),
        *(BundleError, EngineError, NoOpenGLError, DatasetError, FileNotFoundError),
    )
    run_command(app, "ide3d-compare", expected, "interrupted; the same command goes on from here")


if __name__ == "__main__":
    main()
