# SPDX-License-Identifier: Apache-2.0
"""The shipped studies, at the size of a test, from their YAML files to their tables."""

from __future__ import annotations

import json

import cv2
import pytest

from ide3d_training.compare import cli
from ide3d_training.compare.results import HEADINGS

from .conftest import STUDIES

SYSTEMS = [
    *("rgb", "explicit_pe", "explicit_pe, camera's frame", "dual_encoder", "3drs", "vega3d", "ide3d"),
    "llmi3d",
]
ARMS = ["rgb", "+global", "+global+geometry", "+cross-view (= ide3d)"]


def tables(text: str) -> dict[str, list[list[str]]]:
    """Read the rows of every Markdown table, by the headings of its first columns."""
    found = {}
    for block in text.split("\n\n"):
        if block.startswith("|"):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
            assert len({len(row) for row in rows}) == 1
            found.setdefault(" | ".join(rows[0][:2]), []).append([rows[0], *rows[2:]])
    return found


def test_one_command_goes_from_a_study_to_its_tables_and_nothing_is_done_twice(tmp_path, monkeypatch, capsys):
    pytest.importorskip(
        "ide3d_training.teachers.cache_writing", reason="the ablation has arms with a teacher"
    )
    words = ["ide3d-compare", "--study", str(STUDIES / "ablation.yaml"), "--output", str(tmp_path)]
    monkeypatch.setattr("sys.argv", [*words, "--smoke", "--jobs", "2"])
    cli.main()
    text = (tmp_path / "RESULTS.md").read_text()
    assert text.count("<!-- study ablation:") == 2
    read = tables(text)
    scores, gains = read["arm | Acc@0.25"][:2]
    assert scores[0] == ["arm", *HEADINGS.values()]
    assert [row[0] for row in scores[1:]] == [*ARMS, "a guess that never looks"]
    assert [row[0] for row in gains[1:]] == ARMS[1:]
    (costs,) = read["arm | parameters"]
    assert [row[0] for row in costs[1:]] == ARMS
    assert len({row[1] for row in costs[1:]}) == 1  # the same network is exported
    assert {row[3] for row in costs[1:]} == {"none"}
    depth, views = read["arm | vision level 1"]
    assert [row[0] for row in depth[1:]] == [row[0] for row in views[1:]] == [*ARMS, "untrained"]
    published = read["arm | Acc@0.25"][2]
    assert published[-1] == ["+cross-view (= ide3d)", "60.9", "54.5", "59.8", "54.9"]
    assert "ide3d-compare --study" in text and str(tmp_path) not in text
    assert cv2.imread(str(tmp_path / "results/ablation.png")) is not None
    report = json.loads((tmp_path / "ablation.json").read_text())
    assert sorted(path.name for path in tmp_path.glob("*-0")) == [
        *("3drs-0", "global_geometry-0", "ide3d-0", "rgb-0")
    ]  # as systems.yaml names its own, so that both studies train them once
    alone = [arm["sizes"]["training_only"] for arm in report["arms"]]
    assert alone[0] == 0 < alone[1] < alone[2] < alone[3]
    assert [len(arm["evaluation"]["test"]["figures"]["em"]["per_seed"]) for arm in report["arms"]] == [1] * 4

    measured = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*-0/*") if path.is_file()}
    cli.main()
    assert {path: path.stat().st_mtime_ns for path in measured} == measured

    words[2] = str(STUDIES / "systems.yaml")
    monkeypatch.setattr("sys.argv", [*words, "--smoke", "--jobs", "2", "--split", "test"])
    cli.main()
    assert {path: path.stat().st_mtime_ns for path in measured} == measured  # arms of both are trained once
    text = (tmp_path / "RESULTS.md").read_text()
    assert text.count("<!-- study ablation:") == text.count("<!-- study systems:") == 2
    (costs,) = tables(text[text.index("<!-- study systems: begin") :])["arm | parameters"]
    assert [row[0] for row in costs[1:]] == SYSTEMS
    assert [row[3] for row in costs[1:]] == ["none", "depth, pose", "depth", *["none"] * 5]
    assert "2.24" in text and "latency x 3D-IDE" in text


def refused(monkeypatch, capsys, *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["ide3d-compare", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    message = capsys.readouterr().err
    assert stop.value.code == 2 and message.startswith("ide3d-compare: ")
    return message


def test_what_is_missing_is_named_before_anything_is_trained(study_file, tmp_path, monkeypatch, capsys):
    output = ("--output", str(tmp_path / "runs"), "--results", str(tmp_path / "RESULTS.md"))
    said = refused(monkeypatch, capsys, "--study", str(tmp_path / "absent.yaml"))
    assert "no study at" in said
    study = ("--study", str(study_file), *output)
    said = refused(monkeypatch, capsys, *study, "--set", f"data.directory={tmp_path}")
    assert "ide3d-worlds render" in said
    assert "no split 'tset'" in refused(monkeypatch, capsys, *study, "--split", "tset")
    assert "unknown key 'stepz'" in refused(monkeypatch, capsys, *study, "--set", "optimisation.stepz=1")
    said = refused(
        monkeypatch, capsys, "--study", str(study_file), "--results", str(tmp_path / "no" / "R.md")
    )
    assert "does not exist" in said
    assert not list((tmp_path / "runs").glob("*-0"))


def test_what_an_arm_begins_with_or_learns_from_is_named_where_it_is_not_there(
    rooms, tmp_path, monkeypatch, capsys
):
    output = ("--output", str(tmp_path), "--results", str(tmp_path / "R"))
    study = ("--study", str(STUDIES / "ablation.yaml"), *output)
    places = ("--set", f"data.directory={rooms}", "--set", f"data.teacher={tmp_path / 'none'}")
    said = refused(monkeypatch, capsys, *study, *places)
    assert "begin with the run at runs/rgb, which holds no checkpoint" in said
    said = refused(monkeypatch, capsys, *study, *places, "--set", "start_from=''")
    assert "arm '+global' reads a teacher's features at" in said and "ide3d-teacher cache" in said
