# SPDX-License-Identifier: Apache-2.0
"""Makes the virtual environment, and runs commands in it undisturbed by the shell's own settings."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Dict

from .failure import SetupError, run_logged
from .interpreter import Interpreter
from .stamps import Stamps, content_key

_STEP = "environment"


def state_folder(venv: Path) -> Path:
    """Return the folder inside the environment where the set-up keeps stamps, logs and lists."""
    return venv / "ide3d-setup"


def make_environment(interpreter: Interpreter, venv: Path) -> str:
    """Make the environment unless it is whole, belongs to this Python and lies where it was made.

    Args:
        interpreter: the Python to build it on.
        venv: where it lies. A half-made one is made anew.

    Returns:
        A key that changes when everything in the environment has to be installed again.

    Raises:
        SetupError: if something else lies at that path, or if Python cannot make it.
    """
    # The scripts in an environment name its path, so one that was moved is as good as none.
    key = content_key([], interpreter.version, str(interpreter.executable), str(venv))
    state = state_folder(venv)
    stamps = Stamps(state / "stamps")
    if stamps.is_current(_STEP, key) and (venv / "bin" / "python").exists():
        return key
    if venv.exists() and not state.is_dir():
        raise SetupError(
            f"{venv} exists and was not made by this set-up; move it away or choose another --venv"
        )
    if venv.exists():
        shutil.rmtree(venv)
    # Made first: it marks the folder as ours, so that an interrupted run may be cleared away.
    state.mkdir(parents=True)
    print(f"  making {venv} with Python {interpreter.version}", flush=True)
    run_logged(
        [str(interpreter.executable), "-m", "venv", str(venv)],
        state / "logs" / "environment.log",
        dict(os.environ),
    )
    stamps.finish(_STEP, key)
    return key


def environment_variables(venv: Path) -> Dict[str, str]:
    """Return the variables for a command that works on the environment.

    Returns:
        The shell's variables with the environment first on the path and without what would pull in modules or
        libraries from elsewhere.
    """
    foreign = (
        "PYTHONPATH",
        "PYTHONHOME",
        "PIP_USER",
        "PIP_TARGET",
        "PIP_PREFIX",
        # Set by the ROS wheels in every Python they start; a second environment would load the first one's
        # libraries.
        "LD_LIBRARY_PATH",
        "_ROS_WHEELS_BOOTSTRAP_COMPLETE",
    )
    variables = {name: value for name, value in os.environ.items() if name not in foreign}
    variables["VIRTUAL_ENV"] = str(venv)
    variables["AMENT_PREFIX_PATH"] = str(venv)
    variables["PATH"] = f"{venv / 'bin'}{os.pathsep}{variables.get('PATH', os.defpath)}"
    return variables
