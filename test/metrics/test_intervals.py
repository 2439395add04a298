# SPDX-License-Identifier: Apache-2.0
"""Bootstrap intervals treat the queries of one room as one draw."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.metrics.intervals import bootstrap_interval


def test_interval_of_independent_values_is_the_normal_one():
    values = np.tile([0.0, 1.0], 200)
    low, high = bootstrap_interval(values, np.arange(400), np.random.default_rng(0))
    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.025, 0.5 + 1.96 * 0.025), abs=0.006)


def test_interval_widens_where_rooms_go_together():
    values = np.repeat(np.tile([0.0, 1.0], 20), 10)  # 40 rooms of ten queries that all share one fate
    low, high = bootstrap_interval(values, np.repeat(np.arange(40), 10), np.random.default_rng(0))
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(40), abs=0.03)


def test_rooms_weigh_by_their_queries():
    low, high = bootstrap_interval([1.0, 0.0, 0.0, 0.0], [8, 9, 9, 9], np.random.default_rng(0))
    assert (low, high) == (0.0, 1.0)


def test_same_generator_state_gives_the_same_interval_and_no_values_give_none():
    values, groups = np.random.default_rng(1).random(50), np.arange(50) // 3
    ends = [bootstrap_interval(values, groups, np.random.default_rng(2)) for _ in range(2)]
    assert ends[0] == ends[1]
    assert bootstrap_interval([], [], np.random.default_rng(0)) is None
