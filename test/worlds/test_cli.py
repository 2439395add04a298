# SPDX-License-Identifier: Apache-2.0
"""``ide3d-worlds`` as a person runs it."""

from __future__ import annotations

import filecmp
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from ide3d_training.worlds import cli
from ide3d_training.worlds.renderer import render_frame
from ide3d_training.worlds.splits import SPLITS

COMMAND = [sys.executable, "-m", "ide3d_training.worlds.cli"]


def _run(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["ide3d-worlds", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


def test_render_writes_a_data_set_and_its_speed(monkeypatch, capsys, tmp_path):
    report = tmp_path / "report.json"
    status, out, _ = _run(
        *(monkeypatch, capsys, "render", "--rooms", "3", "--seed", "5", "--out", str(tmp_path / "set")),
        *("--width", "64", "--height", "48", "--json", str(report)),
    )
    assert status == 0
    assert "3 frames" in out
    assert (tmp_path / "set" / "shard-00000" / "rgb.npy").is_file()
    result = json.loads(report.read_text())
    assert result["frames_rendered"] == 3
    assert result["frames_per_second"] == pytest.approx(3 / result["seconds"], rel=0.05)


def test_preview_draws_rooms_by_views(monkeypatch, capsys, tmp_path):
    sheet = tmp_path / "sheet.png"
    status, _, _ = _run(
        *(monkeypatch, capsys, "preview", "--seed", "3", "--out", str(sheet), "--rooms", "2", "--views", "1"),
        *("--width", "160", "--height", "120"),
    )
    assert status == 0
    image = cv2.imread(str(sheet))
    assert image.shape == (246, 160, 3)
    assert image.std() > 20


def test_sheet_draws_one_frame_of_each_room_without_boxes(monkeypatch, capsys, tmp_path, renderer):
    sheet = tmp_path / "sheet.png"
    status, _, _ = _run(
        *(monkeypatch, capsys, "sheet", "--seed", "3", "--out", str(sheet), "--rooms", "5", "--columns", "3"),
        *("--width", "256", "--height", "192"),
    )
    assert status == 0
    image = cv2.imread(str(sheet))[..., ::-1]
    assert image.shape == (2 * 192 + 6, 3 * 256 + 2 * 6, 3)
    np.testing.assert_array_equal(image[198:, 262:518], render_frame(7, renderer).rgb)


def test_splits_prints_every_split_with_its_first_seed(monkeypatch, capsys):
    status, out, _ = _run(monkeypatch, capsys, "splits")
    assert status == 0
    for split in SPLITS:
        (line,) = [line for line in out.splitlines() if line.split()[0] == split.name]
        assert f"{split.first:,}" in line
    assert "0.15-0.30, 1.60-1.80" in out and "4.2-7.0" in out


def test_a_killed_data_set_is_continued_to_the_bytes_of_an_uninterrupted_one(tmp_path):
    options = ["--rooms", "3", "--seed", "40", "--width", "32", "--height", "24"]
    options += ["--frames-per-room", "33", "--motion", "orbit", "--sensor", "varied"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [*COMMAND, "render", *options, "--out", str(killed), "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        _wait_for(lambda: killed.is_dir() and any(killed.glob("shard-*")), process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
    assert len(list(killed.glob("shard-*"))) < 3
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run([*COMMAND, "render", *options, "--out", str(whole)], check=True, capture_output=True)
    names = sorted(str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(killed)) for path in killed.rglob("*") if path.is_file())
    assert len(names) == 1 + 3 * 4
    assert filecmp.cmpfiles(killed, whole, names, shallow=False) == (names, [], [])


def test_catalogue_draws_samples_of_one_category_or_of_all(monkeypatch, capsys, tmp_path):
    sheet = tmp_path / "sheet.png"
    small = ("--samples", "2", "--width", "64", "--height", "48", "--out", str(sheet))
    status, out, _ = _run(monkeypatch, capsys, "catalogue", "--category", "chair", *small)
    assert status == 0
    assert "2 of chair" in out
    one = cv2.imread(str(sheet))
    assert one.shape == (48, 132, 3)
    assert one.std() > 20
    status, out, _ = _run(monkeypatch, capsys, "catalogue", "--seed", "1", *small)
    assert status == 0
    assert "2 of each of 40 kinds" in out
    assert cv2.imread(str(sheet)).shape == (20 * 52 - 4, 4 * 68 - 4, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["render", "--rooms", "0", "--out", "{tmp}/set"], "rooms must be at least 1, not 0"),
        (["render", "--rooms", "2", "--seed", "-1", "--out", "{tmp}/set"], "seed must be at least 0, not -1"),
        (
            ["render", "--rooms", "2", "--workers", "0", "--out", "{tmp}/set"],
            "--workers must be at least 1, not 0",
        ),
        (
            ["render", "--rooms", "2", "--frames-per-room", "0", "--out", "{tmp}/set"],
            "frames_per_room must be at least 1, not 0",
        ),
        (["render", "--rooms", "2", "--motion", "fly", "--out", "{tmp}/set"], "walk, pan, orbit, not 'fly'"),
        (["render", "--rooms", "2", "--sensor", "foggy", "--out", "{tmp}/set"], "not 'foggy'"),
        (
            ["render", "--rooms", "2", "--seed", "549999", "--out", "{tmp}/set"],
            "from split test into split test-wording",
        ),
        (
            ["render", "--rooms", "2", "--seed", "549999", "--out", "{tmp}/set"],
            "test-wording (from 550000 on)",
        ),
        (["sheet", "--columns", "0", "--out", "{tmp}/sheet.png"], "--columns must be at least 1, not 0"),
        (["sheet", "--sensor", "foggy", "--out", "{tmp}/sheet.png"], "not 'foggy'"),
        (["sheet", "--seed", "-1", "--out", "{tmp}/sheet.png"], "--seed must be at least 0, not -1"),
        (["render", "--rooms", "many", "--out", "{tmp}/set"], "--rooms"),
        (["render", "--rooms", "2"], "--out"),
        (["render", "--rooms", "2", "--out", "{tmp}/file/set"], "cannot write to"),
        (
            ["render", "--rooms", "2", "--out", "{tmp}/set", "--json", "{tmp}/no/report.json"],
            "does not exist",
        ),
        (["preview", "--out", "{tmp}/sheet.gif"], ".png or .jpg"),
        (["preview", "--out", "{tmp}/no/sheet.png"], "does not exist"),
        (["preview", "--rooms", "0", "--out", "{tmp}/sheet.png"], "--rooms must be at least 1"),
        (["catalogue", "--out", "{tmp}/sheet.png", "--category", "dragon"], "not 'dragon'"),
        (["catalogue", "--out", "{tmp}/sheet.png", "--samples", "0"], "--samples must be at least 1, not 0"),
        (["catalogue", "--out", "{tmp}/sheet.txt"], ".png or .jpg"),
        (["paint"], "paint"),
    ],
)
def test_a_wrong_argument_is_answered_in_one_line(monkeypatch, capsys, tmp_path, arguments, message):
    (tmp_path / "file").write_text("in the way")
    filled = [argument.format(tmp=tmp_path) for argument in arguments]
    status, _, err = _run(monkeypatch, capsys, *filled)
    assert status == 2
    assert err.count("\n") == 1
    assert err.startswith("ide3d-worlds: ")
    assert message in err
    assert not (tmp_path / "set").exists()


def test_ctrl_c_ends_all_processes_and_leaves_finished_shards_alone(tmp_path):
    folder = tmp_path / "set"
    options = ["--rooms", "640", "--out", str(folder), "--workers", "2", "--width", "32", "--height", "24"]
    process = subprocess.Popen(
        [*COMMAND, "render", *options], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        _wait_for(lambda: folder.is_dir() and any(folder.glob("shard-*")), process)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "the same command continues" in err
    assert "Traceback" not in err
    for shard in folder.glob("shard-*"):
        assert len((shard / "frames.jsonl").read_text().splitlines()) == 64
    assert not _members(process.pid)


def _wait_for(condition, process: subprocess.Popen, seconds: float = 150.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)


def _members(group: int) -> list[int]:
    """Return the processes that are left of a process group after a moment's grace."""
    for _ in range(40):
        left = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                left.append(int(entry.name))
        if not left:
            return []
        time.sleep(0.1)
    return left
