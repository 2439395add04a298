# SPDX-License-Identifier: Apache-2.0
"""Export, evaluate and probe trained runs; what is measured already is read, not measured again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ide3d_ros.scene import Scene
from ide3d_training.compare.scoring import score_rooms
from ide3d_training.compare.study import Evaluated, PlannedRun, Probed
from ide3d_training.compare.training import read_curve
from ide3d_training.evaluate.probe_frames import ProbeFrame, rendered_rooms
from ide3d_training.evaluate.probed_run import ProbedRun
from ide3d_training.evaluate.probes import depth_floors, probe_network, token_places
from ide3d_training.evaluate.responders import PriorResponder, SceneResponder
from ide3d_training.evaluate.seeds import first_seeds
from ide3d_training.export.bundle_writing import export_bundle
from ide3d_training.export.cli import load_averaged
from ide3d_training.metrics.baselines import Prior
from ide3d_training.provenance import provenance
from ide3d_training.worlds.splits import BY_NAME

BUNDLE_FOLDER = "bundle"
PROBED_SPLIT = "val"
PROBED_FRAMES = 2

OnRoom = Callable[[], None]


def exported(run: PlannedRun) -> Path:
    """Return the folder of a run's bundle, written if need be.

    A folder with a manifest is a whole bundle: the manifest is written last.
    """
    folder = run.directory / BUNDLE_FOLDER
    if not (folder / "manifest.json").exists():
        network, state = load_averaged(run.directory)
        tokenizer = run.directory / "tokenizer.json"
        export_bundle(network, tokenizer, folder, name=run.name, training=provenance(state))
    return folder


def sizes(run: PlannedRun) -> dict[str, Any]:
    """Count what a run consists of.

    Returns:
        JSON-ready: `parameters` (exported), `training_only` parameters, `bundle_mb`, `memory_mb` that the
        bundle states, `steps`, `seconds_a_step`.
    """
    network, state = load_averaged(run.directory)
    folder = run.directory / BUNDLE_FOLDER
    manifest = json.loads((folder / "manifest.json").read_text())
    curve = read_curve(run.directory)
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "training_only": sum(p.numel() for part in state["training_only"].values() for p in part.values()),
        "bundle_mb": sum(file.stat().st_size for file in folder.iterdir()) / 1e6,
        "memory_mb": manifest["memory_mb"],
        "steps": state["step"],
        "skipped": state["skipped"],
        "seconds_a_step": 60 * float(curve[-1]["minutes"]) / max(1, int(curve[-1]["step"]))
        if curve
        else None,
    }


def evaluated(run: PlannedRun, asked: Evaluated, split: str, threads: int, on_room: OnRoom) -> dict[str, Any]:
    """Score a run's bundle on one split (`scoring.score_rooms`)."""

    def measure() -> dict[str, Any]:
        scene = Scene.open(exported(run), threads=threads)
        network = scene.bundle.manifest.network
        size = network.width, network.height
        return score_rooms(SceneResponder(scene), asked.rooms, _first(split, asked.rooms), size, on_room)

    return kept(run.directory / f"evaluation-{split}-{asked.rooms}.json", measure)


def evaluated_prior(output: Path, asked: Evaluated, split: str, size: tuple[int, int]) -> dict[str, Any]:
    """Score the guess that never looks on the same rooms."""

    def measure() -> dict[str, Any]:
        responder = PriorResponder(Prior.load())
        return score_rooms(responder, asked.rooms, _first(split, asked.rooms), size, lambda: None)

    return kept(output / f"prior-{split}-{asked.rooms}.json", measure)


class Probing:
    """Probe runs on the same rooms, which are rendered once and only if a run is still to be probed.

    Args:
        asked: how many rooms.
        size: width and height of the frames, pixels.
    """

    def __init__(self, asked: Probed, size: tuple[int, int]):
        self._asked, self._size = asked, size
        self._rendered: tuple[Sequence[ProbeFrame], Sequence[ProbeFrame]] | None = None

    def probed(self, run: PlannedRun) -> dict[str, Any]:
        """Return figures of `probes.probe_network`: `levels`, the same `untrained`, and the `floors`."""

        def measure() -> dict[str, Any]:
            fitted, measured = self._rooms()
            opened = ProbedRun.open(run.directory)
            config = opened.network.config
            return {
                "levels": probe_network(opened.network, fitted, measured)[0],
                "untrained": probe_network(opened.untrained(), fitted, measured)[0],
                "floors": depth_floors(token_places(fitted, config), token_places(measured, config)),
            }

        return kept(run.directory / f"probe-{self._asked.rooms}-{self._asked.held_out}.json", measure)

    def _rooms(self) -> tuple[Sequence[ProbeFrame], Sequence[ProbeFrame]]:
        if self._rendered is None:
            first, rooms = BY_NAME[PROBED_SPLIT].first, self._asked.rooms
            self._rendered = (
                rendered_rooms(rooms, first, PROBED_FRAMES, self._size),
                rendered_rooms(self._asked.held_out, first + rooms, PROBED_FRAMES, self._size),
            )
        return self._rendered


def kept(path: Path, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a file's JSON, or measure it and write the file whole or not at all."""
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    found = measure()
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(found) + "\n", encoding="utf-8")
    os.replace(part, path)
    return json.loads(path.read_text(encoding="utf-8"))


def _first(split: str, rooms: int) -> int:
    return first_seeds(split, None, rooms)[split]
