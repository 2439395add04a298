# SPDX-License-Identifier: Apache-2.0
"""`ide3d build-engine`: build, list and prune the plans of the engine tensorrt."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ide3d_ros.bundle import Bundle, open_bundle
from ide3d_ros.cli.build_preflight import (
    PreflightError,
    check_room,
    choose_capabilities,
    find_workshop,
    measure_room,
    need_of,
)
from ide3d_ros.cli.build_process import build_apart, build_graph
from ide3d_ros.engine.cuda_device import Gpu
from ide3d_ros.engine.errors import AbsentEngineError
from ide3d_ros.engine.plan_key import key_of
from ide3d_ros.engine.plan_store import PlanRecord, PlanStore, StoredPlan
from ide3d_ros.engine.tensorrt_library import TensorRt

_MIB = 1 << 20


@dataclass(frozen=True)
class PlanSettings:
    """Say what to do.

    Attributes:
        bundle: name of an embedded bundle, or path of a bundle folder.
        force: build also what is there and fits.
        compute_capabilities: of the GPUs to build for, with TensorRT-RTX; none for 8.0 and later.
        plans: folder of the plans; None takes the usual one.
        json: file for the outcome; None writes none.
    """

    bundle: str = "nano"
    force: bool = False
    compute_capabilities: tuple[str, ...] = ()
    plans: Path | None = None
    json: Path | None = None


def build_plans(settings: PlanSettings, console: Console) -> None:
    """Build the plans of a bundle that are not there yet, and say how long each took.

    Raises:
        BundleError: if the bundle cannot be used.
        PreflightError: if there is no room for the build.
        EngineError: if there is no TensorRT, or it builds no plan.
    """
    bundle, store = open_bundle(settings.bundle), PlanStore(settings.plans)
    workshop = find_workshop()
    capabilities = choose_capabilities(workshop, settings.compute_capabilities)
    gpu = None if workshop.device is None else workshop.device.gpu
    keys = {
        graph: key_of(bundle.manifest, graph, workshop.library, gpu, capabilities)
        for graph in bundle.manifest.graphs.by_name()
    }
    console.print(f"{workshop.library}, for {next(iter(keys.values())).target}, into {store.folder}")
    if gpu is None:
        console.print(f"{workshop.no_device}; none is needed to build")
    found = {graph: store.holds(bundle.name, key) for graph, key in keys.items()}
    done = {graph: plan for graph, plan in found.items() if plan is not None and not settings.force}
    if len(done) < len(keys):
        check_room(bundle.name, need_of(bundle), measure_room(workshop, store.folder), store.folder)
    states = {graph: "kept" for graph in done}
    with _progress(console) as progress:
        for graph, key in keys.items():
            if graph in done:
                continue
            started, begin = datetime.now(UTC), time.perf_counter()
            data = _build(progress, bundle, graph, capabilities)
            plan = store.write(
                bundle.name,
                key,
                data,
                built=started.isoformat(timespec="seconds"),
                build_s=time.perf_counter() - begin,
            )
            store.read(plan, bundle)  # a full or failing disk shows here, not on the robot's next start
            if not console.is_terminal:
                console.print(f"{graph}: {len(data) / _MIB:.1f} MiB in {plan.record.build_s:.1f} s")
            done[graph], states[graph] = plan, "built"
    ordered = [done[graph] for graph in keys]
    built = sum(state == "built" for state in states.values())
    console.print(
        f"bundle '{bundle.name}' is ready for the engine tensorrt: {built} plans built, "
        f"{len(keys) - built} kept as they were"
    )
    _write(
        settings.json,
        {
            **_surroundings(store, workshop.library, gpu),
            "bundle": bundle.name,
            "plans": [{"state": states[plan.record.key.graph], **_as_json(plan)} for plan in ordered],
        },
    )


def list_plans(settings: PlanSettings, console: Console) -> None:
    """Show the plans that are there, and which of them are of use here.

    Raises:
        BundleError: if the bundle cannot be used.
        EngineError: if the folder cannot be read.
    """
    bundle, store = open_bundle(settings.bundle), PlanStore(settings.plans)
    library, gpu = _present()
    plans = store.plans()
    useless = [_why_useless(plan.record, bundle, library, gpu) for plan in plans]
    if plans:
        console.print(_table(plans, useless))
    console.print(f"{len(plans)} plans in {store.folder}, {useless.count('')} of use here")
    _write(
        settings.json,
        {
            **_surroundings(store, library, gpu),
            "plans": [{"useless": why, **_as_json(plan)} for plan, why in zip(plans, useless, strict=True)],
        },
    )


def prune_plans(settings: PlanSettings, console: Console) -> None:
    """Remove the plans that are of no use here, and what interrupted builds have left.

    Plans of other bundles stay, if this library and this GPU can run them.

    Raises:
        BundleError: if the bundle cannot be used.
        EngineError: if the folder cannot be written.
    """
    bundle, store = open_bundle(settings.bundle), PlanStore(settings.plans)
    library, gpu = _present()
    removed = store.prune(lambda record: _why_useless(record, bundle, library, gpu))
    for one in removed:
        console.print(f"removed {one.file.name}: {one.why}")
    freed = sum(one.bytes for one in removed) / _MIB
    console.print(f"{len(removed)} files removed from {store.folder}, {freed:.1f} MiB freed")
    _write(
        settings.json,
        {
            **_surroundings(store, library, gpu),
            "removed": [{"file": one.file.name, "bytes": one.bytes, "why": one.why} for one in removed],
        },
    )


def _build(progress: Progress, bundle: Bundle, graph: str, capabilities: Sequence[str]) -> bytes:
    """Build a graph's plan and show how far it is."""
    task = progress.add_task(graph, total=None, phase="")

    def watch(phase: str, done: int, of: int) -> None:
        progress.update(task, phase=phase, completed=done, total=of or None)

    data = build_apart(build_graph, (str(bundle.folder), graph, tuple(capabilities)), graph, watch)
    progress.update(task, phase=f"{len(data) / _MIB:.1f} MiB", completed=1, total=1)
    progress.stop_task(task)
    return data


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        BarColumn(),
        TextColumn("{task.fields[phase]}"),
        console=console,
        disable=not console.is_terminal,
    )


