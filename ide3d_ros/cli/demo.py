# SPDX-License-Identifier: Apache-2.0
"""`ide3d demo`: a camera and the perception node over real DDS, asked, compared with the truth and recorded.

The camera and the perception node run in processes of their own, with the parameter files that a launch would
use, so every image, box and answer crosses from process to process as on a robot.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ament_index_python import PackageNotFoundError, get_package_share_directory
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ide3d_ros.bundle import Bundle, open_bundle
from ide3d_ros.cli.bag import Bag
from ide3d_ros.cli.demo_client import DemoClient
from ide3d_ros.cli.exchanges import Exchange
from ide3d_ros.cli.interview import Interview
from ide3d_ros.cli.node_process import NodeProcess, stop_all
from ide3d_ros.cli.own_domain import keep_to_own_domain
from ide3d_ros.cli.pictures import draw, write_png, write_sheet
from ide3d_ros.cli.recorded_tour import RecordedTour
from ide3d_ros.cli.report import exchange_row, exchange_table, figures, summary_lines, versions
from ide3d_ros.cli.room_tour import ROUND

CAMERA_SIZE = (640, 480)
CAMERA_RATE_HZ = 5.0
_START_S = 90.0
_OVERVIEW = 4


class DemoError(RuntimeError):
    """The demo cannot run; the sentence says why and what to do."""


@dataclass(frozen=True)
class DemoSettings:
    """Say what to show.

    Attributes:
        output: folder for everything that is written.
        bundle: name of an embedded bundle, or path of a bundle folder.
        recording: folder of a labelled recording; None shows simulated rooms.
        rooms: how many rooms.
        seed: of the first room; room i has seed + i.
        duration_s: over which the questions are spread; for a recording, that its frames take.
    """

    output: Path
    bundle: str
    recording: Path | None
    rooms: int
    seed: int
    duration_s: float


def run_demo(settings: DemoSettings, console: Console) -> None:
    """Run the demo from start to report.

    Args:
        settings: what to show.
        console: where status, table and summary go.

    Raises:
        DemoError, BundleError, RecordingError: if it cannot start.
        NodeEndedError, NoAnswerError: if a node ends or keeps silent.
    """
    begin = time.monotonic()
    bundle = open_bundle(settings.bundle)
    tour = RecordedTour(settings.recording) if settings.recording is not None else None
    domain = keep_to_own_domain()
    output = settings.output
    _prepare_output(output)
    console.print(f"bundle {bundle.name}, ROS domain {domain}, writing to {output}")
    nodes: list[NodeProcess] = []
    try:
        with console.status("starting the nodes"):
            nodes.append(_start_camera(settings, tour))
            nodes.append(_start_perception(settings, bundle))
        with Bag(output / "demo.mcap") as bag:
            client = DemoClient(bag, watch=lambda: [node.check() for node in nodes])
            try:
                with console.status("waiting for the nodes to find each other and for the first detections"):
                    client.wait_until_ready(_START_S, stepped=tour is not None)
                ready_s = time.monotonic() - begin
                console.print(f"nodes ready after {ready_s:.1f} s")
                interview = Interview(client)
                exchanges = _interviewed(settings, tour, interview, console)
            finally:
                client.close()
    finally:
        stop_all(nodes)
    asked_s = time.monotonic() - begin
    if not exchanges:
        raise DemoError(f"nothing could be asked; see the logs of the nodes in {output}")
    pictures = _write_pictures(exchanges, output)
    found = figures(exchanges)
    found["not_decidable"] = interview.undecided
    found["left_out"] = len(tour.prompts) - len(exchanges) if tour is not None else 0
    report = {
        "program": "ide3d demo",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": _source(settings),
        "bundle": {"name": bundle.name, "weights_sha256": bundle.manifest.weights.sha256},
        "summary": found,
        "rows": [
            exchange_row(number, one, picture)
            for number, (one, picture) in enumerate(zip(exchanges, pictures, strict=True), start=1)
        ],
        "bag": {"file": bag.path.name, "messages": bag.counts},
        "seconds": {
            "until_ready": round(ready_s, 2),
            "until_asked": round(asked_s, 2),
            "in_all": round(time.monotonic() - begin, 2),
        },
        "versions": versions(),
        "cpu_cores": os.cpu_count(),
    }
    (output / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    console.print(exchange_table(exchanges))
    for line in summary_lines(found):
        console.print(line)
    console.print(
        f"{output}/report.json, {len(pictures)} pictures, and demo.mcap for Foxglove "
        f"({sum(bag.counts.values())} messages)"
    )


def _interviewed(
    settings: DemoSettings, tour: RecordedTour | None, interview: Interview, console: Console
) -> list[Exchange]:
    exchanges: list[Exchange] = []
    steps: Iterator[Exchange]
    if tour is None:
        seeds = range(settings.seed, settings.seed + settings.rooms)
        steps, total = interview.tour_rooms(seeds, settings.duration_s), len(ROUND) * settings.rooms
    else:
        steps, total = interview.watch_recording(tour, settings.duration_s), len(tour.prompts)
    columns = (
        TextColumn("asking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total)
        for exchange in steps:
            exchanges.append(exchange)
            progress.update(task, advance=1, description=exchange.prompt.text[:60])
    return exchanges


def _start_camera(settings: DemoSettings, tour: RecordedTour | None) -> NodeProcess:
    if tour is None:
        width, height = CAMERA_SIZE
        return _start(
            "sim_camera",
            settings.output,
            {
                "room.seed": settings.seed,
                "camera.width": width,
                "camera.height": height,
                "camera.rate_hz": CAMERA_RATE_HZ,
            },
        )
    return _start(
        "replay",
        settings.output,
        {
            "replay.path": str(settings.recording.resolve()),
            "replay.loop": True,
            "replay.stepped": True,
        },
    )


def _start_perception(settings: DemoSettings, bundle: Bundle) -> NodeProcess:
    # What the cameras of this package publish, for bundles that read it; for others it is not named.
    extra = {"depth": {"depth.topic": "depth"}, "world_from_camera": {"fixed_frame": "map"}}
    return _start(
        "perception",
        settings.output,
        {
            "model.bundle": str(bundle.folder),
            "query.freshness_s": 0.0,  # always the newest frame that is there
            # Answers may be slow on a busy machine; changing the room keeps the camera dark for a moment.
            "query.timeout_s": 30.0,
            "query.max_frame_age_s": 30.0,
            **{key: value for name in bundle.manifest.extra_inputs for key, value in extra[name].items()},
        },
    )


def _start(name: str, output: Path, parameters: dict[str, Any]) -> NodeProcess:
    file = f"config/{name}.yaml"
    try:
        params_file = Path(get_package_share_directory("ide3d_ros")) / file
    except PackageNotFoundError as error:
        raise DemoError(
            f"ide3d_ros is not installed ({error}); source its workspace, or run make demo"
        ) from error
    return NodeProcess(name, params_file=params_file, parameters=parameters, log=output / f"{name}.log")


def _prepare_output(output: Path) -> None:
    """Make the folder, and remove the pictures of an earlier demo, which its report lists."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"--output {output} cannot be made: {error.strerror}") from error
    report = output / "report.json"
    if report.exists():
        try:
            rows = json.loads(report.read_text(encoding="utf-8"))["rows"]
            for name in {Path(row["picture"]).name for row in rows}:
                (output / name).unlink(missing_ok=True)
        except (ValueError, KeyError, TypeError, OSError):
            pass  # not a report of ours: nothing in the folder is ours to remove
        report.unlink()


def _write_pictures(exchanges: Sequence[Exchange], output: Path) -> list[str]:
    names, drawn = [], []
    for number, exchange in enumerate(exchanges, start=1):
        picture = draw(exchange)
        drawn.append(picture)
        names.append(f"{number:03d}-{exchange.prompt.service}.png")
        write_png(picture, output / names[-1])
    write_sheet([drawn[i] for i in _spread(exchanges)], output / "overview.jpg")
    return names


def _spread(exchanges: Sequence[Exchange]) -> list[int]:
    """Choose a few located expressions for the overview, from as many rooms as there are, right or wrong."""
    seen: Counter[int] = Counter()
    turns = []
    for place, one in enumerate(exchanges):
        if one.prompt.service == "locate" and one.truth.boxes and one.detections:
            turns.append((seen[one.group], place))
            seen[one.group] += 1
    return [place for _, place in sorted(turns)[:_OVERVIEW]] or list(range(min(_OVERVIEW, len(exchanges))))


def _source(settings: DemoSettings) -> dict[str, Any]:
    if settings.recording is not None:
        return {"recording": settings.recording.name, "duration_s": settings.duration_s}
    return {"rooms": settings.rooms, "seed": settings.seed, "duration_s": settings.duration_s}
