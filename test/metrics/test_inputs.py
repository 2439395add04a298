# SPDX-License-Identifier: Apache-2.0
"""Input that cannot be measured is named."""

from __future__ import annotations

import numpy as np
import pytest

from ide3d_training.metrics.grouping import GroupMean, mean_by_group
from ide3d_training.metrics.inputs import (
    MetricInputError,
    check_references,
    check_same_length,
    finite_vector,
    vector_in_unit_range,
)


def test_lists_of_different_length_are_named_with_their_lengths():
    with pytest.raises(MetricInputError, match="2 predictions, 1 answers"):
        check_same_length(predictions=["a", "b"], answers=["a"])


def test_nothing_to_measure_is_an_error():
    with pytest.raises(MetricInputError, match="nothing to measure"):
        check_same_length(predictions=[], answers=[])


def test_common_length_is_returned():
    assert check_same_length(first=[1, 2], second=np.zeros(2)) == 2


def test_item_without_reference_is_named():
    with pytest.raises(MetricInputError, match="item 1 has no reference"):
        check_references([["a"], []])


def test_bare_text_in_place_of_references_is_not_taken_letter_by_letter():
    with pytest.raises(MetricInputError, match="put it into a list"):
        check_references(["a chair"])


@pytest.mark.parametrize("values", [[0.0, float("nan")], [0.0, float("inf")], [[0.0]]])
def test_values_are_a_flat_list_of_finite_numbers(values):
    with pytest.raises(MetricInputError, match="scores"):
        finite_vector("scores", values)


@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_shares_lie_between_0_and_1(value):
    with pytest.raises(MetricInputError, match=r"ious\[1\]"):
        vector_in_unit_range("ious", [0.5, value])


def test_means_by_group_keep_the_order_of_first_appearance():
    rows = mean_by_group([1.0, 0.0, 0.5], ["kitti", "sunrgbd", "kitti"])
    assert list(rows.items()) == [("kitti", GroupMean(0.75, 2)), ("sunrgbd", GroupMean(0.0, 1))]
