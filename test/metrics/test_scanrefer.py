# SPDX-License-Identifier: Apache-2.0
"""Acc@k is split by whether the target is the only object of its class."""

from __future__ import annotations

import pytest

from ide3d_training.metrics.grouping import GroupMean
from ide3d_training.metrics.inputs import MetricInputError
from ide3d_training.metrics.scanrefer import (
    SCANNET_CLASSES,
    scannet_class,
    scanrefer_accuracy,
    scanrefer_split,
)


def test_there_are_twenty_classes_and_the_rest_share_one():
    assert len(set(SCANNET_CLASSES)) == 20
    assert scannet_class("chair") == "chair"
    assert scannet_class("lamp") == scannet_class("whiteboard") == "otherfurniture"


def test_target_is_unique_only_where_nothing_else_has_its_class():
    assert scanrefer_split("bed", ["bed", "chair", "chair"]) == "unique"
    assert scanrefer_split("chair", ["bed", "chair", "chair"]) == "multiple"


def test_objects_of_different_name_share_the_rest_class():
    classes = [scannet_class(name) for name in ("lamp", "whiteboard", "bed")]
    assert scanrefer_split(scannet_class("lamp"), classes) == "multiple"


def test_target_that_is_not_listed_in_its_scene_is_an_error():
    with pytest.raises(MetricInputError, match="'sofa'"):
        scanrefer_split("sofa", ["bed"])


def test_accuracy_counts_the_threshold_itself_and_splits():
    found = scanrefer_accuracy([0.25, 0.5, 0.24, 0.9], ["unique", "unique", "multiple", "multiple"])
    assert found[0.25].overall == GroupMean(0.75, 4)
    assert found[0.25].unique == GroupMean(1.0, 2)
    assert found[0.25].multiple == GroupMean(0.5, 2)
    assert found[0.5].unique == GroupMean(0.5, 2)


def test_split_without_descriptions_has_no_accuracy():
    assert scanrefer_accuracy([0.3], ["unique"])[0.25].multiple is None


@pytest.mark.parametrize(
    ("ious", "splits", "message"),
    [
        ([0.1], [], "1 ious, 0 splits"),
        ([], [], "nothing to measure"),
        ([1.2], ["unique"], "0..1"),
        ([0.2], ["easy"], "'easy'"),
    ],
)
def test_bad_input_is_named(ious, splits, message):
    with pytest.raises(MetricInputError, match=message):
        scanrefer_accuracy(ious, splits)
