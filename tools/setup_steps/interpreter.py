# SPDX-License-Identifier: Apache-2.0
"""Finds a Python that the ROS wheels and the project run on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

from .failure import SetupError

SUPPORTED = ((3, 11), (3, 12))

_DESCRIBE = """
import importlib.util, json, os, sys, sysconfig
print(json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "version": sys.version_info[:3],
    "include": sysconfig.get_path("include"),
    "has_ensurepip": importlib.util.find_spec("ensurepip") is not None,
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python installation on this machine.

    Attributes:
        executable: the program itself, not a virtual environment's link to it.
        version: for example "3.11.7".
        headers: path of Python.h, which may be missing.
        has_ensurepip: whether it can put pip into a virtual environment.
    """

    executable: Path
    version: str
    headers: Path
    has_ensurepip: bool

    @property
    def minor(self) -> str:
        """Major and minor version, for example "3.11"."""
        return self.version.rsplit(".", 1)[0]


def default_candidates() -> Sequence[str]:
    """Name the programs to try: the Python that runs the set-up, then those on the path."""
    on_path = [shutil.which(name) for name in ("python3.12", "python3.11", "python3")]
    return [sys.executable, *(program for program in on_path if program)]


def find_interpreter(candidates: Sequence[str]) -> Interpreter:
    """Return the first candidate of a supported version.

    Args:
        candidates: programs to try in order; those that do not run are passed over.

    Raises:
        SetupError: if none fits; names the versions that were found.
    """
    found = []
    for program in candidates:
        description = _describe(program)
        if description is None:
            continue
        version = tuple(description["version"])
        if version[:2] in SUPPORTED:
            return Interpreter(
                executable=Path(description["executable"]),
                version=".".join(str(number) for number in version),
                headers=Path(description["include"]) / "Python.h",
                has_ensurepip=description["has_ensurepip"],
            )
        found.append(f"{program} is {'.'.join(str(number) for number in version)}")
    raise SetupError(
        f"Python 3.11 or 3.12 is needed; {', '.join(dict.fromkeys(found)) or 'no python3 was found'}.\n"
        "  Install one, for example with: sudo apt-get install -y python3.12 python3.12-venv python3.12-dev\n"
        "  (Debian 12: python3.11 python3.11-venv python3.11-dev)"
    )


def _describe(program: str) -> Optional[dict]:
    try:
        run = subprocess.run([program, "-I", "-c", _DESCRIBE], capture_output=True, text=True, timeout=30)
        return json.loads(run.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
