# SPDX-License-Identifier: Apache-2.0
"""Installs the pinned requirements, one group for each purpose."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from .failure import run_logged
from .stamps import Stamps, content_key
from .virtual_environment import environment_variables, state_folder
from .wheel_records import forget_half_installed

GROUPS: Dict[str, Tuple[str, ...]] = {
    "robot": ("robot.txt",),
    "ros": ("ros.txt", "ros-build.txt"),
    "simulation": ("simulation.txt",),
    "training": ("training.txt",),
    "tensorrt": ("tensorrt.txt",),
    "dev": ("dev.txt",),
}

# Pins of what the groups' requirements require in turn; constrains every installation, installs nothing.
INDIRECT = "indirect.txt"


def install_groups(folder: Path, venv: Path, groups: Sequence[str], base_key: str) -> Dict[str, str]:
    """Install the groups whose requirements are new or have changed.

    Args:
        folder: where the requirement files lie.
        venv: the environment to install into.
        groups: names out of `GROUPS`.
        base_key: key of the environment; a new environment means a new installation.

    Returns:
        The key of each group.

    Raises:
        SetupError: if pip fails.
    """
    state = state_folder(venv)
    stamps = Stamps(state / "stamps")
    keys = {
        group: content_key([folder / name for name in (*GROUPS[group], INDIRECT)], base_key)
        for group in groups
    }
    outdated = [group for group in groups if not stamps.is_current(f"requirements-{group}", keys[group])]
    if not outdated:
        return keys
    running = state / "pip-is-running"
    if running.exists():
        repaired = forget_half_installed(_site_packages(venv))
        print(f"  an earlier set-up was interrupted; half-installed packages: {len(repaired)}", flush=True)
    print(f"  installing requirements: {', '.join(outdated)}", flush=True)
    log = state / "logs" / "requirements.log"
    log.unlink(missing_ok=True)
    running.touch()
    for group in outdated:
        stamps.begin(f"requirements-{group}")
    if "training" in outdated:
        # First and alone: a torch that is there satisfies every later package, whereas left to those the
        # newest one would be chosen, and with it gigabytes of GPU libraries. Where pip finds a CPU build,
        # this takes it.
        _pip_install(venv, folder, [_pin(folder / "training.txt", "torch")], log)
    files = [name for group in groups for name in GROUPS[group]]
    # All files, not only the outdated ones: their pins then hold for each other's dependencies.
    _pip_install(venv, folder, [argument for name in files for argument in ("-r", str(folder / name))], log)
    running.unlink()
    for group in outdated:
        stamps.finish(f"requirements-{group}", keys[group])
    return keys


def _pip_install(venv: Path, folder: Path, arguments: List[str], log: Path) -> None:
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    run_logged([*pip, "-c", str(folder / INDIRECT), *arguments], log, environment_variables(venv))


def _pin(file: Path, package: str) -> str:
    """Return the requirement of one package, such as "torch==2.13.0"."""
    match = re.search(rf"^{package}==[^\s#]+", file.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise ValueError(f"{file} does not pin {package}")
    return match.group()


def _site_packages(venv: Path) -> Path:
    return next(venv.glob("lib/python3.*/site-packages"))