def _present() -> tuple[TensorRt | None, Gpu | None]:
    """Return the library and GPU of this machine, as far as there are any."""
    try:
        workshop = find_workshop()
    except AbsentEngineError:
        return None, None
    return workshop.library, None if workshop.device is None else workshop.device.gpu


def _why_useless(record: PlanRecord, bundle: Bundle, library: TensorRt | None, gpu: Gpu | None) -> str:
    """Say why a plan is of no use here; what is not known speaks for it."""
    manifest = bundle.manifest if record.bundle == bundle.name else None
    return "; ".join(record.key.differences(manifest, library, gpu))


def _table(plans: Sequence[StoredPlan], useless: Sequence[str]) -> Table:
    table = Table(pad_edge=False)
    for column in ("bundle", "graph", "built by", "for", "serves", "MiB", "build s", "built", "of use here"):
        table.add_column(column, overflow="fold", justify="right" if column in ("MiB", "build s") else "left")
    for plan, why in zip(plans, useless, strict=True):
        record, key = plan.record, plan.record.key
        table.add_row(
            record.bundle,
            key.graph,
            f"{key.library} {key.version}",
            key.target,
            key.profile,
            f"{record.bytes / _MIB:.1f}",
            f"{record.build_s:.1f}",
            record.built[:16].replace("T", " "),
            f"no: {why}" if why else "yes",
        )
    return table


def _surroundings(store: PlanStore, library: TensorRt | None, gpu: Gpu | None) -> dict[str, Any]:
    return {
        "folder": str(store.folder),
        "library": None if library is None else f"{library.name} {library.version}",
        "gpu": None if gpu is None else str(gpu),
    }


def _as_json(plan: StoredPlan) -> dict[str, Any]:
    return {"sidecar": plan.sidecar.name, **plan.record.model_dump(mode="json", exclude={"schema_version"})}


def _write(path: Path | None, report: dict[str, Any]) -> None:
    if path is None:
        return
    try:
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise PreflightError(f"--json {path} cannot be written: {error.strerror}") from error
