# SPDX-License-Identifier: Apache-2.0
"""Builds interface packages (ROS messages, services, actions) against the ROS wheels of an environment.

The packages are the ordinary ament_cmake ones: the same sources build with colcon where ROS is installed.
Here CMake is called directly and installs into the environment itself, which is the one prefix everything
looks in.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import List

from .failure import run_logged
from .stamps import Stamps, content_key
from .standard_interfaces import STANDARD_PACKAGES, write_package
from .virtual_environment import environment_variables, state_folder

WHEEL_INTERFACES = Path(__file__).resolve().parents[1] / "wheel_interfaces.cmake"


def install_interfaces(project: Path, venv: Path, base_key: str) -> List[str]:
    """Build and install every interface package that the environment lacks or has in an older form.

    Args:
        project: root of the source tree; holds `ide3d_msgs`.
        venv: environment with the ROS and the build requirements installed; receives the packages.
        base_key: key of the installed ROS wheels; new wheels mean a new build.

    Returns:
        Names of the packages that were built, in order.

    Raises:
        SetupError: if a package does not configure, compile or install.
    """
    state = state_folder(venv)
    stamps = Stamps(state / "stamps")
    built = []
    with tempfile.TemporaryDirectory(prefix="ide3d-interfaces-") as scratch:
        standard = [write_package(package, Path(scratch)) for package in STANDARD_PACKAGES]
        key = base_key
        for source in [*standard, project / "ide3d_msgs"]:
            # Each key contains the one before: ide3d_msgs is compiled against the headers of vision_msgs.
            key = content_key([source, WHEEL_INTERFACES], key)
            step = f"interfaces-{source.name}"
            if stamps.is_current(step, key):
                continue
            stamps.begin(step)
            print(f"  building {source.name}", flush=True)
            _build(source, venv, Path(scratch) / "build" / source.name, state)
            stamps.finish(step, key)
            built.append(source.name)
    return built


def _build(source: Path, venv: Path, build: Path, state: Path) -> None:
    environment = environment_variables(venv)
    log = state / "logs" / f"interfaces-{source.name}.log"
    log.unlink(missing_ok=True)
    cmake = str(venv / "bin" / "cmake")
    configure = [cmake, "-S", str(source), "-B", str(build), "-G", "Ninja"]
    options = {
        "CMAKE_BUILD_TYPE": "Release",
        "BUILD_TESTING": "OFF",
        "CMAKE_PREFIX_PATH": str(venv),
        "CMAKE_INSTALL_PREFIX": str(venv),
        # Libraries that the machine happens to have in /usr must not be mixed with those of the wheels.
        "CMAKE_FIND_USE_CMAKE_SYSTEM_PATH": "OFF",
        "CMAKE_MAKE_PROGRAM": str(venv / "bin" / "ninja"),
        "Python3_EXECUTABLE": str(venv / "bin" / "python3"),
        "CMAKE_PROJECT_INCLUDE": str(WHEEL_INTERFACES),
    }
    run_logged(configure + [f"-D{name}={value}" for name, value in options.items()], log, environment)
    run_logged([cmake, "--build", str(build)], log, environment)
    installed_list = state / f"installed-{source.name}.txt"
    _remove_installed(installed_list)
    run_logged([cmake, "--install", str(build)], log, environment)
    shutil.copyfile(build / "install_manifest.txt", installed_list)


def _remove_installed(installed_list: Path) -> None:
    """Delete what an earlier build installed, so that a message removed from the sources disappears."""
    if installed_list.is_file():
        for line in installed_list.read_text(encoding="utf-8").splitlines():
            Path(line).unlink(missing_ok=True)
