# SPDX-License-Identifier: Apache-2.0
"""A run leaves curves, pictures and events behind, and a smoke run says whether the loss fell."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from ide3d_ros.network import NetworkOutput
from ide3d_training.config import ConfigError, LossWeights, TrainConfig, load_config
from ide3d_training.curves import PANELS, plot_curves
from ide3d_training.run import Run
from ide3d_training.run_log import CurveLog, EventLog
from ide3d_training.samples import WIDTH, sample_sheet, true_fields
from ide3d_training.smoke import loss_fell
from ide3d_training.train import app
from ide3d_training.validation import measure_depth

from .conftest import IDE3D, TINY_IDE3D, words

GREEN, ORANGE = (40, 220, 90), (255, 120, 30)


def drawn(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - color).sum(-1) < 12).sum())


@pytest.fixture
def run(all_objectives: TrainConfig, tmp_path: Path) -> Run:
    return Run(all_objectives, tmp_path)


def test_a_validation_measures_and_draws(run: Run, tmp_path: Path):
    run.learn(next(run.batches()))
    figures = run.validate()
    assert {"val_pointed", "val_rejected", "val_answer", "val_depth_map"} <= set(figures)
    assert 0 < figures["val_depth_map"] < 5
    sheet = cv2.imread(str(tmp_path / "samples/step-000001.jpg"))
    assert sheet.shape[1] == 3 * WIDTH  # the frame, the decoded depth, the true depth


def test_true_boxes_are_green_and_predicted_ones_orange(run: Run):
    (batch,) = next(run.batches())
    config = run.network.config
    count, prompts, queries = batch.target_tokens.shape[:3]
    none = torch.full((count, prompts, queries, config.tokens + 1), -20.0)
    none[..., -1] = 0.0
    perfect = none.clone()
    for place in torch.nonzero(batch.target_count > 0).tolist():
        for query in range(int(batch.target_count[tuple(place)])):
            tokens = batch.target_tokens[(*place, query)]
            perfect[(*place, query)] = -20.0
            perfect[(*place, query)][:-1][tokens] = -float(torch.log(tokens.sum()))
    fields = torch.stack([true_fields(batch, row, config) for row in range(count)])

    def sheet(pointer: torch.Tensor) -> np.ndarray:
        said = NetworkOutput(torch.zeros(0), pointer, fields, batch.gravity, torch.zeros(0))
        return sample_sheet(batch, said, None, config, run._examiner._tokenizer)

    silent, right = sheet(none), sheet(perfect)
    height = WIDTH * config.height // config.width
    assert drawn(silent[:height], GREEN) > 100 and drawn(silent[:height], ORANGE) == 0
    # A right box covers the true one.
    assert drawn(right[:height], ORANGE) > 100 > drawn(right[:height], GREEN)


def test_abs_rel_is_measured_where_depth_is_known():
    truth = torch.tensor([[[2.0, 0.0], [4.0, torch.nan]], [[0.0, 0.0], [0.0, torch.inf]]])
    depth = torch.tensor([[[1.0, 9.0], [5.0, 9.0]], [[9.0, 9.0], [9.0, 9.0]]])
    assert measure_depth(depth, truth) == {"depth_map": pytest.approx([(0.5 + 0.25) / 2])}


def test_every_term_of_a_method_has_a_place_in_the_picture(tmp_path: Path):
    shown = {column for panel in PANELS for column in panel}
    assert set(CurveLog.columns) >= shown
    assert set(LossWeights.terms()[LossWeights.terms().index("depth_map") :]) <= shown

    def picture(**terms: float) -> tuple[int, ...]:
        path = tmp_path / f"{len(terms)}.csv"
        log = CurveLog(path, 0)
        for step in (1, 2):
            log.write({"step": step, "minutes": 0.0, "loss": 3.0, **terms})
        log.close()
        plot_curves(path, path.with_suffix(".png"))
        return cv2.imread(str(path.with_suffix(".png"))).shape

    assert picture(depth_map=1.0, alignment=2.0, depth=1.0, val_answer=5.0)[0] > picture()[0]


def test_events_hold_what_the_curve_holds(tmp_path: Path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.record_writer import RecordWriter  # noqa: F401  the package itself, not a namesake

    log = EventLog(tmp_path / "events", 0)
    log.write({"step": 3, "loss": 2.5, "val_answer": 40.0})
    log.close()
    (path,) = (tmp_path / "events").iterdir()
    data = path.read_bytes()
    assert b"train/loss" in data and b"validation/answer" in data and b"step" not in data


def test_events_without_their_package_are_refused_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ConfigError, match="pip install tensorboardX=="):
        EventLog(tmp_path, 0)


def test_a_smoke_run_needs_nothing_and_says_that_the_loss_fell(tmp_path: Path):
    small = words(*TINY_IDE3D, "optimisation.steps=20", "optimisation.learning_rate=0.003")
    command = ["--config", str(IDE3D), "--output", str(tmp_path), "--smoke", *small]
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 0, answer.output
    assert "the loss fell" in " ".join(answer.output.split())
    with open(tmp_path / "curve.csv", newline="") as file:
        row = list(csv.DictReader(file))[-1]
    losses = load_config(IDE3D).losses
    assert all(float(row[term]) > 0 for term in losses.terms() if getattr(losses, term))
    assert (tmp_path / "teacher_features/manifest.json").exists()
    assert len(list((tmp_path / "samples").iterdir())) == 1
    assert (tmp_path / "curve.png").exists()


@pytest.mark.parametrize(("last", "fell"), [(1.0, True), (5.0, False), (3.0, False)])
def test_a_loss_that_did_not_fall_is_not_passed_off_as_one_that_did(last: float, fell: bool, tmp_path: Path):
    log = CurveLog(tmp_path / "curve.csv", 0)
    for step in range(1, 21):
        log.write({"step": step, "minutes": 0.0, "loss": 3.0 if step <= 10 else last})
    log.close()
    assert loss_fell(tmp_path / "curve.csv") == fell


def test_a_run_that_skipped_its_steps_did_not_learn(tmp_path: Path):
    log = CurveLog(tmp_path / "curve.csv", 0)
    for step in range(1, 41):
        log.write({"step": step, "minutes": 0.0} | ({"loss": 3.0 - step / 40} if step < 10 else {}))
    log.close()
    assert not loss_fell(tmp_path / "curve.csv")
