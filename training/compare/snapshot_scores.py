# SPDX-License-Identifier: Apache-2.0
"""Probe and score the snapshots of training runs: does what tokens know of space go with what a network can?

3DRS (arXiv 2506.01946) argues that it does, from the agreement of the views of one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ide3d_ros.bundle.sealing import TOKENIZER_FILE
from ide3d_ros.network import Ide3dNetwork
from ide3d_training.checkpoint import snapshots
from ide3d_training.compare.measuring import kept
from ide3d_training.compare.scoring import score_rooms
from ide3d_training.evaluate.probe_frames import ProbeError, ProbeFrame
from ide3d_training.evaluate.probes import level_names, probe_network
from ide3d_training.evaluate.responders import SceneResponder
from ide3d_training.evaluate.run_scene import network_scene
from ide3d_training.export.cli import averaged_network
from ide3d_training.metrics.correlation import correlations

SCORES = ("acc@0.25", "f1@0.25", "em")
PROBES = ("views", "depth")
"""`views`: agreement of two views of one place above chance; `depth`: delta of the linear depth probe."""


@dataclass(frozen=True)
class Snapshot:
    """Averaged weights of one step of a run.

    Attributes:
        run: directory of the run.
        preset: of its configuration.
        step: after which they were kept.
        file: where they lie.
    """

    run: Path
    preset: str
    step: int
    file: Path

    def network(self) -> Ide3dNetwork:
        """Load the network, in evaluation mode."""
        return averaged_network(_load(self.file))


@dataclass(frozen=True)
class Rooms:
    """What snapshots are measured on.

    Attributes:
        fitted, measured: frames that depth probes are fitted to, and frames of other rooms to measure on.
        probed_on: what those rooms are, in a word that can be part of a file's name.
        split: where scores are taken.
        scored: rooms of it.
        seed: of the first of these.
    """

    fitted: Sequence[ProbeFrame]
    measured: Sequence[ProbeFrame]
    probed_on: str
    split: str
    scored: int
    seed: int


def find_snapshots(runs: Sequence[Path]) -> list[Snapshot]:
    """Find the snapshots of runs, oldest first.

    Raises:
        ProbeError: if a run kept none.
    """
    found = []
    for run in runs:
        files = snapshots(run)
        if not files:
            raise ProbeError(
                f"{run} kept no snapshots: train it with keep_every, such as --set keep_every=200"
            )
        for file in files:
            state = _load(file)
            found.append(Snapshot(run, state["train_config"]["preset"], state["step"], file))
    return found


def frame_size(found: Sequence[Snapshot]) -> tuple[int, int]:
    """Return the width and height that all snapshots read.

    Raises:
        ProbeError: if they differ.
    """
    sizes = {(c["width"], c["height"]) for c in (_load(one.file)["network_config"] for one in found)}
    if len(sizes) > 1:
        raise ProbeError(f"the runs read frames of different sizes, {sorted(sizes)}: measure them one by one")
    return sizes.pop()


def measure(snapshot: Snapshot, rooms: Rooms) -> dict[str, Any]:
    """Probe and score one snapshot; what was measured on the same rooms before is read from beside it.

    Returns:
        JSON-ready: `run`, `preset`, `step`, `scores` (percent) and by level the two `probes` (percent).
    """

    def measured() -> dict[str, Any]:
        network = snapshot.network()
        size = network.config.width, network.config.height
        scene = network_scene(network, snapshot.step, snapshot.run / TOKENIZER_FILE)
        scored = score_rooms(SceneResponder(scene), rooms.scored, rooms.seed, size, lambda: None)["figures"]
        levels, _ = probe_network(network, rooms.fitted, rooms.measured)
        return {
            "scores": {name: scored[name] for name in SCORES},
            "probes": {
                name: {"views": said["views"]["above_chance"], "depth": said["depth"]["delta"]}
                for name, said in levels.items()
            },
        }

    what = f"{rooms.probed_on}-{rooms.split}-{rooms.seed}-{rooms.scored}"
    found = kept(snapshot.file.with_name(f"{snapshot.file.stem}-{what}.json"), measured)
    return {"run": snapshot.run.name, "preset": snapshot.preset, "step": snapshot.step, **found}


def correlate(points: Sequence[dict[str, Any]], level: str) -> dict[str, Any]:
    """Correlate the probes of one level with every score, over all snapshots.

    Args:
        points: from `measure`.
        level: of the probes.

    Returns:
        JSON-ready: by probe and score `correlations`, given the step; over those snapshots that have both.

    Raises:
        ProbeError: if there are fewer than three snapshots, or a run has no such level.
    """
    if len(points) < 3:
        raise ProbeError(
            f"{len(points)} snapshots do not make a correlation: keep more of them (keep_every) or add runs"
        )
    for point in points:
        if level not in point["probes"]:
            raise ProbeError(f"no level {level!r} in every run; levels: {', '.join(point['probes'])}")
    found: dict[str, Any] = {}
    for probe in PROBES:
        found[probe] = {}
        for score in SCORES:
            both = [
                (point["probes"][level][probe], point["scores"][score], point["step"]) for point in points
            ]
            usable = [one for one in both if None not in one]
            if len(usable) > 2:
                found[probe][score] = correlations(*zip(*usable, strict=True))
    return found


def check_level(found: Sequence[Snapshot], level: str) -> None:
    """Refuse a level that some snapshot lacks, before anything is measured.

    Raises:
        ProbeError: naming those that there are.
    """
    for one in found:
        names = level_names(one.network().config)
        if level not in names:
            raise ProbeError(f"no level {level!r} in {one.run}; levels: {', '.join(names)}")


def _load(file: Path) -> dict[str, Any]:
    return torch.load(file, map_location="cpu", weights_only=True, mmap=True)
