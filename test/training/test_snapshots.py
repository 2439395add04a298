# SPDX-License-Identifier: Apache-2.0
"""Snapshots of a run are probed and scored, each once, and the two are correlated."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from ide3d_training.checkpoint import snapshots
from ide3d_training.compare import snapshot_cli
from ide3d_training.compare.snapshot_scores import correlate
from ide3d_training.config import load_config
from ide3d_training.evaluate.probe_frames import ProbeError
from ide3d_training.run import Run
from ide3d_training.train import train

from .conftest import RGB, TINY


@pytest.fixture(scope="module")
def run_folder(pairs: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "run"
    settings = [*TINY, f"data.directory={pairs}", "optimisation.steps=3", "keep_every=1"]
    train(Run(load_config(RGB, settings), folder))
    return folder


def command(monkeypatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["ide3d-probe-scores", *words])
    snapshot_cli.main()


def test_one_command_goes_from_snapshots_to_correlations_and_measures_nothing_twice(
    run_folder, tmp_path, monkeypatch, capsys
):
    few = ("--rooms", "2", "--held-out", "2", "--scored", "2", "--level", "visual tokens")
    report, picture = tmp_path / "report.json", tmp_path / "picture.png"
    words = ("--run", str(run_folder), *few, "--json", str(report), "--picture", str(picture))
    command(monkeypatch, *words)
    said = json.loads(report.read_text())
    assert [point["step"] for point in said["snapshots"]] == [1, 2, 3]
    assert said["correlations"]["depth"]["em"]["n"] == 3
    assert cv2.imread(str(picture)) is not None
    assert "over 3 snapshots" in capsys.readouterr().out
    measured = {file: file.stat().st_mtime_ns for file in (run_folder / "snapshots").glob("*.json")}
    command(monkeypatch, *words)
    assert len(measured) == 3
    assert {file: file.stat().st_mtime_ns for file in measured} == measured


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--level", "vision level 9"], "no level 'vision level 9' in"),
        (["--split", "tset"], "no split 'tset' is scored"),
        (["--json", "absent/report.json"], "cannot write absent/report.json"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_rendered(
    run_folder, monkeypatch, capsys, words, cause
):
    with pytest.raises(SystemExit) as stop:
        command(monkeypatch, "--run", str(run_folder), *words)
    assert stop.value.code == 2 and cause in capsys.readouterr().err


def test_two_snapshots_do_not_make_a_correlation():
    with pytest.raises(ProbeError, match="2 snapshots do not make a correlation"):
        correlate([{}, {}], "visual tokens")


def test_no_snapshots_are_kept_unless_they_are_asked_for(pairs, tmp_path):
    train(Run(load_config(RGB, [*TINY, f"data.directory={pairs}", "optimisation.steps=1"]), tmp_path))
    assert snapshots(tmp_path) == []
