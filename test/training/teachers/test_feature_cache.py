# SPDX-License-Identifier: Apache-2.0
"""Features on disk are what the teacher said of each frame, and nothing else is ever read."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import shutil
import signal
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from ide3d_training.datasets.augmentation import mirror_graph
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.teachers.cache_writing import write_cache
from ide3d_training.teachers.feature_cache import MANIFEST, FeatureCache
from ide3d_training.teachers.geometry_teacher import GeometryTeacher
from ide3d_training.teachers.geometry_training import GeometryRun
from ide3d_training.teachers.protocol import TeacherError, pool
from ide3d_training.worlds.shards import Settings, render_dataset

from .conftest import TINY

GRID = 6, 8


class Painter:
    """A teacher whose tokens are the mean colours of 8 x 8 pixels, and the camera's principal point."""

    name, digest, channels = "painter", "0" * 64, 4

    def __init__(self):
        self.passes: list[torch.Size] = []

    def tokens(self, frames: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
        self.passes.append(frames.shape[:2])
        colours = frames.float().unflatten(3, (-1, 8)).unflatten(2, (-1, 8)).mean((3, 5))
        centre = intrinsics[..., 0, 2, None, None, None].expand(*colours.shape[:4], 1)
        return torch.cat([colours, centre], -1)


@pytest.fixture(scope="module")
def trained(pairs: Path, tmp_path_factory) -> Path:
    run = GeometryRun(TINY, pairs, tmp_path_factory.mktemp("teacher"))
    run.save()
    return run.directory


@pytest.fixture(scope="module")
def written(pairs: Path, trained: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("features") / "cache"
    assert write_cache(GeometryTeacher(trained, "float32"), pairs, folder, GRID, views=8)
    return folder


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / "copy")


@pytest.mark.parametrize("mirrored", [False, True])
def test_features_are_what_the_teacher_says_of_the_room(
    store: FrameStore, trained: Path, written: Path, mirrored: bool
):
    cache = FeatureCache(written, store, GRID)
    assert cache.channels == TINY.network.dim
    for room in (0, 17, 39):
        images, intrinsics = [], []
        for index in store.rooms[room]:
            image, graph = store.image(index), store.graph(index)
            images.append(image[:, ::-1].copy() if mirrored else image)
            intrinsics.append((mirror_graph(graph) if mirrored else graph).camera.K.astype(np.float32))
        tokens = GeometryTeacher(trained, "float32").tokens(
            torch.from_numpy(np.stack(images)[None]), torch.from_numpy(np.stack(intrinsics)[None])
        )
        wanted = pool(tokens, GRID)[0].numpy()
        for place, index in enumerate(store.rooms[room]):
            features = cache.features(index, mirrored)
            assert features.dtype == np.float16 and features.shape == (48, TINY.network.dim)
            np.testing.assert_allclose(features, wanted[place], atol=2e-2, rtol=2e-2)


def test_features_of_mirrored_frames_are_mirrored(pairs: Path, store: FrameStore, tmp_path: Path):
    write_cache(Painter(), pairs, tmp_path, GRID, views=2)
    cache = FeatureCache(tmp_path, store, GRID)
    for index in (0, 41, 79):
        plain, mirrored = (cache.features(index, side).reshape(*GRID, 4) for side in (False, True))
        np.testing.assert_allclose(mirrored[..., :3], plain[:, ::-1, :3], atol=0.2)
        camera = store.graph(index).camera
        np.testing.assert_allclose(plain[..., 3], camera.cx, atol=0.1)
        np.testing.assert_allclose(mirrored[..., 3], camera.width - 1 - camera.cx, atol=0.1)
        # Rows and columns are not confused: each token has the colour of its own part of the frame.
        corner = store.image(index)[:16, -16:].reshape(-1, 3).mean(0)
        np.testing.assert_allclose(plain[0, -1, :3], corner, atol=0.2)


def test_frames_of_a_room_are_seen_together_up_to_a_number(tmp_path: Path):
    rooms = tmp_path / "rooms"
    render_dataset(Settings(rooms=2, seed=5, width=64, height=48, frames_per_room=5, motion="pan"), rooms)
    for views, passes in ((8, [(2, 5)]), (2, [(2, 2), (1, 1), (2, 2), (1, 1)]), (1, [(10, 1)])):
        painter = Painter()
        write_cache(painter, rooms, tmp_path / str(views), (3, 4), views)
        assert painter.passes == [*passes, *passes]  # plain, then mirrored


def test_an_interrupted_cache_goes_on_where_it_stopped(pairs: Path, store: FrameStore, tmp_path: Path):
    class Interrupted(Painter):
        def tokens(self, frames: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
            if not self.passes:
                signal.raise_signal(signal.SIGINT)
            return super().tokens(frames, intrinsics)

    folder = tmp_path / "features"
    assert not write_cache(Interrupted(), pairs, folder, GRID, views=2)
    assert [path.name for path in folder.glob("*.npy")] == ["shard-00000.npy"]
    with pytest.raises(TeacherError, match="lacks the features of 1 of 2 shards, shard-00001 first"):
        FeatureCache(folder, store, GRID)
    rest = Painter()
    assert write_cache(rest, pairs, folder, GRID, views=2)
    assert sum(rooms for rooms, _ in rest.passes) == 2 * 8  # the second shard's rooms, plain and mirrored
    FeatureCache(folder, store, GRID)


def test_a_damaged_or_missing_shard_is_made_again(pairs: Path, store: FrameStore, tmp_path: Path):
    write_cache(Painter(), pairs, tmp_path, GRID, views=2)
    whole = (tmp_path / "shard-00000.npy").read_bytes()
    for damage in (lambda path: path.write_bytes(whole[:-10_000]), Path.unlink):
        damage(tmp_path / "shard-00000.npy")
        assert write_cache(Painter(), pairs, tmp_path, GRID, views=2)
        assert (tmp_path / "shard-00000.npy").read_bytes() == whole


def test_features_of_another_teacher_are_never_mixed_in(pairs: Path, tmp_path: Path):
    write_cache(Painter(), pairs, tmp_path, GRID, views=2)
    other = Painter()
    other.digest = "1" * 64
    with pytest.raises(TeacherError, match="holds other features \\(teacher's digest 0000.* there, 1111"):
        write_cache(other, pairs, tmp_path, GRID, views=2)
    with pytest.raises(TeacherError, match="views 2 there, 1 here"):
        write_cache(Painter(), pairs, tmp_path, GRID, views=1)


def test_features_that_are_not_finite_are_never_written(pairs: Path, tmp_path: Path):
    class Broken(Painter):
        def tokens(self, frames: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
            return super().tokens(frames, intrinsics) * 1e6

    with pytest.raises(TeacherError, match="beyond float16 for frame 0"):
        write_cache(Broken(), pairs, tmp_path, GRID, views=2)
    assert not list(tmp_path.glob("*.npy"))


def edit(folder: Path, change) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def overwrite_features(folder: Path) -> None:
    features = np.load(folder / "shard-00001.npy", mmap_mode="r+")
    features[1, 3] = 0
    features.flush()


def truncate(folder: Path) -> None:
    data = (folder / "shard-00001.npy").read_bytes()
    (folder / "shard-00001.npy").write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(
    "damage, said",
    [
        (overwrite_features, "shard-00001.npy is damaged"),
        (truncate, "shard-00001.npy is damaged"),
        (lambda folder: (folder / "shard-00000.npy").unlink(), "shard-00000.npy is missing"),
        (
            lambda folder: edit(folder, lambda m: m["shards"].pop("shard-00001")),
            "of 1 of 2 shards, shard-00001",
        ),
        (lambda folder: edit(folder, lambda m: m["dataset"].update(seed=7)), "seed 7 there, 300000 here"),
        (
            lambda folder: edit(folder, lambda m: m.update(version=99)),
            "is not a manifest of teacher features",
        ),
        (lambda folder: (folder / MANIFEST).write_text("{"), "is not a manifest of teacher features"),
    ],
    ids=["overwritten", "truncated", "missing", "unfinished", "other rooms", "other version", "no manifest"],
)
def test_what_does_not_belong_is_refused_by_name(copy: Path, store: FrameStore, damage, said: str):
    FeatureCache(copy, store, GRID)
    damage(copy)
    with pytest.raises(TeacherError, match=said):
        FeatureCache(copy, store, GRID)


def test_another_grid_and_no_features_are_refused_with_the_way_out(
    written: Path, store: FrameStore, tmp_path: Path
):
    with pytest.raises(TeacherError, match=r"grid of 6x8 tokens, the network has 3x4: .* --grid 3 4"):
        FeatureCache(written, store, (3, 4))
    with pytest.raises(FileNotFoundError, match="make them with: ide3d-teacher cache --teacher RUN --rooms"):
        FeatureCache(tmp_path / "none", store, GRID)


def test_features_of_other_frames_are_refused(pairs: Path, written: Path, tmp_path: Path):
    rooms = shutil.copytree(pairs, tmp_path / "rooms")
    images = np.load(rooms / "shard-00001" / "rgb.npy", mmap_mode="r+")
    images[5] = 255 - images[5]
    images.flush()
    with pytest.raises(TeacherError, match="was made of other frames than those of .*shard-00001"):
        FeatureCache(written, FrameStore(rooms), GRID)


def read(cache: FeatureCache, index: int) -> np.ndarray:
    return cache.features(index, True)


def test_a_worker_process_reads_the_same(written: Path, store: FrameStore):
    cache = FeatureCache(written, store, GRID)
    assert len(pickle.dumps(cache)) < 2000
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool_of_one:
        np.testing.assert_array_equal(pool_of_one.submit(read, cache, 70).result(), cache.features(70, True))
