# SPDX-License-Identifier: Apache-2.0
"""`ide3d-evaluate` refuses what it cannot use with one line, before it renders anything."""

from __future__ import annotations

import json

import pytest

from ide3d_training.evaluate import cli


def run(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["ide3d-evaluate", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--rooms", "0"), "--rooms must be at least 1, not 0"),
        (("--rooms", "-5"), "--rooms must be at least 1, not -5"),
        (("--rooms", "many"), "'--rooms'"),
        (("--seed", "-1"), "--seed must be at least 0, not -1"),
        (("--bundle", "no_such_bundle"), "no bundle is called 'no_such_bundle'"),
        (("--json", "no_such_folder/report.json"), "no_such_folder does not exist"),
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


def test_bundle_is_scored_on_rendered_rooms_at_its_own_image_size(monkeypatch, capsys, tmp_path, fake_bundle):
    file = tmp_path / "report.json"
    arguments = ("--bundle", str(fake_bundle.folder), "--rooms", "3", "--seed", "700010", "--json", str(file))
    monkeypatch.setattr("sys.argv", ["ide3d-evaluate", *arguments])
    cli.main()
    report = json.loads(file.read_text())
    sizes = fake_bundle.manifest.network
    assert report["image_size"] == [sizes.width, sizes.height]
    assert (report["rooms"], report["seed"], report["mode"]) == (3, 700010, "direct")
    assert report["n_queries"] == report["prior"]["n_queries"] > 20
    for key in ("acc@0.25", "acc@0.50", "f1@0.25", "f1@0.50", "em"):
        assert 0.0 <= report[key] <= 100.0 and 0.0 <= report["prior"][key] <= 100.0
    assert set(report["em_by_kind"]) == set(report["majority"])
    assert "Acc@0.25" in capsys.readouterr().out


def test_two_runs_with_one_seed_give_the_same_report(monkeypatch, tmp_path, fake_bundle):
    reports = []
    for name in ("first", "second"):
        file = tmp_path / f"{name}.json"
        arguments = (
            "--bundle",
            str(fake_bundle.folder),
            "--rooms",
            "2",
            "--seed",
            "700020",
            "--json",
            str(file),
        )
        monkeypatch.setattr("sys.argv", ["ide3d-evaluate", *arguments])
        cli.main()
        reports.append(file.read_bytes())
    assert reports[0] == reports[1]
