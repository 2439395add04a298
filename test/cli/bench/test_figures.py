# SPDX-License-Identifier: Apache-2.0
"""Percentiles, ratios and growth of times."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_ros.cli.bench.figures import growth, ratio, summaries, summary


def test_a_summary_holds_least_value_percentiles_and_number() -> None:
    values = np.random.default_rng(0).permutation(np.arange(1.0, 102.0))
    assert summary(values) == {"min": 1.0, "p50": 51.0, "p95": 96.0, "p99": 100.0, "count": 101}


def test_nothing_measured_is_no_zero() -> None:
    assert summary([]) == {"count": 0}
    assert ratio([], [1.0]) is ratio([1.0], []) is None
    assert growth([1.0] * 5) is None


def test_each_of_several_is_summed_up() -> None:
    assert {name: one["count"] for name, one in summaries({"a": [1.0], "b": []}).items()} == {"a": 1, "b": 0}


def test_a_ratio_is_of_medians_so_that_one_late_repetition_moves_nothing() -> None:
    assert ratio([2.0, 2.0, 2000.0], [8.0, 8.0, 8.0]) == 0.25


def test_a_series_that_stays_does_not_grow_and_one_that_climbs_does() -> None:
    assert growth([5.0, 7.0, 6.0] * 10) == 1.0
    assert growth(list(np.linspace(1, 10, 30))) == pytest.approx(8.6 / 2.4, rel=0.01)
