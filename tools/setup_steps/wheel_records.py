# SPDX-License-Identifier: Apache-2.0
"""Finds packages that an interrupted pip left half installed.

pip takes a package for installed as soon as its metadata folder exists, which is before the last of its files
does. After an interruption the files are therefore compared with the list in the metadata.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import List


def half_installed(site_packages: Path) -> List[Path]:
    """List the metadata folders of packages with files that are missing or of the wrong size.

    Args:
        site_packages: the folder that pip installs into.

    Returns:
        The `.dist-info` folders, sorted by name.
    """
    return [info for info in sorted(site_packages.glob("*.dist-info")) if not _is_whole(info, site_packages)]


def forget_half_installed(site_packages: Path) -> List[str]:
    """Remove the metadata of half-installed packages, so that pip installs them again.

    Args:
        site_packages: the folder that pip installs into.

    Returns:
        Names of the metadata folders that were removed.
    """
    broken = half_installed(site_packages)
    for info in broken:
        shutil.rmtree(info)
    # pip renames a package to ~name while it replaces it; an interrupted replacement leaves that behind.
    for leftover in site_packages.glob("~*"):
        shutil.rmtree(leftover, ignore_errors=True)
    return [info.name for info in broken]


def _is_whole(info: Path, site_packages: Path) -> bool:
    record = info / "RECORD"
    if not record.is_file():
        return False
    with record.open(newline="", encoding="utf-8") as rows:
        for row in csv.reader(rows):
            # Python's caches do not count: it makes them again, and some wheels list those of another
            # machine.
            if len(row) != 3 or not row[2] or row[0].endswith(".pyc"):
                continue
            file = site_packages / row[0]
            if not file.is_file() or file.stat().st_size != int(row[2]):
                return False
    return True
