# SPDX-License-Identifier: Apache-2.0
"""Before plans are built: is there what builds them, and room for it. A build can take an hour."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ide3d_ros.bundle import Bundle
from ide3d_ros.engine.cuda_device import CudaDevice, Device
from ide3d_ros.engine.errors import AbsentEngineError
from ide3d_ros.engine.plan_key import PORTABLE_FROM
from ide3d_ros.engine.tensorrt_building import known_capabilities
from ide3d_ros.engine.tensorrt_library import TensorRt, load_tensorrt
from ide3d_ros.nodes.opening import free_memory_mb

_MIB = 1 << 20
_LIBRARY_MIB = 200
"""What TensorRT itself takes while it builds."""
_BUILDER_COPIES = 4
"""Copies of the weights that a builder holds, at most; each plan holds one on disk."""


class PreflightError(RuntimeError):
    """Plans cannot be built, or their outcome not be written; the sentence says why and what to do."""


@dataclass(frozen=True)
class Need:
    """State what building a bundle's plans takes, MiB.

    Attributes:
        memory: of the machine.
        gpu_memory: of the GPU, for a library that tries kernels on it.
        disk: where the plans go.
    """

    memory: float
    gpu_memory: float
    disk: float


@dataclass(frozen=True)
class Room:
    """State what is free, MiB; None where that is not known."""

    memory: float | None
    gpu_memory: float | None
    disk: float | None


@dataclass(frozen=True, eq=False)
class Workshop:
    """Hold what builds plans here.

    Attributes:
        library: TensorRT.
        device: the GPU; None where there is none, or it cannot be used.
        no_device: why there is none.
    """

    library: TensorRt
    device: Device | None
    no_device: str = ""


def find_workshop() -> Workshop:
    """Look for TensorRT and a GPU.

    Raises:
        MissingRuntimeError: if there is no TensorRT.
        NoGpuError: if there is no GPU, and this TensorRT builds for the one of its machine alone.
    """
    library = load_tensorrt()
    try:
        return Workshop(library, CudaDevice())
    except AbsentEngineError as error:
        if not library.is_portable:
            raise
        return Workshop(library, None, error.cause)


def choose_capabilities(workshop: Workshop, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the compute capabilities to build for; none is the library's own choice.

    Args:
        workshop: what builds.
        asked: what the person asks for, such as "8.9".

    Raises:
        PreflightError: if the library does not build for one of them.
    """
    known = known_capabilities(workshop.library)
    if asked and not known:
        raise PreflightError(
            f"{workshop.library} builds for the GPU of this machine alone; --compute-capability is for "
            "TensorRT-RTX: leave it out, or build on a machine with such a GPU"
        )
    if unknown := [number for number in asked if number not in known]:
        raise PreflightError(
            f"{workshop.library} does not build for --compute-capability {unknown[0]}; "
            f"it knows {', '.join(known)}"
        )
    if asked or not known or workshop.device is None:
        return asked
    own = "{}.{}".format(*workshop.device.gpu.compute_capability)
    # What the library chooses by itself leaves out the oldest GPUs that it can build for.
    is_older = workshop.device.gpu.compute_capability < tuple(map(int, PORTABLE_FROM.split(".")))
    return (own,) if is_older and own in known else ()


def need_of(bundle: Bundle) -> Need:
    """Estimate what building takes from the size of the weights and what the manifest states."""
    manifest = bundle.manifest
    weights = manifest.weights.bytes / _MIB
    graphs = [one.bytes / _MIB for one in manifest.graphs.by_name().values()]
    return Need(
        memory=manifest.memory_mb + _LIBRARY_MIB + _BUILDER_COPIES * weights,
        gpu_memory=manifest.memory_mb,
        disk=len(graphs) * weights + sum(graphs),
    )


def measure_room(workshop: Workshop, folder: Path) -> Room:
    """Measure what is free on this machine, its GPU and the disk of a folder."""
    existing = next((one for one in (folder, *folder.absolute().parents) if one.is_dir()), None)
    return Room(
        memory=free_memory_mb(),
        gpu_memory=None if workshop.device is None else workshop.device.free_bytes() / _MIB,
        disk=None if existing is None else shutil.disk_usage(existing).free / _MIB,
    )


def check_room(bundle: str, need: Need, room: Room, folder: Path) -> None:
    """Refuse to begin what cannot end, before the machine swaps, hangs or kills the build.

    Raises:
        PreflightError: if less is free than needed.
    """
    for what, needed, free, way_out in (
        ("memory", need.memory, room.memory, "end other programs, stop the robot's nodes or add swap"),
        ("GPU memory", need.gpu_memory, room.gpu_memory, "end what else uses the GPU"),
        (
            f"disk for {folder}",
            need.disk,
            room.disk,
            "free some (--prune), or name another folder with --plans",
        ),
    ):
        if free is not None and free < needed:
            raise PreflightError(
                f"building the plans of bundle '{bundle}' needs about {needed:.0f} MiB of {what} and "
                f"{free:.0f} MiB are free; {way_out}"
            )
