# SPDX-License-Identifier: Apache-2.0
"""Say on what machine and with what versions something was measured."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from ide3d_ros.cli.installed import installed_versions
from ide3d_ros.engine.cores import usable_cores

_PACKAGES = (
    "ide3d_ros",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "opencv-python-headless",
    "tensorrt",
    "tensorrt-rtx",
    "torch",
    "transformers",
    "ros-rclpy",
)
_MIB = 1 << 20


def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores, memory, system and how busy it is already."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "cores_usable": usable_cores(),
        "memory_mb": _total_memory_mb(),
        "system": platform.platform(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide speed, where they are installed."""
    return installed_versions(_PACKAGES)


def peak_memory_mb(pid: int | str = "self") -> float | None:
    """Return the most memory that a process has held so far, MiB; None where the system does not say.

    Args:
        pid: of a running process.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    peak = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
    return None if peak is None else round(int(peak) / 1024, 1)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    # ARM kernels name no model there; what platform knows is better than nothing.
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


def _total_memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB
