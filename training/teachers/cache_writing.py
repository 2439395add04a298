# SPDX-License-Identifier: Apache-2.0
"""Run a teacher over a rendered data set and keep what it says; resumed if some of it is there already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ide3d_training.datasets.augmentation import mirror_camera
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.interruption import stoppable
from ide3d_training.run_log import console
from ide3d_training.teachers.feature_cache import MANIFEST, Manifest, dataset_settings, difference, digest
from ide3d_training.teachers.protocol import Teacher, TeacherError, pool

FRAMES_PER_PASS = 16


def write_cache(teacher: Teacher, rooms: Path, output: Path, grid: tuple[int, int], views: int) -> bool:
    """Write the features of every finished shard, plain and mirrored, with a bar.

    Args:
        teacher: what looks.
        rooms: a rendered data set.
        output: folder of the features.
        grid: token rows and columns they are averaged onto.
        views: most frames of a room that the teacher sees together; longer rooms are looked at piece by
            piece.

    Returns:
        Whether all are there; False after Ctrl-C or SIGTERM.

    Raises:
        FileNotFoundError: if there are no rooms.
        TeacherError: if the folder holds other features.
    """
    store = FrameStore(rooms)
    manifest = _begin(teacher, store, output, grid, views)
    shards = {
        name: list(indices)
        for name, indices in groupby(range(len(store)), key=lambda index: store.place(index)[0])
    }
    room_of = {frames[0]: frames for frames in store.rooms}
    bar = Progress(
        TextColumn("cache"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("frames"),
        console=console,
    )  # fmt: skip
    with stoppable() as stop, bar:
        task = bar.add_task("cache", total=len(store))
        for name, indices in shards.items():
            path, rgb = output / f"{name}.npy", digest(rooms / name / "rgb.npy")
            known = manifest.shards.get(name)
            done = known is not None and known["rgb"] == rgb and known["frames"] == len(indices)
            if not (done and path.exists() and known["features"] == digest(path)):
                if stop:
                    break
                windows = [
                    room_of[index][start : start + views]
                    for index in indices
                    if index in room_of
                    for start in range(0, len(room_of[index]), views)
                ]
                _write_array(path, _shard_features(teacher, store, windows, grid))
                manifest.shards[name] = {"frames": len(indices), "rgb": rgb, "features": digest(path)}
                manifest.write(output)
            bar.advance(task, len(indices))
    return set(shards) <= set(manifest.shards)


def _begin(teacher: Teacher, store: FrameStore, output: Path, grid: tuple[int, int], views: int) -> Manifest:
    """Return the manifest of a new folder, or that of one which was begun in the same way."""
    manifest = Manifest(
        teacher={"name": teacher.name, "digest": teacher.digest, "channels": teacher.channels},
        grid=grid,
        views=views,
        dataset=dataset_settings(store.folder),
        shards={},
    )
    if not (output / MANIFEST).exists():
        output.mkdir(parents=True, exist_ok=True)
        return manifest
    found = Manifest.read(output)
    if (said := difference(found.settings, manifest.settings)) is not None:
        raise TeacherError(
            f"{output} holds other features ({said}): delete it or give --output another folder"
        )
    return found


def _shard_features(
    teacher: Teacher, store: FrameStore, windows: list[range], grid: tuple[int, int]
) -> np.ndarray:
    """Return the features (2, frames, N, C) float16 of windows, which follow one another."""
    sides = []
    for mirrored in (False, True):
        parts = []
        for batch in _batches(windows):
            frames, intrinsics = _look_up(store, batch, mirrored)
            tokens = pool(teacher.tokens(frames, intrinsics), grid)  # (R, F, N, C)
            parts.append(tokens.flatten(0, 1).half().numpy())
        sides.append(np.concatenate(parts))
    features = np.stack(sides)
    if not np.isfinite(features).all():
        raise TeacherError(
            f"teacher {teacher.name} gives features beyond float16 for frame {windows[0][0]} or one of the "
            f"{features.shape[1] - 1} after it: its weights are not usable"
        )
    return features


def _batches(windows: list[range]) -> Iterator[list[range]]:
    """Group windows of equal length that follow one another into passes of about FRAMES_PER_PASS."""
    for length, same in groupby(windows, key=len):
        alike, most = list(same), max(1, FRAMES_PER_PASS // length)
        yield from (alike[start : start + most] for start in range(0, len(alike), most))


def _look_up(store: FrameStore, windows: list[range], mirrored: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the frames (R, F, H, W, 3) uint8 of windows and their intrinsics (R, F, 3, 3) float32."""
    images, intrinsics = [], []
    for index in (index for window in windows for index in window):
        image, camera = store.image(index), store.graph(index).camera
        images.append(image[:, ::-1] if mirrored else image)
        intrinsics.append((mirror_camera(camera) if mirrored else camera).K)
    shape = len(windows), len(windows[0])
    return (
        torch.from_numpy(np.stack(images)).unflatten(0, shape),
        torch.from_numpy(np.stack(intrinsics).astype(np.float32)).unflatten(0, shape),
    )


def _write_array(path: Path, array: np.ndarray) -> None:
    temporary = path.with_suffix(".part")
    with open(temporary, "wb") as file:
        np.save(file, array)
    os.replace(temporary, path)
