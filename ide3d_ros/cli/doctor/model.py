# SPDX-License-Identifier: Apache-2.0
"""Is the bundle whole, and does something here run it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ide3d_ros.bundle import Bundle, BundleError, open_bundle
from ide3d_ros.cli.doctor.findings import Finding, fail, ok, skip, warn
from ide3d_ros.engine import EngineError
from ide3d_ros.engine.errors import AbsentEngineError, MissingRuntimeError, PlanError
from ide3d_ros.engine.plan_store import build_command
from ide3d_ros.engine.selection import why_not
from ide3d_ros.engine.tensorrt_library import INSTALL, load_tensorrt
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene import Scene
from ide3d_ros.scene.status import Status

GPU_FILES = ("/dev/nvidia0", "/dev/nvhost-gpu", "/dev/nvgpu/igpu0/ctrl")
"""What shows that there is an NVIDIA GPU: on a workstation, and on two generations of Jetson."""


def check_bundle(name_or_path: str) -> tuple[Finding, Bundle | None]:
    """Open a bundle, which compares every file of it with the hash in its manifest.

    Returns:
        The finding, and the bundle where it is whole.
    """
    try:
        bundle = open_bundle(name_or_path)
    except BundleError as error:
        fix = "install the package again, copy the bundle again, or name another one with --bundle"
        return fail("bundle", str(error), fix), None
    files = bundle.manifest.files()
    size = sum(one.bytes for one in files) / 2**20
    return ok("bundle", f"{bundle.name}: {len(files)} files, {size:.0f} MiB, all as sealed"), bundle


def check_engine(bundle: Bundle | None, *, open_scene: Callable[[Path], Scene] = Scene.open) -> Finding:
    """Start an engine and let it look for something in a grey frame.

    Args:
        bundle: a whole bundle; None where there is none.
        open_scene: opens a scene for a bundle folder.
    """
    if bundle is None:
        return skip("engine", "there is no whole bundle to run")
    sizes = bundle.manifest.network
    camera = Camera.from_fov(sizes.width, sizes.height, 1.0)
    begin = time.perf_counter()
    try:
        scene = open_scene(bundle.folder)
        started = time.perf_counter()
        grey = np.full((sizes.height, sizes.width, 3), 128, np.uint8)
        extra = {"depth": np.full(grey.shape[:2], 2.0), "world_from_camera": np.eye(4)}
        scene.add_frame(grey, camera, stamp_ns=1, frame_id="doctor", **extra)
        location = scene.locate(bundle.manifest.categories[0].name)
    except Exception as error:  # whatever a runtime raises is what the person must read
        return fail(
            "engine",
            f"{bundle.name} does not run: {type(error).__name__}: {error}",
            "pip install -r requirements/robot.txt",
        )
    if location.status not in (Status.OK, Status.NO_TARGET):
        return fail(
            "engine",
            f"{bundle.name} does not run: {location.status.name}: {location.message}",
            "pip install -r requirements/robot.txt",
        )
    spent = [1e3 * (started - begin), 1e3 * (time.perf_counter() - started)]
    return ok(
        "engine",
        f"{scene.engine}: started in {spent[0]:.0f} ms, first frame and expression {spent[1]:.0f} ms",
    )


def check_engines(
    bundle: Bundle | None, *, start_all: Callable[[Bundle], dict[str, EngineError | None]] = why_not
) -> Finding:
    """Start each kind of engine and say what keeps the others from running the bundle.

    Args:
        bundle: a whole bundle; None where there is none.
        start_all: starts each engine and returns its error, or None where it runs.
    """
    if bundle is None:
        return skip("engines", "there is no whole bundle to run")
    errors = start_all(bundle)
    told = {name: "runs" if error is None else _cause(error) for name, error in errors.items()}
    text = "; ".join(f"{name}: {cause}" for name, cause in told.items())
    broken = [error for error in errors.values() if error and not isinstance(error, AbsentEngineError)]
    if not broken:
        return ok("engines", text)
    needs_plans = isinstance(broken[0], PlanError)
    return warn("engines", text, build_command(bundle) if needs_plans else "see what the engine says above")


def check_gpu(
    *,
    gpu_files: Sequence[Path],
    providers: Sequence[str],
    load: Callable[[str], object] = importlib.import_module,
) -> Finding:
    """Look whether a GPU is there, and whether anything here uses it.

    Args:
        gpu_files: device files of GPUs that exist.
        providers: what this onnxruntime can run graphs on.
        load: imports a module by its name.
    """
    try:
        tensorrt = str(load_tensorrt(load))
    except MissingRuntimeError:
        tensorrt = ""
    if not gpu_files:
        return ok("gpu", "no NVIDIA GPU is visible; the CPU runs the bundle")
    cuda = "onnxruntime with CUDA" if "CUDAExecutionProvider" in providers else ""
    if cuda or tensorrt:
        return ok("gpu", "; ".join(filter(None, (cuda, tensorrt))))
    return warn(
        "gpu",
        f"{gpu_files[0]} is there, but no TensorRT is, and onnxruntime offers "
        f"{', '.join(providers) or 'nothing'}: the CPU runs the bundle",
        f"{INSTALL}; or, for onnxruntime: pip uninstall onnxruntime; pip install onnxruntime-gpu "
        "(on a Jetson: the wheel for its JetPack)",
    )


def visible_gpus() -> list[Path]:
    """List the device files of GPUs."""
    return [path for path in map(Path, GPU_FILES) if path.exists()]


def onnxruntime_providers() -> list[str]:
    """List what the installed onnxruntime can run graphs on; nothing where it is not installed."""
    try:
        import onnxruntime

        return list(onnxruntime.get_available_providers())
    except ImportError:
        return []


def _cause(error: EngineError) -> str:
    return error.cause if isinstance(error, AbsentEngineError) else str(error)
