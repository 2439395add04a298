# SPDX-License-Identifier: Apache-2.0
"""`ide3d-agreement` compares two bundles on rooms or on a recording, and fails below the bar."""

from __future__ import annotations

import json

import pytest
from fake_bundle import describe, write_fake_bundle
from recorded_corner import write_recording

from ide3d_ros.bundle import seal_bundle
from ide3d_training.agreement import cli
from ide3d_training.export.conversion import convert_bundle


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["ide3d-agreement", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code


@pytest.fixture
def half(fake_bundle, tmp_path):
    return convert_bundle(fake_bundle, tmp_path / "half", "float16")


def test_a_float16_bundle_agrees_on_rooms_rounded_as_a_gpu_would(
    monkeypatch, capsys, fake_bundle, half, tmp_path
):
    file = tmp_path / "report.json"
    arguments = ("--reference", str(fake_bundle.folder), "--bundle", str(half.folder), "--rooms", "2")
    status = run(monkeypatch, *arguments, "--threads", "1", "--json", str(file))
    report = json.loads(file.read_text())
    assert status == (0 if report["holds"] else 1)
    assert report["reference"]["precision"] == "float32" and report["bundle"]["precision"] == "float16"
    assert report["bundle"]["arithmetic"] == "rounded after every float16 node"
    assert (report["frames"], report["seed"], report["answers"]) == (
        2,
        500_000,
        {"compared": 12, "equal": 1.0},
    )
    assert report["expressions"]["compared"] == 16
    assert "answers equal" in capsys.readouterr().out


def test_a_bundle_agrees_with_itself_on_a_recording(monkeypatch, capsys, fake_bundle, tmp_path):
    (tmp_path / "corner").mkdir()
    recording = write_recording(tmp_path / "corner", fake_bundle)
    folder, file = str(fake_bundle.folder), tmp_path / "report.json"
    arguments = ("--reference", folder, "--bundle", folder, "--recording", str(recording))
    assert run(monkeypatch, *arguments, "--json", str(file)) == 0
    report = json.loads(file.read_text())
    assert (report["recording"], report["bundle"]["arithmetic"]) == ("corner", "as the engine computes")
    assert report["boxes"]["within"] == report["answers"]["equal"] == 1.0
    assert report["boxes"]["compared"] and report["boxes"]["corner_mm"]["max"] == 0.0


def test_a_bundle_that_says_something_else_ends_with_status_1(monkeypatch, capsys, fake_bundle, tmp_path):
    (tmp_path / "other").mkdir()
    other = write_fake_bundle(tmp_path / "other")
    vocabulary = other.manifest.network.vocab
    seal_bundle(other.folder, describe(vocabulary).model_copy(update={"focal_virtual": 60.0}))  # other depths
    (tmp_path / "corner").mkdir()
    recording = write_recording(tmp_path / "corner", fake_bundle)
    bundles = ("--reference", str(fake_bundle.folder), "--bundle", str(other.folder))
    assert run(monkeypatch, *bundles, "--recording", str(recording)) == 1
    assert "mm apart" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ((), "--bundle"),
        (("--bundle", "no_such"), "no bundle is called 'no_such'"),
        (("--bundle", "nano", "--rooms", "0"), "--rooms"),
        (("--bundle", "nano", "--json", "no_such/report.json"), "no_such does not exist"),
        (("--bundle", "nano", "--recording", "no_such"), "there is no folder no_such"),
        (("--bundle", "nano", "--engine", "torch"), "runs a network in memory"),
    ],
)
def test_a_wrong_argument_gives_one_line(monkeypatch, capsys, arguments, cause):
    assert run(monkeypatch, *arguments) == 2
    message = capsys.readouterr().err
    assert cause in message and message.startswith("ide3d-agreement: ") and message.count("\n") == 1
