# SPDX-License-Identifier: Apache-2.0
"""Put everything that was measured of a study into one report, ready for JSON and for the table."""

from __future__ import annotations

import json
import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ide3d_training.compare.latency import median_ratio
from ide3d_training.compare.pooling import gain, pooled
from ide3d_training.compare.study import PLACES, PlannedRun, Study, dotted
from ide3d_training.worlds.shards import SETTINGS_FILE

Measured = Mapping[str, Mapping[str, Any]]
"""By the name of a run: `sizes`, `evaluation` by split, `probe` (None where nothing was probed)."""
SCALARS = {
    "log_depth_error": ("log_depth_error",),
    "right_pixel": ("diagnostics", "right_pixel"),
    "true_pixel_acc@0.25": ("diagnostics", "true_pixel_acc@0.25"),
    "true_depth_acc@0.25": ("diagnostics", "true_depth_acc@0.25"),
    "ap3d@0.25": ("detection", "ap3d@0.25"),
    "cider@0.5IoU": ("captions", "cider"),
}
"""Figures that are no mean over queries: averaged over seeds, without an interval."""


def study_report(
    study: Study,
    runs: Sequence[PlannedRun],
    measured: Measured,
    priors: Mapping[str, Any],
    times: Mapping[str, Mapping[str, list[float]]],
    threads: int,
) -> dict[str, Any]:
    """Sum a study up.

    Args:
        study: what was compared.
        runs: all of its runs.
        measured: of every run.
        priors: by split, what a guess without looking scores.
        times: by arm, `latency.interleaved` of its first bundle.
        threads: CPU threads that were timed.

    Returns:
        JSON-ready.
    """
    by_arm = {arm.name: [run for run in runs if run.arm.name == arm.name] for arm in study.arms}
    reference = study.arms[0].name
    arms = []
    for arm in study.arms:
        own = [measured[run.name] for run in by_arm[arm.name]]
        base = [measured[run.name] for run in by_arm[reference]]
        latency = {}
        for case, milliseconds in times[arm.name].items():
            ratio, quartiles = median_ratio(milliseconds, times[reference][case])
            latency[case] = {
                "median_ms": float(np.median(milliseconds)),
                "ratio": ratio,
                "quartiles": list(quartiles),
            }
        arms.append(
            {
                "name": arm.name,
                "extra_inputs": arm.extra_inputs,
                "published": arm.published,
                "settings": list(dotted(arm.settings)),
                "evaluation": {split: _evaluation(own, split) for split in study.evaluation.splits},
                "gain": {split: _gains(own, base, split) for split in study.evaluation.splits},
                "sizes": own[0]["sizes"]
                | {"seconds_a_step": _mean([m["sizes"]["seconds_a_step"] for m in own])},
                "latency": latency,
                "probe": _probe([m["probe"] for m in own]),
            }
        )
    first = measured[runs[0].name]["probe"]
    settings = runs[0].settings
    return {
        "title": study.title,
        "about": study.about,
        "published": study.published,
        "seeds": list(study.seeds),
        "evaluation": asdict(study.evaluation),
        "probe": asdict(study.probe),
        "training": {
            "steps": settings.optimisation.steps,
            "batch": settings.optimisation.batch,
            "views": settings.data.views,
            "frames": settings.optimisation.steps * settings.optimisation.batch,
        },
        "data": data_settings(Path(settings.data.directory)),
        "arms": arms,
        "prior": {split: prior["figures"] for split, prior in priors.items()},
        "probe_floors": first and first["floors"],
        "threads": threads,
        "machine": machine(),
    }


