# SPDX-License-Identifier: Apache-2.0
"""Data sets on disk: complete, resumable, the same whatever drew them."""

from __future__ import annotations

import filecmp
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.worlds.renderer import RoomRenderer, render_frame
from ide3d_training.worlds.scene_graph import FrameGraph
from ide3d_training.worlds.shards import (
    FRAMES_PER_SHARD,
    DatasetError,
    Settings,
    iterate_shards,
    render_dataset,
)

SETTINGS = Settings(rooms=FRAMES_PER_SHARD + 5, seed=300, width=64, height=48)
FILES = [
    "dataset.json",
    *(
        f"shard-0000{i}/{name}"
        for i in (0, 1)
        for name in ("rgb.npy", "depth.npy", "ids.npy", "frames.jsonl")
    ),
]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """Render the data set once in this process; do not change it."""
    folder = tmp_path_factory.mktemp("rendered")
    assert render_dataset(SETTINGS, folder) == SETTINGS.rooms
    return folder


def _assert_same(folder: Path, other: Path) -> None:
    _, different, missing = filecmp.cmpfiles(folder, other, FILES, shallow=False)
    assert not different and not missing
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in other.iterdir())


def test_the_bytes_do_not_depend_on_the_number_of_workers(rendered, tmp_path):
    progress = []
    render_dataset(SETTINGS, tmp_path / "two", workers=2, on_shard=progress.append)
    _assert_same(rendered, tmp_path / "two")
    assert sorted(progress) == [5, FRAMES_PER_SHARD]


def test_a_resumed_data_set_equals_an_uninterrupted_one(rendered, tmp_path):
    folder = tmp_path / "resumed"
    shutil.copytree(rendered, folder)
    shutil.rmtree(folder / "shard-00001")
    draft = folder / ".shard-00001.123"  # what a killed process leaves behind
    draft.mkdir()
    (draft / "rgb.npy").write_bytes(b"half")
    before = (folder / "shard-00000" / "rgb.npy").stat().st_mtime_ns
    assert render_dataset(SETTINGS, folder) == 5
    _assert_same(rendered, folder)
    assert (folder / "shard-00000" / "rgb.npy").stat().st_mtime_ns == before


def test_a_shard_has_its_name_only_when_it_is_whole(tmp_path, monkeypatch):
    folder = tmp_path / "growing"
    save, seen = np.save, []

    def watched_save(*arguments):
        save(*arguments)
        seen.append(sorted(path.name for path in folder.glob("shard-*")))

    monkeypatch.setattr(np, "save", watched_save)
    render_dataset(Settings(rooms=2, seed=0, width=32, height=24), folder)
    assert seen == [[], [], []]
    assert len(list(iterate_shards(folder))) == 1


def test_a_full_disk_is_said_in_one_sentence_and_leaves_no_half_shard(tmp_path, monkeypatch):
    folder = tmp_path / "full"
    monkeypatch.setattr(np, "save", _no_space)
    with pytest.raises(DatasetError, match="No space left"):
        render_dataset(Settings(rooms=2, seed=0, width=32, height=24), folder)
    assert [path.name for path in folder.iterdir()] == ["dataset.json"]


def _no_space(*_args, **_kwargs):
    raise OSError(28, "No space left on device")


def test_what_is_read_is_what_was_drawn(rendered):
    shards = list(iterate_shards(rendered))
    assert [len(shard.frames) for shard in shards] == [FRAMES_PER_SHARD, 5]
    assert shards[0].rgb.shape == (FRAMES_PER_SHARD, 48, 64, 3) and shards[0].rgb.dtype == np.uint8
    assert shards[0].depth.dtype == np.uint16 and shards[0].ids.dtype == np.uint8
    with RoomRenderer(64, 48) as renderer:
        frame = render_frame(SETTINGS.seed + FRAMES_PER_SHARD + 2, renderer)
    np.testing.assert_array_equal(shards[1].rgb[2], frame.rgb)
    np.testing.assert_array_equal(shards[1].ids[2], frame.ids)
    assert np.abs(shards[1].depth[2] / 1000.0 - frame.depth).max() <= 0.00051
    lines = (shards[1].path / "frames.jsonl").read_text().splitlines()
    assert lines[2] == frame.graph.to_json()
    assert [graph.seed for graph in shards[1].frames] == list(SETTINGS.seeds(1))


def test_the_settings_are_written_down(rendered):
    described = json.loads((rendered / "dataset.json").read_text())
    assert described["rooms"] == SETTINGS.rooms
    assert described["seed"] == 300
    assert (described["width"], described["height"]) == (64, 48)
    assert described["categories"][0] == "chair"
    assert described["depth_unit_m"] == 0.001


