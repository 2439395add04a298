# SPDX-License-Identifier: Apache-2.0
"""The focal-length study tells a depth that follows the lens from one that follows apparent size."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ide3d_training.evaluate import focal_cli
from ide3d_training.evaluate.focal_study import FACTORS, FocalStudy, through_lens
from ide3d_training.evaluate.posed import PosedFrame, Redrawn, Responses


class SizeReader:
    """Reads depth off apparent size, for the lens that it is told of or for one that it takes for granted."""

    def __init__(self, focal: float | None):
        self._focal = focal

    def respond(self, frame: PosedFrame) -> Responses:
        assert not frame.questions and all(asked.kind == "unique" for asked in frame.expressions)
        share = 1.0 if self._focal is None else self._focal / frame.camera.focal
        boxes = [
            (replace(asked.truths[0], center=asked.truths[0].center * share),) for asked in frame.expressions
        ]
        return Responses(tuple(boxes), ())


class Blind:
    """Never finds anything."""

    def respond(self, frame: PosedFrame) -> Responses:
        return Responses(tuple(() for _ in frame.expressions), ())


@pytest.fixture
def frames(posed):
    def redraw(camera):
        return Redrawn(np.zeros((192, 256, 3), np.uint8), (0, 1, 2), (0, 1))

    return [replace(posed(group), redraw=redraw) for group in range(4)]


def test_slope_is_zero_where_depth_follows_the_lens_and_minus_one_where_it_does_not(frames):
    focal = frames[0].camera.focal
    study = FocalStudy({"knows": SizeReader(None), "guesses": SizeReader(focal), "blind": Blind()})
    for frame in frames:
        study.add(frame)
    report = study.report()
    assert report["knows"]["slope"] == pytest.approx(0.0, abs=1e-9)
    assert report["guesses"]["slope"] == pytest.approx(-1.0)
    for factor in FACTORS:
        lens = report["guesses"]["lenses"][f"{factor:g}"]
        assert lens["depth_ratio"] == pytest.approx(1 / factor)
        assert (lens["n"], lens["placed"]) == (4, 4)
    assert report["knows"]["lenses"]["2"]["acc"] == 100.0
    assert report["guesses"]["lenses"]["2"]["acc"] == 0.0
    assert report["blind"]["slope"] is None
    assert report["blind"]["lenses"]["1"] | {"interval": None} == {
        "n": 4,
        "acc": 0.0,
        "interval": None,
        "placed": 0,
        "depth_ratio": None,
        "quartiles": None,
    }


def test_a_lens_of_factor_one_is_the_frame_itself(frames):
    assert through_lens(frames[0], 1.0) is frames[0]


def test_a_study_is_drawn_and_told(frames, tmp_path):
    study = FocalStudy({"a": SizeReader(None), "b": Blind()})
    study.add(frames[0])
    report = {"rooms": 1, "seed": 0, "networks": study.report()}
    focal_cli.draw(report, tmp_path / "study.png")
    assert (tmp_path / "study.png").stat().st_size > 10_000
    table = focal_cli.focal_table(report)
    assert table.row_count == len(FACTORS) + 1


def test_command_compares_bundles_on_rooms(monkeypatch, fake_bundle, tmp_path, capsys):
    words = ["ide3d-focal-study", "--bundle", str(fake_bundle.folder), "--rooms", "1", "--output"]
    monkeypatch.setattr("sys.argv", [*words, str(tmp_path)])
    focal_cli.main()
    report = json.loads((tmp_path / "focal_study.json").read_text())
    (name,) = report["networks"]
    assert name.endswith("virtual camera of 50 px")
    assert "x0.5" in capsys.readouterr().out
    assert (tmp_path / "focal_study.png").exists()


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--bundle", "nano", "--bundle", "nano"), "two bundles are called 'nano"),
        (("--bundle", "no_such_bundle"), "no bundle is called 'no_such_bundle'"),
        (("--bundle", "nano", "--rooms", "0"), "--rooms"),
        (("--bundle", "nano", "--seed", "-1"), "--seed must be at least 0"),
    ],
)
def test_wrong_argument_gives_one_line(monkeypatch, capsys, tmp_path, arguments, cause):
    monkeypatch.setattr("sys.argv", ["ide3d-focal-study", "--output", str(tmp_path), *arguments])
    with pytest.raises(SystemExit) as stop:
        focal_cli.main()
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert cause in message and message.startswith("ide3d-focal-study: ") and message.count("\n") == 1
