# SPDX-License-Identifier: Apache-2.0
"""Seeds are pooled over rooms, and methods compared room by room."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.compare.pooling import gain, pooled
from ide3d_training.compare.report import commands
from ide3d_training.compare.scoring import query_cases
from ide3d_training.compare.study import load_study, plan
from ide3d_training.evaluate.figures import intervals, summary
from ide3d_training.evaluate.scoring import ExpressionScore, QuestionScore, Scores


def test_a_figure_has_the_mean_of_its_seeds_and_an_interval_around_it():
    figure = pooled([[(1, 1.0), (1, 0.0), (2, 1.0), (3, 0.0)], [(1, 0.0), (1, 0.0), (2, 1.0), (3, 0.0)]])
    assert figure.per_seed == (0.5, 0.25)
    assert figure.mean == pytest.approx(0.375)
    assert figure.interval[0] < 0.375 < figure.interval[1]


def test_more_seeds_on_the_same_rooms_do_not_count_as_more_rooms():
    rng = np.random.default_rng(0)
    cases = [(room, float(rng.random() < 0.5)) for room in range(40)]
    assert pooled([cases] * 4).interval == pytest.approx(pooled([cases]).interval)


def test_rooms_that_are_hard_for_both_do_not_blur_a_gain():
    difficulty = np.random.default_rng(0).random(60)
    worse = [(room, float(d)) for room, d in enumerate(difficulty)]
    better = [(room, value + 0.1) for room, value in worse]
    found = gain([better], [worse])
    assert found.mean == pytest.approx(0.1)
    assert found.interval == pytest.approx((0.1, 0.1))


def test_nothing_asked_has_no_figure():
    assert pooled([[], []]) is None
    assert gain([[]], [[(1, 1.0)]]) is None


def expression(
    group: int, kind: str, detected: bool, iou: float, f1: float, refused=False
) -> ExpressionScore:
    return ExpressionScore(group, kind, "category", detected, iou, (f1, f1), None, refused=refused)


def test_cases_have_the_means_that_ide3d_evaluate_prints():
    scores = Scores(
        (
            expression(1, "unique", True, 0.6, 0.0),
            expression(1, "unique", True, 0.3, 0.0),
            expression(2, "multi", False, 0.0, 0.4),
            expression(2, "zero", False, 0.0, 1.0),
            expression(3, "zero", False, 0.0, 0.0, refused=True),
        ),
        (QuestionScore(1, "count", "two", "two", True), QuestionScore(3, "count", "two", "one", False)),
    )
    figures, ends = summary(scores), intervals(scores)
    for name, cases in query_cases(scores).items():
        pool = pooled([cases])
        assert 100 * pool.mean == pytest.approx(figures[name], abs=0.01), name
        assert [100 * end for end in pool.interval] == pytest.approx(ends[name], abs=0.01), name


def test_commands_name_no_place_on_this_machine(study_file, tmp_path):
    overrides = [f"data.directory={tmp_path}", f"data.teacher={tmp_path}", "optimisation.steps=9"]
    study = load_study(study_file)
    runs = plan(study, study_file, tmp_path / "elsewhere", overrides)
    said = commands(study, study_file, runs, ["--seed", "0"], overrides)
    assert str(tmp_path) not in str(said)
    assert said["study"][-1] == "ide3d-compare --study two.yaml --seed 0 --set optimisation.steps=9"
    assert len(said["arms"]) == 2
    assert "--set losses.depth_map=0.8" in said["arms"][1]