def test_a_folder_with_another_data_set_is_left_alone(rendered):
    with pytest.raises(DatasetError, match="other settings"):
        render_dataset(Settings(rooms=SETTINGS.rooms, seed=301, width=64, height=48), rendered)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("draft")
    with pytest.raises(DatasetError, match="not empty"):
        render_dataset(SETTINGS, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_reading_what_is_no_data_set_says_so(tmp_path):
    with pytest.raises(DatasetError, match="dataset.json is missing"):
        list(iterate_shards(tmp_path))


def test_a_damaged_shard_is_named(rendered, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(rendered, folder)
    lines = (folder / "shard-00001" / "frames.jsonl").read_text().splitlines(keepends=True)
    (folder / "shard-00001" / "frames.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(DatasetError, match="shard-00001 is damaged"):
        list(iterate_shards(folder))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rooms": 0}, "rooms must be at least 1, not 0"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"width": 8}, "width must be at least 16, not 8"),
        ({"frames_per_room": 0}, "frames_per_room must be at least 1, not 0"),
        ({"frames_per_room": 65}, "frames_per_room must be at most 64, not 65"),
        ({"motion": "fly"}, "motion must be one of views, walk, pan, orbit, not 'fly'"),
        ({"sensor": "foggy"}, "sensor must be one of clean, varied, distorted, not 'foggy'"),
        ({"rate_hz": 0.0}, "rate_hz must be above 0"),
        ({"rooms": 2, "seed": 399_999}, "from split train into split val"),
        ({"rooms": 300_000, "seed": 549_999}, "from split test into split demo"),
    ],
)
def test_settings_that_cannot_be_drawn_are_refused(change, sentence):
    with pytest.raises(DatasetError, match=sentence):
        Settings(**{"rooms": 1, "seed": 0, **change})


def test_a_data_set_may_end_where_its_split_ends_and_the_reserved_seeds_are_everybodys():
    assert Settings(rooms=2, seed=399_998).frames == 2
    assert json.loads(Settings(rooms=10, seed=900_000).to_json())["split"] == "reserved"


SEQUENCES = Settings(
    rooms=9,
    seed=620_000,
    width=48,
    height=32,
    frames_per_room=8,
    motion="walk",
    rate_hz=2.0,
    sensor="distorted",
)


@pytest.fixture(scope="module")
def sequences(tmp_path_factory) -> Path:
    """Render rooms with several frames each; do not change it."""
    folder = tmp_path_factory.mktemp("sequences")
    assert render_dataset(SEQUENCES, folder) == 72
    return folder


def test_the_frames_of_a_room_follow_one_another_with_their_own_poses(sequences):
    shards = list(iterate_shards(sequences))
    assert [len(shard.frames) for shard in shards] == [64, 8]
    graphs = [graph for shard in shards for graph in shard.frames]
    assert [(graph.seed, graph.index) for graph in graphs] == [
        (620_000 + room, index) for room in range(9) for index in range(8)
    ]
    for room in range(9):
        own = graphs[8 * room : 8 * room + 8]
        assert len({graph.camera for graph in own}) == 1
        assert own[0].camera.distortion
        walked = np.diff([graph.world_from_camera[:3, 3] for graph in own], axis=0)
        assert np.linalg.norm(walked, axis=1).max() < 0.8 / 2.0
    for shard in shards:
        for graph, ids in zip(shard.frames, shard.ids, strict=True):
            for obj in graph.objects:
                assert np.count_nonzero(ids == obj.id) == obj.visible_pixels


def test_sequences_and_noise_do_not_depend_on_the_number_of_workers(sequences, tmp_path):
    render_dataset(SEQUENCES, tmp_path / "two", workers=2)
    _assert_same(sequences, tmp_path / "two")


def test_a_frame_store_reads_every_frame_of_every_room(sequences):
    store = FrameStore(sequences)
    assert len(store) == 72
    assert (store.graph(19).seed, store.graph(19).index) == (620_002, 3)
    shard = next(iterate_shards(sequences))
    np.testing.assert_array_equal(store.image(19), shard.rgb[19])
    np.testing.assert_array_equal(store.ids(19), shard.ids[19])


def test_views_of_a_room_are_places_apart(tmp_path):
    settings = Settings(rooms=2, seed=10, width=48, height=32, frames_per_room=3)
    render_dataset(settings, tmp_path / "views")
    (shard,) = iterate_shards(tmp_path / "views")
    assert [graph.index for graph in shard.frames] == [0, 1, 2, 0, 1, 2]
    with RoomRenderer(48, 32) as renderer:
        frame = render_frame(11, renderer, 2)
    np.testing.assert_array_equal(shard.rgb[5], frame.rgb)
    # A box that is read makes its quaternion's length one again, which may change the last digit.
    assert shard.frames[5].to_json() == FrameGraph.from_json(frame.graph.to_json()).to_json()
