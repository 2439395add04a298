# SPDX-License-Identifier: Apache-2.0
"""Stamps: which steps of the set-up are done, and for which content.

A stamp holds the hash of everything that its step depends on. It is written when the step has succeeded and
removed before the step begins, so a step that was interrupted, or whose inputs changed, is simply done again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Iterable


class Stamps:
    """The stamps of one environment, one small file for each step."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, which is made when the first stamp is written."""
        self._folder = folder

    def is_current(self, step: str, key: str) -> bool:
        """Say whether a step was completed for this key."""
        path = self._path(step)
        return path.is_file() and path.read_text(encoding="utf-8") == key

    def begin(self, step: str) -> None:
        """Forget that a step was ever completed; call it before the step changes anything."""
        self._path(step).unlink(missing_ok=True)

    def finish(self, step: str, key: str) -> None:
        """Note that a step is complete for this key."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # Renamed into place: a stamp that exists was written whole.
        partial = self._folder / f".{step}.partial"
        partial.write_text(key, encoding="utf-8")
        partial.replace(self._path(step))

    def _path(self, step: str) -> Path:
        return self._folder / step


def content_key(paths: Iterable[Path], *facts: str) -> str:
    """Hash files and facts into the key of a stamp.

    Args:
        paths: files, or folders that count with every file in them; Python's caches do not count.
        facts: anything else the step depends on, such as a version or another step's key.

    Returns:
        64 hexadecimal digits that change when a file's name or content or a fact changes.
    """
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(f"fact {fact}\0".encode())
    for path in paths:
        for file in _files(path):
            digest.update(f"file {path.name} {file.relative_to(path)} {_is_executable(file)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def _is_executable(file: Path) -> bool:
    return bool(file.stat().st_mode & 0o100)
