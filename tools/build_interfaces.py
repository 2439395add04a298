#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Build the interface packages into an environment that has the ROS and ROS build requirements installed.

`make demo` and `make test` do this by themselves. This script is for an environment made by hand:

    python3 tools/build_interfaces.py --venv PATH
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from setup_steps.failure import SetupError
from setup_steps.interfaces import install_interfaces

PROJECT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Build what is missing or outdated and say what was built; returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Build vision_msgs, tf2_msgs and ide3d_msgs into an environment."
    )
    parser.add_argument("--venv", type=Path, required=True, help="the environment that receives the packages")
    venv = parser.parse_args().venv.resolve()
    try:
        built = install_interfaces(PROJECT, venv, base_key="by hand")
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"built: {', '.join(built)}" if built else "up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
