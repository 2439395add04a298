# SPDX-License-Identifier: Apache-2.0
"""Reliability and refusal agree with hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.metrics.calibration import reliability
from ide3d_training.metrics.inputs import MetricInputError
from ide3d_training.metrics.risk_coverage import risk_coverage


def test_gaps_are_weighed_by_the_number_of_answers():
    found = reliability([0.95, 0.95, 0.55, 0.45], [True, False, True, False], bins=2)
    assert found.counts.tolist() == [1, 3]
    assert found.confidence == pytest.approx([0.45, 2.45 / 3])
    assert found.accuracy == pytest.approx([0.0, 2 / 3])
    assert found.expected_error == pytest.approx(0.25 * 0.45 + 0.75 * 0.15)
    assert found.largest_error == pytest.approx(0.45)


def test_upper_edge_belongs_to_a_bin_and_the_ends_are_inside():
    assert reliability([0.0, 0.5, 1.0], [0, 0, 1], bins=2).counts.tolist() == [2, 1]


def test_empty_bins_have_no_mean_and_no_weight():
    found = reliability([0.9, 0.9], [1, 1], bins=3)
    assert np.isnan(found.confidence[:2]).all() and np.isnan(found.accuracy[:2]).all()
    assert found.expected_error == pytest.approx(0.1)


def test_well_calibrated_answers_have_hardly_any_error():
    rng = np.random.default_rng(0)
    sure = rng.random(20_000)
    right = rng.random(20_000) < sure
    assert reliability(sure, right).expected_error < 0.02
    assert reliability(sure, ~right).expected_error > 0.4


@pytest.mark.parametrize(
    ("sure", "right", "bins", "message"),
    [
        ([0.5], [], 15, "1 confidences, 0 right"),
        ([], [], 15, "nothing to measure"),
        ([1.5], [1], 15, "confidences"),
        ([0.5], [2], 15, "right"),
        ([0.5], [1], 0, "0 bins"),
    ],
)
def test_bad_confidences_are_named(sure, right, bins, message):
    with pytest.raises(MetricInputError, match=message):
        reliability(sure, right, bins)


def test_risk_falls_as_unsure_answers_are_refused():
    found = risk_coverage([0.6, 0.9, 0.7, 0.8], [1, 0, 0, 1])  # by confidence: 0 1 0 1
    assert found.coverage == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert found.risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert found.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert found.least_area == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


def test_coverage_at_a_risk_is_the_largest():
    found = risk_coverage([4, 3, 2, 1], [0, 1, 0, 1])
    assert found.coverage_at(0.4) == 0.75
    assert found.coverage_at(0.0) == 0.25
    assert risk_coverage([2, 1], [1, 1]).coverage_at(0.5) == 0.0


def test_order_of_equally_sure_answers_does_not_matter():
    found = risk_coverage([0.5, 0.5, 0.9, 0.5], [1, 0, 0, 0])
    again = risk_coverage([0.5, 0.9, 0.5, 0.5], [0, 0, 0, 1])
    assert found.risk == pytest.approx(again.risk)
    assert found.risk == pytest.approx([0, 1 / 6, 2 / 9, 1 / 4])


def test_confidence_that_says_nothing_leaves_the_mean_risk_everywhere():
    found = risk_coverage([0.5] * 4, [1, 0, 1, 0])
    assert found.risk == pytest.approx([0.5] * 4) and found.area == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("sure", "losses", "message"),
    [([0.5], [0, 1], "2 losses"), ([float("nan")], [0], "confidences"), ([0.5], [-1], "negative")],
)
def test_bad_losses_are_named(sure, losses, message):
    with pytest.raises(MetricInputError, match=message):
        risk_coverage(sure, losses)
