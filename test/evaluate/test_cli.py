# SPDX-License-Identifier: Apache-2.0
"""`ide3d-evaluate` refuses what it cannot use with one line, before it renders, and measures the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ide3d_training.evaluate import cli
from ide3d_training.evaluate.runner import Evaluation
from ide3d_training.evaluate.seeds import TEST_SPLITS
from ide3d_training.worlds.splits import BY_NAME


def run(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["ide3d-evaluate", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code, capsys.readouterr().err


def measure(monkeypatch, bundle, file: Path, *arguments: str) -> dict:
    """Run to the end and return the report."""
    words = ["ide3d-evaluate", "--bundle", str(bundle.folder), "--json", str(file), *arguments]
    monkeypatch.setattr("sys.argv", words)
    cli.main()
    return json.loads(file.read_text())


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--rooms", "0"), "--rooms must be at least 1, not 0"),
        (("--rooms", "-5"), "--rooms must be at least 1, not -5"),
        (("--rooms", "many"), "'--rooms'"),
        (("--seed", "-1"), "--seed must be at least 0, not -1"),
        (("--split", "training"), "no split 'training' is evaluated: take one of test, test-wording"),
        (("--split", "test-far", "--seed", "500000"), "seed 500000 lies in split test, not test-far"),
        (("--seed", "549990", "--rooms", "20"), "lie in the splits test and test-wording"),
        (("--split", "all", "--perturb"), "--perturb goes with one split"),
        (("--bundle", "no_such_bundle"), "no bundle is called 'no_such_bundle'"),
        (("--json", "no_such_folder/report.json"), "no_such_folder does not exist"),
        (("--json", "."), "it is a folder"),
        (("--recording", "no_such_folder"), "there is no folder no_such_folder"),
        (("--recording", ".", "--rooms", "5"), "leave --split, --rooms and --seed out"),
        (("--recording", ".", "--split", "val"), "leave --split, --rooms and --seed out"),
        (("--unknown",), "--unknown"),
    ],
)
def test_wrong_argument_gives_one_line(monkeypatch, capsys, arguments, cause):
    status, message = run(monkeypatch, capsys, *arguments)
    assert status == 2
    assert cause in message
    assert message.startswith("ide3d-evaluate: ") and message.count("\n") == 1


def test_empty_folder_is_named_as_no_bundle(monkeypatch, capsys, tmp_path):
    status, message = run(monkeypatch, capsys, "--bundle", str(tmp_path))
    assert status == 2
    assert "manifest.json" in message and message.count("\n") == 1


def test_plots_do_not_replace_a_file(monkeypatch, capsys, tmp_path):
    (tmp_path / "plots").write_text("mine")
    status, message = run(monkeypatch, capsys, "--plots", str(tmp_path / "plots"))
    assert status == 2 and "cannot draw into" in message
    assert (tmp_path / "plots").read_text() == "mine"


@pytest.mark.parametrize(
    "file", ["calibration.json", "poses.json", "objects.json", "grounding.json", "qa.json"]
)
def test_missing_part_of_a_recording_gives_one_line(monkeypatch, capsys, recording, file):
    (recording / file).unlink()
    status, message = run(monkeypatch, capsys, "--recording", str(recording))
    assert status == 2
    assert file in message and message.count("\n") == 1


def test_bundle_is_scored_on_rendered_rooms_at_its_own_image_size(monkeypatch, capsys, tmp_path, fake_bundle):
    report = measure(monkeypatch, fake_bundle, tmp_path / "report.json", "--rooms", "3", "--seed", "700010")
    sizes = fake_bundle.manifest.network
    assert report["image_size"] == [sizes.width, sizes.height]
    assert (report["rooms"], report["seed"], report["split"]) == (3, 700010, "test-layout")
    assert report["mode"] == "direct"
    assert report["n_queries"] == report["prior"]["n_queries"] > 20
    for key in ("acc@0.25", "acc@0.50", "f1@0.25", "f1@0.50", "em"):
        assert 0.0 <= report[key] <= 100.0 and 0.0 <= report["prior"][key] <= 100.0
    assert set(report["em_by_kind"]) == set(report["majority"])
    assert report["detection"]["objects"] > 0
    assert "Acc@0.25" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]  # no draft is left behind


def test_split_begins_with_its_first_room_and_names_itself(monkeypatch, capsys, tmp_path, fake_bundle):
    report = measure(
        monkeypatch, fake_bundle, tmp_path / "report.json", "--split", "test-pairs", "--rooms", "1"
    )
    assert (report["split"], report["seed"]) == ("test-pairs", BY_NAME["test-pairs"].first)
    assert "split test-pairs, 1 rooms" in capsys.readouterr().out


def test_all_splits_share_one_table_and_one_report(monkeypatch, capsys, tmp_path, fake_bundle):
    plots = tmp_path / "plots"
    arguments = ("--split", "all", "--rooms", "1", "--plots", str(plots))
    report = measure(monkeypatch, fake_bundle, tmp_path / "report.json", *arguments)
    assert list(report["splits"]) == list(TEST_SPLITS)
    for name, one in report["splits"].items():
        assert (one["split"], one["seed"]) == (name, BY_NAME[name].first)
        assert (plots / name / "breakdown.png").exists()
    assert (plots / "splits.png").exists()
    assert "wording" in capsys.readouterr().out


def test_perturbations_are_measured_on_the_same_rooms(monkeypatch, capsys, tmp_path, fake_bundle):
    arguments = ("--rooms", "2", "--perturb", "--plots", str(tmp_path / "plots"))
    report = measure(monkeypatch, fake_bundle, tmp_path / "report.json", *arguments)
    rows = report["perturbations"]
    assert rows["blur"]["n"] == report["n_queries"]
    assert 0 < rows["focal x2"]["n"] < report["n_queries"]
    assert rows["focal x2"]["n"] == rows["focal x2, untold"]["n"]
    assert "1 frame" in rows["dropped frames"]["reason"]
    assert (tmp_path / "plots" / "perturbations.png").exists()
    assert "focal x0.5" in capsys.readouterr().out


def test_recording_is_scored_like_rooms(monkeypatch, capsys, tmp_path, fake_bundle, recording):
    arguments = ("--recording", str(recording), "--perturb", "--plots", str(tmp_path / "plots"))
    report = measure(monkeypatch, fake_bundle, tmp_path / "report.json", *arguments)
    assert (report["recording"], report["frames"], report["image_size"]) == ("corner", 3, [64, 48])
    assert report["n_expressions"] == {"unique": 1, "zero": 2}
    assert report["acc@0.50"] == 100.0
    assert report["detection"]["ap3d@0.50"] == 100.0
    assert report["captions"]["described"] == 1
    assert report["numbers"]["n"] == 1
    assert "cannot be drawn" in report["perturbations"]["focal x2"]["reason"]
    assert report["perturbations"]["jpeg"]["n"] == report["n_queries"]
    assert "recording corner, 3 frames" in capsys.readouterr().out


def test_interrupted_run_shows_what_was_measured_and_writes_no_report(
    monkeypatch, capsys, tmp_path, fake_bundle
):
    add = Evaluation.add

    def interrupt_after_two(self, frame):
        if self.frames == 2:
            raise KeyboardInterrupt
        add(self, frame)

    monkeypatch.setattr(Evaluation, "add", interrupt_after_two)
    file = tmp_path / "report.json"
    words = ["ide3d-evaluate", "--bundle", str(fake_bundle.folder), "--rooms", "5", "--json", str(file)]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr()
    assert stop.value.code == 130
    assert said.err.splitlines()[-1] == (
        "ide3d-evaluate: interrupted after 2 of 5 frames; no report was written"
    )
    assert "split test, 2 rooms" in said.out
    assert not list(tmp_path.iterdir())


def test_two_runs_with_one_seed_give_the_same_report(monkeypatch, tmp_path, fake_bundle):
    arguments = ("--rooms", "2", "--seed", "700020")
    first, second = (
        measure(monkeypatch, fake_bundle, tmp_path / f"{name}.json", *arguments) for name in ("a", "b")
    )
    assert first == second
