# SPDX-License-Identifier: Apache-2.0
"""How many CPU cores this process may keep busy."""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the cores that this process may use without being held up.

    A container that may use a core and a half still sees every core of its machine. With a thread for each of
    them the kernel would use up the share early in each period and stop all of them for the rest of it.

    Args:
        cgroup: the control group (version 2) of this process.

    Returns:
        Whole cores, at least 1.
    """
    allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        share = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # not limited ("max"), or no such file
        return allowed
    return max(1, min(allowed, int(share)))
