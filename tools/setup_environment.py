#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make or repair the virtual environment in which the project runs where no ROS is installed.

    python3 tools/setup_environment.py --venv .venv --groups ros,simulation

Every step is skipped when it is done already for the same content, so a second run takes about a second, a
run after an edit installs the package alone, and a run after an interruption goes on where the last one
stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Sequence

from setup_steps.failure import SetupError
from setup_steps.interfaces import install_interfaces
from setup_steps.interpreter import default_candidates, find_interpreter
from setup_steps.project_package import install_package
from setup_steps.rendering import check_rendering
from setup_steps.requirement_groups import GROUPS, install_groups
from setup_steps.setup_lock import exclusive
from setup_steps.sourced_ros import refuse_sourced_ros
from setup_steps.system_packages import check_platform, find_missing, provide
from setup_steps.virtual_environment import make_environment

PROJECT = Path(__file__).resolve().parents[1]


def set_up(venv: Path, groups: Sequence[str]) -> None:
    """Bring an environment to the state that the source tree asks for.

    Args:
        venv: the environment; made if it is not there.
        groups: requirement groups to install; the interfaces are built if "ros" is among them.

    Raises:
        SetupError: if something is missing or fails; the message names the way out.
    """
    refuse_sourced_ros(os.environ, venv)
    check_platform()
    interpreter = find_interpreter(default_candidates())
    provide(find_missing(interpreter, groups))
    environment_key = make_environment(interpreter, venv)
    keys = install_groups(PROJECT / "requirements", venv, groups, environment_key)
    if "ros" in groups:
        install_interfaces(PROJECT, venv, base_key=keys["ros"])
    install_package(PROJECT, venv, base_key=keys["robot"])
    if "simulation" in groups:
        check_rendering(venv, base_key=keys["simulation"])


def main() -> int:
    """Read the command line and set up; returns the exit code."""
    parser = argparse.ArgumentParser(description="Make or repair the project's virtual environment.")
    parser.add_argument("--venv", type=Path, default=PROJECT / ".venv", help="where it lies (default: .venv)")
    parser.add_argument(
        "--groups", required=True, help=f"comma-separated, out of {','.join(GROUPS)}; robot always"
    )
    arguments = parser.parse_args()
    groups = list(dict.fromkeys(["robot", *arguments.groups.split(",")]))
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        parser.error(f"no such group: {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    start = time.monotonic()
    # Not resolve(): the path is written into the environment's scripts as the user knows it.
    venv = Path(os.path.abspath(arguments.venv))
    try:
        with exclusive(venv):
            print(f"environment {venv}: {', '.join(groups)}", flush=True)
            set_up(venv, groups)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    print(f"environment ready after {time.monotonic() - start:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
