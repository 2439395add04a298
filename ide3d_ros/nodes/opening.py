# SPDX-License-Identifier: Apache-2.0
"""Open what a perception node runs: check bundle and memory, load one engine, give each camera a scene.

Nothing is built here: an engine that is not there yet is refused, so that this takes seconds at most.
Knows nothing of ROS.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from ide3d_ros.bundle import open_bundle
from ide3d_ros.engine import CacheBudget, Selection, select_engine
from ide3d_ros.scene.scene import Scene

_MIB = 1 << 20
_SOURCES = {
    "depth": "depth.topic to a topic with depth in the pixels of the image",
    "world_from_camera": "fixed_frame to a frame of TF that stands still, such as odom",
}


class MemoryShortage(ValueError):
    """This machine has less free memory than a bundle needs."""


class MissingInputs(ValueError):
    """A bundle reads what the node's parameters do not say where to take from."""


def open_scenes(
    bundle: str,
    cameras: Sequence[str],
    *,
    engine: str,
    window: int,
    threads: int | None,
    cache_mb: float | None = None,
    on_selected: Callable[[Selection], None] = lambda _: None,
    given_inputs: Collection[str] = (),
) -> dict[str, Scene]:
    """Open a bundle for several cameras; they share one engine and keep windows of their own.

    Args:
        bundle: name of an embedded bundle, or path of a bundle folder.
        cameras: their names.
        engine: "auto" or the name of an engine.
        window: newest frames of a camera that a request is answered from.
        threads: CPU threads of the engine; None takes all cores.
        cache_mb: memory that the frames of all cameras may take together, MiB; None sets no limit.
        on_selected: is told which engine runs, and why.
        given_inputs: what is given of every frame besides image and camera_info, as in a manifest's
            `extra_inputs`.

    Raises:
        BundleError: if the bundle is unknown, damaged or of another schema.
        MissingInputs: if it reads more of a frame than is given.
        MemoryShortage: if it would not fit into memory.
        EngineError: if the engine cannot run here.
        ValueError: if the bundle does not allow such a window.
    """
    opened = open_bundle(bundle)
    if missing := [name for name in opened.manifest.extra_inputs if name not in given_inputs]:
        raise MissingInputs(
            f"bundle '{opened.name}' reads {' and '.join(missing)} of every frame besides image and "
            f"camera_info; set {' and '.join(_SOURCES[name] for name in missing)}, or take a bundle that "
            "reads images alone (model.bundle)"
        )
    check_memory(opened.name, opened.manifest.memory_mb, free_memory_mb())
    selection = select_engine(opened, engine, threads=threads)
    on_selected(selection)
    budget = None if cache_mb is None else CacheBudget(cache_mb)
    return {camera: Scene(opened, selection.engine, window=window, budget=budget) for camera in cameras}


def check_memory(bundle: str, needed_mb: float, free_mb: float | None) -> None:
    """Refuse a bundle that does not fit, before the machine swaps, hangs or kills the node.

    Args:
        bundle: its name.
        needed_mb: what its manifest states, MiB.
        free_mb: what is free, MiB; None when that is not known.

    Raises:
        MemoryShortage: if less is free than needed.
    """
    if free_mb is not None and free_mb < needed_mb:
        raise MemoryShortage(
            f"bundle '{bundle}' needs {needed_mb:.0f} MiB of memory and {free_mb:.0f} MiB are free; "
            "end other programs or take a smaller bundle (model.bundle)"
        )


def free_memory_mb(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return the memory that this process can still take, MiB; None where the system does not say.

    Args:
        proc: the process file system.
        cgroup: the control group (version 2) of this process, which limits a container.
    """
    meminfo = _fields(proc / "meminfo")
    free = [meminfo["MemAvailable:"] * 1024] if "MemAvailable:" in meminfo else []
    limit, used = _number(cgroup / "memory.max"), _number(cgroup / "memory.current")
    if limit is not None and used is not None:
        # The kernel gives file pages back before it refuses memory.
        free.append(limit - used + _fields(cgroup / "memory.stat").get("inactive_file", 0))
    return min(free) / _MIB if free else None


def _fields(file: Path) -> Mapping[str, int]:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines]
    return {line[0]: int(line[1]) for line in words if len(line) > 1 and line[1].isdigit()}


def _number(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None  # "max" is no limit
