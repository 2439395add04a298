# SPDX-License-Identifier: Apache-2.0
"""`ide3d bench`: measure, show, and write JSON."""

from __future__ import annotations

from collections.abc import Iterator
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
from ide3d_ros.cli.bench.report import new_report, print_ratios, times_table, write_report
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
    engine = selection.engine.describe()
    console.print(f"bundle {bundle.name}, {selection.reason}")
    subject = {"bundle": bundle.name, "precision": bundle.manifest.precision, "engine": asdict(engine)}
    asked = {name: value for name, value in asdict(settings).items() if name != "json"}
    report = new_report(subject, asked)
    with _progress(console) as progress:
        task = progress.add_task("library", total=settings.repetitions + 1)
        try:
            library = measure_library(
                bundle,
                selection.engine,
                window=settings.window,
                phrases=settings.phrases,
                image_size=(settings.width, settings.height),
                repetitions=settings.repetitions,
                after_round=lambda: progress.advance(task),
            )
        except ValueError as error:
            raise BenchError(f"--window cannot be used: {error}") from error
    report |= _library_figures(library)
    report["memory_peak_mb"] = {"library": peak_memory_mb()}
    _show(report, console)
    if settings.json is not None:
        write_report(report, settings.json)


def _library_figures(found: LibraryTimes) -> dict[str, Any]:
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


def _show(report: dict[str, Any], console: Console) -> None:
    console.print(times_table("whole calls, in turns", report["cases_ms"], first="case"))
    console.print(times_table("stages", report["stages_ms"], first="stage"))
    print_ratios(console, {name: value for name, value in report.items() if name.endswith("_ratio")})
    for name, peak in report["memory_peak_mb"].items():
        if peak is not None:
            console.print(f"memory peak, {name}: {peak:.0f} MiB")


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress
