# SPDX-License-Identifier: Apache-2.0
"""What a frozen teacher said of a rendered data set, on disk, and the reader that training uses.

::

    DIR/manifest.json        the data set's settings, the teacher, the grid, and a digest of every shard
        shard-00000.npy      float16 (2, frames, N, C): of the frames, of the mirrored frames; one row a token

A shard's file has the name of the shard whose frames it tells of. A digest is the sha256 of every eighth
4096-byte block of a file: several blocks of every frame, and fast enough to be taken whenever a cache is
opened. It tells other, re-rendered, truncated and overwritten files apart; a single flipped bit may escape
it.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.teachers.protocol import TeacherError
from ide3d_training.worlds.shards import SETTINGS_FILE

MANIFEST = "manifest.json"
FORMAT = "ide3d-teacher-features"
VERSION = 1
_BLOCK, _EVERY = 4096, 8


@dataclass(frozen=True)
class Manifest:
    """What the features were made of.

    Attributes:
        teacher: its name, the sha256 of its weights ("digest"), and its "channels".
        grid: token rows and columns of a frame.
        views: most frames of a room that the teacher saw together.
        dataset: the settings of the rendered data set.
        shards: for every finished shard its number of "frames" and the digests of its "rgb" and "features".
    """

    teacher: dict[str, Any]
    grid: tuple[int, int]
    views: int
    dataset: dict[str, Any]
    shards: dict[str, dict[str, Any]]

    @property
    def settings(self) -> dict[str, Any]:
        """All that the features depend on, in one mapping."""
        teacher = {f"teacher's {key}": value for key, value in self.teacher.items()}
        return self.dataset | teacher | {"grid": self.grid, "views": self.views}

    def write(self, folder: Path) -> None:
        """Write it whole or not at all."""
        values = {"format": FORMAT, "version": VERSION} | vars(self)
        temporary = folder / (MANIFEST + ".part")
        temporary.write_text(json.dumps(values, indent=1), encoding="utf-8")
        os.replace(temporary, folder / MANIFEST)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read it.

        Raises:
            FileNotFoundError: if there is none.
            TeacherError: if it is not one.
        """
        try:
            values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            if (values["format"], values["version"]) != (FORMAT, VERSION):
                raise ValueError(f"it says {values['format']} {values['version']}, not {FORMAT} {VERSION}")
            return cls(
                teacher=values["teacher"],
                grid=tuple(values["grid"]),
                views=values["views"],
                dataset=values["dataset"],
                shards=values["shards"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise TeacherError(
                f"{folder / MANIFEST} is not a manifest of teacher features ({error}): delete {folder} and "
                "make them again"
            ) from None


class FeatureCache:
    """Read a teacher's features of single frames; files are memory-mapped while they are read.

    Args:
        folder: written by `ide3d-teacher cache`.
        store: the frames they are wanted of.
        grid: token rows and columns of the network that is to learn from them.

    Attributes:
        channels: width of the teacher's tokens.

    Raises:
        FileNotFoundError: if there are no features; the sentence gives the command that makes them.
        TeacherError: if they are of another data set, other frames or another grid, or are incomplete or
            damaged.
    """

    def __init__(self, folder: Path, store: FrameStore, grid: tuple[int, int]):
        self._folder, self._store, self._grid = folder, store, tuple(grid)
        self._command = f"ide3d-teacher cache --teacher RUN --rooms {store.folder} --output {folder}"
        try:
            manifest = Manifest.read(folder)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"no teacher features at {folder}; make them with: {self._command}"
            ) from None
        self.channels = int(manifest.teacher["channels"])
        self._check(manifest)

    def features(self, index: int, mirrored: bool) -> np.ndarray:
        """Return the (N, C) float16 features of a frame, or of the mirrored frame, one row a token."""
        shard, row = self._store.place(index)
        return np.array(_open(self._folder / f"{shard}.npy")[int(mirrored), row])

    def __reduce__(self) -> tuple:
        # Worker processes read what this process has checked.
        return _reopen, (self._folder, self._store, self._grid, self.channels)

    def _check(self, manifest: Manifest) -> None:
        if manifest.grid != self._grid:
            raise TeacherError(
                f"{self._folder} holds features on a grid of {manifest.grid[0]}x{manifest.grid[1]} tokens, "
                f"the network has {self._grid[0]}x{self._grid[1]}: make them for this network, in another "
                f"folder, with: {self._command} --grid {self._grid[0]} {self._grid[1]}"
            )
        if (said := difference(manifest.dataset, dataset_settings(self._store.folder))) is not None:
            raise TeacherError(
                f"{self._folder} holds features of another data set than {self._store.folder} ({said}): make "
                f"them for this one, in another folder, with: {self._command}"
            )
        counts = shard_frames(self._store)
        missing = [name for name in counts if name not in manifest.shards]
        if missing:
            raise TeacherError(
                f"{self._folder} lacks the features of {len(missing)} of {len(counts)} shards, {missing[0]} "
                f"first: finish them with: {self._command}"
            )
        for name, frames in counts.items():
            known = manifest.shards[name]
            if known["rgb"] != digest(self._store.folder / name / "rgb.npy") or known["frames"] != frames:
                raise TeacherError(
                    f"{self._folder} was made of other frames than those of {self._store.folder / name}: "
                    f"mend it with: {self._command}"
                )
            path = self._folder / f"{name}.npy"
            if not path.exists():
                raise TeacherError(f"{path} is missing: make it again with: {self._command}")
            if known["features"] != digest(path):
                raise TeacherError(f"{path} is damaged: delete it and make it again with: {self._command}")


def _open(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r")


def _reopen(folder: Path, store: FrameStore, grid: tuple[int, int], channels: int) -> FeatureCache:
    cache = FeatureCache.__new__(FeatureCache)
    cache._folder, cache._store, cache._grid, cache.channels = folder, store, grid, channels
    return cache


def digest(path: Path) -> str:
    """Return the digest of a file; see the module's docstring."""
    size = path.stat().st_size
    said = hashlib.sha256(str(size).encode())
    with open(path, "rb") as file:
        for start in (*range(0, size, _BLOCK * _EVERY), max(0, size - _BLOCK)):
            file.seek(start)
            said.update(file.read(_BLOCK))
    return said.hexdigest()


def dataset_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of a rendered data set."""
    return json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))


def difference(ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """Name the first setting in which two differ, or return None."""
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            return f"{key} {ours.get(key)} there, {theirs.get(key)} here"
    return None


def shard_frames(store: FrameStore) -> dict[str, int]:
    """Return the number of frames of every shard, by the shard's name."""
    counts: dict[str, int] = {}
    for index in range(len(store)):
        name = store.place(index)[0]
        counts[name] = counts.get(name, 0) + 1
    return counts
