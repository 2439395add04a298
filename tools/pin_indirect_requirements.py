#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write requirements/indirect.txt: the versions of what the requirements themselves require.

Run it with the environment's own Python after a change of the pinned requirements and a green `make test`:

    .venv/bin/python tools/pin_indirect_requirements.py
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

from setup_steps.requirement_groups import GROUPS, INDIRECT

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements"

HEADER = """# Versions of what the requirements beside this file require in turn, so that all get the same.
# Written by tools/pin_indirect_requirements.py. pip reads it as constraints: it installs nothing.
"""


def main() -> int:
    """Write the file and say how many versions it holds; returns the exit code."""
    direct = {name for files in GROUPS.values() for file in files for name in _pinned(REQUIREMENTS / file)}
    lines = []
    for distribution in importlib.metadata.distributions():
        name = _normalised(distribution.metadata["Name"])
        # What has no list of pip's own is a part of a ROS wheel, or one of our interface packages.
        by_pip = distribution.read_text("RECORD") is not None
        if by_pip and name not in direct | {"ide3d-ros", "pip"}:
            # "2.13.0+cpu" names one build of a version; other machines have other builds.
            lines.append(f"{name}=={distribution.version.split('+')[0]}\n")
    (REQUIREMENTS / INDIRECT).write_text(HEADER + "".join(sorted(set(lines))), encoding="utf-8")
    print(f"{INDIRECT}: {len(lines)} versions")
    return 0


def _pinned(file: Path) -> set[str]:
    return {
        _normalised(name)
        for name in re.findall(r"^([\w.-]+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
