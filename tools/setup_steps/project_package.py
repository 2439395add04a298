# SPDX-License-Identifier: Apache-2.0
"""Installs this package itself into the environment, as a plain copy.

Not editable: an editable installation leaves out the data files, and with them the ament index entry, the
launch files and the executables that `ros2 run` looks for.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from .failure import run_logged
from .stamps import Stamps, content_key
from .virtual_environment import environment_variables, state_folder

# Everything that setup.py reads or installs. A change anywhere here means a new installation.
SOURCES = (
    "setup.py",
    "setup.cfg",
    "package.xml",
    "LICENSE",
    "ide3d_ros",
    "training",
    "launch",
    "config",
    "resource",
    "scripts",
)

_STEP = "package"


def install_package(project: Path, venv: Path, base_key: str) -> bool:
    """Install the package if its sources changed.

    Args:
        project: root of the source tree.
        venv: the environment to install into; holds setuptools.
        base_key: key of what is installed below it.

    Returns:
        Whether it was installed now.

    Raises:
        SetupError: if pip fails.
    """
    sources = [project / name for name in SOURCES if (project / name).exists()]
    key = content_key(sources, base_key)
    state = state_folder(venv)
    stamps = Stamps(state / "stamps")
    if stamps.is_current(_STEP, key):
        return False
    print("  installing ide3d_ros", flush=True)
    stamps.begin(_STEP)
    with tempfile.TemporaryDirectory(prefix="ide3d-package-") as scratch:
        # Built from a copy: setuptools leaves its work in the source tree, where modules that were deleted
        # since would be found and installed again.
        for source in sources:
            target = Path(scratch) / source.name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, target)
        log = state / "logs" / "package.log"
        log.unlink(missing_ok=True)
        pip = [
            str(venv / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-index",
        ]
        options = ["--no-deps", "--no-build-isolation", "--force-reinstall"]
        run_logged([*pip, *options, scratch], log, environment_variables(venv))
    stamps.finish(_STEP, key)
    return True
