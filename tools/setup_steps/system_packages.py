# SPDX-License-Identifier: Apache-2.0
"""What pip cannot install: a compiler, Python's own parts and the libraries that draw without a display."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Collection, List, Sequence

from .failure import SetupError
from .interpreter import Interpreter


@dataclass(frozen=True)
class Missing:
    """A part that the machine lacks."""

    what: str
    apt_packages: Sequence[str]


def check_platform() -> None:
    """Stop on a machine for which there are no ROS wheels.

    Raises:
        SetupError: if this is not Linux on x86-64.
    """
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        raise SetupError(
            "the ROS wheels exist for Linux on x86-64;"
            f" this is {platform.system()} on {platform.machine()}.\n"
            "  Install ROS 2 Jazzy and build with: colcon build --base-paths . ide3d_msgs"
        )


def find_missing(interpreter: Interpreter, groups: Collection[str]) -> List[Missing]:
    """Look for the machine's parts that the groups need.

    Args:
        interpreter: the Python of the environment.
        groups: requirement groups that are to be installed.

    Returns:
        What is missing, each with the Debian or Ubuntu packages that bring it.
    """
    missing = []
    if not interpreter.has_ensurepip:
        missing.append(Missing("Python's venv module", [f"python{interpreter.minor}-venv"]))
    if "ros" in groups:
        if shutil.which("c++") is None or shutil.which("cc") is None:
            missing.append(Missing("a C and C++ compiler", ["g++"]))
        if not interpreter.headers.is_file():
            missing.append(Missing("Python's C headers", [f"python{interpreter.minor}-dev"]))
    if "simulation" in groups:
        if not _loads("libEGL.so.1"):
            missing.append(Missing("libEGL.so.1 (drawing without a display)", ["libegl1", "libgl1-mesa-dri"]))
        if not _loads("libGL.so.1"):
            missing.append(Missing("libGL.so.1 (drawing)", ["libgl1", "libgl1-mesa-dri"]))
    return missing


def provide(missing: Sequence[Missing]) -> None:
    """Install missing parts with apt-get where the user may, and name them otherwise.

    Args:
        missing: what `find_missing` returned; nothing happens when it is empty.

    Raises:
        SetupError: if they cannot be installed; gives the command that installs them.
    """
    if not missing:
        return
    packages = list(dict.fromkeys(name for part in missing for name in part.apt_packages))
    names = ", ".join(part.what for part in missing)
    command = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise SetupError(f"missing on this machine: {names}.\n  On Debian or Ubuntu: sudo {command}")
    if os.geteuid() != 0:
        raise SetupError(f"missing on this machine: {names}.\n  Install with: sudo {command}")
    print(f"  missing on this machine: {names}; running {command}", flush=True)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    # The update may fail for one broken source while the packages are still to be had, so only the install
    # decides.
    subprocess.run(["apt-get", "update", "-qq"], env=environment)
    if subprocess.run(command.split(), env=environment, stdout=subprocess.DEVNULL).returncode != 0:
        raise SetupError(f"missing on this machine: {names}, and this failed: {command}")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