def commands(
    study: Study, file: Path, runs: Sequence[PlannedRun], options: Sequence[str], overrides: Sequence[str]
) -> dict[str, list[str]]:
    """Return the exact commands, without where things lie on this machine.

    Args:
        study, file, runs: what was run.
        options: words that the study was given, besides its file.
        overrides: "dotted.key=value" that it was given.

    Returns:
        `study`: those that repeat all of it; `arms`: those that train the first run of each arm alone.
    """
    words = ["ide3d-compare", "--study", _nearby(file), *options, *_set(overrides)]
    own = list(dotted(study.settings))
    alone = [
        shlex.join(
            ["ide3d-train", "--config", _nearby(run.config), "--output", f"runs/{file.stem}/{run.name}"]
            + _set(run.overrides, own)
        )
        for run in runs
        if run.seed == study.seeds[0]
    ]
    return {"study": [*study.prepare, shlex.join(words)], "arms": alone}


def data_settings(folder: Path) -> dict[str, Any]:
    """Return what a rendered data set says of itself, without its vocabulary."""
    settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    return {key: value for key, value in settings.items() if not isinstance(value, list)}


def machine() -> dict[str, Any]:
    """Say what was measured on."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    packages = {
        package: version(package).split("+")[0] for package in ("torch", "transformers", "onnxruntime")
    }
    return {"processor": name, "cores": os.cpu_count(), "python": platform.python_version(), **packages}


def _set(overrides: Sequence[str], study: Sequence[str] = ()) -> list[str]:
    """Write overrides as options; places are left out unless the study's file names them."""
    kept = [one for one in overrides if one.partition("=")[0] not in PLACES or one in study]
    return [word for override in kept for word in ("--set", override)]


def _nearby(path: Path) -> str:
    """Name a file relative to the current folder, or by its name alone if it lies elsewhere."""
    relative = os.path.relpath(path)
    return path.name if relative.startswith("..") else relative


def _evaluation(own: Sequence[Mapping[str, Any]], split: str) -> dict[str, Any]:
    scored = [one["evaluation"][split] for one in own]
    figures = {}
    for name in scored[0]["cases"]:
        figure = pooled([one["cases"][name] for one in scored])
        figures[name] = None if figure is None else _percent(asdict(figure))
    scalars = {}
    for name, keys in SCALARS.items():
        values = [_inside(one["figures"], keys) for one in scored]
        scalars[name] = None if None in values else {"mean": _mean(values), "per_seed": values}
    return {"figures": figures, "scalars": scalars, "em_by_kind": _by_kind(scored)}


def _by_kind(scored: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    kinds = scored[0]["figures"]["em_by_kind"]
    return {kind: _mean([one["figures"]["em_by_kind"][kind] for one in scored]) for kind in kinds}


def _gains(own: Sequence, base: Sequence, split: str) -> dict[str, Any]:
    scored, reference = ([one["evaluation"][split]["cases"] for one in arm] for arm in (own, base))
    gains = {name: gain([c[name] for c in scored], [c[name] for c in reference]) for name in scored[0]}
    return {name: None if found is None else _percent(asdict(found)) for name, found in gains.items()}


def _probe(probes: Sequence[Mapping[str, Any] | None]) -> dict[str, Any] | None:
    """Average the probes of the seeds, level by level, trained and untrained."""
    if None in probes:
        return None
    found: dict[str, Any] = {}
    for which in ("levels", "untrained"):
        found[which] = {
            level: {
                name: _mean([_inside(one[which][level], keys) for one in probes])
                for name, keys in {
                    "abs_rel": ("depth", "abs_rel"),
                    "delta": ("depth", "delta"),
                    "agreement": ("views", "agreement"),
                    "chance": ("views", "chance"),
                    "above_chance": ("views", "above_chance"),
                }.items()
            }
            for level in probes[0][which]
        }
    found["per_seed"] = [one["levels"] for one in probes]
    return found


def _percent(figure: dict[str, Any]) -> dict[str, Any]:
    return {
        key: [100 * v for v in value] if isinstance(value, tuple) else 100 * value
        for key, value in figure.items()
    }


def _inside(values: Mapping[str, Any], keys: Sequence[str]) -> Any:
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values if isinstance(values, (int, float)) else None


def _mean(values: Sequence[float | None]) -> float | None:
    return None if None in values or not values else float(np.mean(values))
