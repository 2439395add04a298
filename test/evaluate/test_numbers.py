# SPDX-License-Identifier: Apache-2.0
"""Answers that are lengths are scored by how far off they are."""

from __future__ import annotations

import pytest

from ide3d_training.evaluate.numbers import number_figures
from ide3d_training.evaluate.scoring import QuestionScore


def measured(said_m: float | None, kind: str = "distance", right: bool = False) -> QuestionScore:
    return QuestionScore(0, kind, "2.0 m", "", right, None, 2.0, said_m)


def test_accuracy_error_and_answers_without_a_length():
    # Off by 0, 25 and 60 %; MRA 1, 6 of 10 thresholds (1 - t >= 0.25), none; one says no length.
    scores = [measured(2.0, right=True), measured(2.5), measured(3.2), measured(None)]
    figures = number_figures([*scores, QuestionScore(0, "color", "red", "red", True)])
    assert figures["n"] == 4
    assert figures["answered"] == 75.0
    assert figures["mra"] == pytest.approx(100 * (1.0 + 0.6 + 0.0 + 0.0) / 4)
    assert figures["em"] == 25.0
    assert figures["median_relative_error"] == 0.25


def test_lengths_are_broken_down_by_kind():
    figures = number_figures([measured(2.0), measured(None, kind="size")])
    assert {kind: row["mra"] for kind, row in figures["by_kind"].items()} == {"distance": 100.0, "size": 0.0}
    assert figures["by_kind"]["size"]["median_relative_error"] is None


def test_no_lengths_asked_gives_no_figures():
    figures = number_figures([QuestionScore(0, "color", "red", "red", True)])
    assert (figures["n"], figures["mra"], figures["by_kind"]) == (0, None, {})
