# SPDX-License-Identifier: Apache-2.0
"""Correlations of known numbers are known, and say nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.metrics.correlation import correlations


def test_known_numbers_give_known_correlations():
    x, y = [1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 7, 5]
    found = correlations(x, y, [1, 1, 2, 2, 3, 3])
    assert found["pearson"]["r"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert found["spearman"]["r"] == pytest.approx(1 - 6 * 6 / (6 * 35))  # every rank is off by one
    low, high = found["pearson"]["interval"]
    z = np.arctanh(found["pearson"]["r"])
    assert (low, high) == pytest.approx(tuple(np.tanh([z - 1.96 / 3**0.5, z + 1.96 / 3**0.5])), abs=1e-4)


def test_ranks_see_any_rising_curve_and_share_ties():
    x = np.arange(8.0)
    assert correlations(x, np.exp(x), x)["spearman"]["r"] == pytest.approx(1.0)
    assert correlations([1, 1, 2], [5, 5, 9], [1, 2, 3])["spearman"]["r"] == pytest.approx(1.0)


def test_what_both_share_with_the_step_is_taken_away():
    rng = np.random.default_rng(0)
    step = np.arange(40.0)
    found = correlations(step + rng.normal(size=40), 2 * step + rng.normal(size=40), step)
    assert found["pearson"]["r"] > 0.95 and abs(found["pearson_given"]["r"]) < 0.4
    assert correlations(step, 2 * step, step)["pearson_given"]["r"] is None


def test_few_or_constant_numbers_have_no_interval():
    assert correlations([1, 2, 4], [1, 3, 2], [1, 2, 3])["pearson"]["interval"] is None
    assert correlations([1] * 6, range(6), range(6))["pearson"] == {"r": None, "interval": None}
