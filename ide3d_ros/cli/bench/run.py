# SPDX-License-Identifier: Apache-2.0
"""`ide3d bench`: measure, show, and write JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ide3d_ros.bundle import open_bundle
from ide3d_ros.cli.bench.figures import ratio, summaries
from ide3d_ros.cli.bench.library import LibraryTimes, measure_library, vocabulary_case
from ide3d_ros.cli.bench.machine import peak_memory_mb
from ide3d_ros.cli.bench.report import new_report, print_report, write_report
from ide3d_ros.cli.bench.rounds import BenchError
from ide3d_ros.engine import select_engine


@dataclass(frozen=True)
class BenchSettings:
    """Say what to measure and how.

    Attributes:
        bundle: name of an embedded bundle, or path of a bundle folder.
        engine: "auto" or the name of an engine.
        window: frames of the window.
        phrases: of the largest vocabulary.
        repetitions: of each case.
        threads: CPU threads of the engine; 0 takes all cores.
        width, height: of the frames, pixels.
        seconds: how long a perception node is shown frames, in each way; 0 leaves the node out.
        rate_hz: of its cameras.
        cameras: how many it has in the last part; with 1 that part is left out.
        json: file for the figures; None writes none.
    """

    bundle: str = "nano"
    engine: str = "auto"
    window: int = 8
    phrases: int = 20
    repetitions: int = 20
    threads: int = 0
    width: int = 640
    height: int = 480
    seconds: float = 10.0
    rate_hz: float = 30.0
    cameras: int = 2
    json: Path | None = None


def run_bench(settings: BenchSettings, console: Console) -> None:
    """Measure, print tables, and write JSON if asked.

    Args:
        settings: what to measure.
        console: where progress and tables go.

    Raises:
        BundleError, EngineError: if the bundle cannot be used.
        BenchError: if something cannot be measured or written.
    """
    bundle = open_bundle(settings.bundle)
    selection = select_engine(bundle, settings.engine, threads=settings.threads or None)
    console.print(f"bundle {bundle.name}, {selection.reason}")
    subject = {
        "bundle": bundle.name,
        "precision": bundle.manifest.precision,
        "engine": asdict(selection.engine.describe()),
    }
    asked = {name: value for name, value in asdict(settings).items() if name != "json"}
    report = new_report(subject, asked)
    with _progress(console, "library", settings.repetitions + 1) as tick:
        try:
            library = measure_library(
                bundle,
                selection.engine,
                window=settings.window,
                phrases=settings.phrases,
                image_size=(settings.width, settings.height),
                repetitions=settings.repetitions,
                after_round=tick,
            )
        except ValueError as error:
            raise BenchError(f"--window cannot be used: {error}") from error
    report |= library_figures(library)
    report["memory_peak_mb"] = {"library": peak_memory_mb()}
    if settings.seconds:
        _measure_node(settings, bundle.manifest.extra_inputs, report, console)
    print_report(report, console)
    if settings.json is not None:
        write_report(report, settings.json)


def library_figures(found: LibraryTimes) -> dict[str, Any]:
    """Sum up what was measured of a Scene, by the keys of the report."""
    cases = found.cases
    one, most = (cases[vocabulary_case(count, found.window)] for count in (1, found.phrases))
    first = cases["first locate"]
    return {
        "follow_up_ratio": ratio(cases["follow-up locate"], first),
        f"vocabulary_{found.phrases}_ratio": ratio(most, one),
        "keyframe_ratio": ratio(cases["locate after one more frame"], first),
        "stages_ms": summaries(found.stages),
        "cases_ms": summaries(cases),
    }


def _measure_node(
    settings: BenchSettings, extra_inputs: tuple[str, ...], report: dict[str, Any], console: Console
) -> None:
    # Here because the library part needs no ROS, and this one does.
    from ide3d_ros.cli.bench.live import LivePlan, measure_cameras, measure_one_camera
    from ide3d_ros.cli.bench.live_figures import node_figures, sustained_figures
    from ide3d_ros.cli.own_domain import keep_to_own_domain

    plan = LivePlan(
        bundle=settings.bundle,
        engine=settings.engine,
        threads=settings.threads,
        extra_inputs=extra_inputs,
        width=settings.width,
        height=settings.height,
        rate_hz=settings.rate_hz,
        seconds=settings.seconds,
        domain_id=keep_to_own_domain(),
    )
    with _progress(console, "perception node", None) as tick:
        found = measure_one_camera(plan, tick=tick)
    figures = node_figures(found)
    # What the library does not do: to take a message in, to read it, and to publish boxes.
    stages = figures["node"]["stages_ms"]
    report["stages_ms"] |= {name: stages[name] for name in ("receive", "decode", "publish")}
    report |= figures
    report["memory_peak_mb"]["node"] = found.memory_peak_mb
    if settings.cameras > 1:
        with _progress(console, f"{settings.cameras} cameras", None) as tick:
            several = measure_cameras(plan, settings.cameras, tick=tick)
        report["cameras"] = {"count": settings.cameras, **sustained_figures(several)}
        report["memory_peak_mb"][f"node with {settings.cameras} cameras"] = several.memory_peak_mb


@contextmanager
def _progress(console: Console, what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show that something goes on, and how far it is; call what is yielded at every step."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
