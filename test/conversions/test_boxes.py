# SPDX-License-Identifier: Apache-2.0
"""Detections as vision_msgs: numbers, quaternion order, frames and what is kept from other nodes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from sample_detections import CAMERA, DETECTIONS, FRAME, detection
from std_msgs.msg import Header
from vision_msgs.msg import Detection3D

from ide3d_ros.conversions.boxes import (
    DetectionError,
    detection_array,
    detection_from_message,
    detection_message,
    is_publishable,
)
from ide3d_ros.conversions.stamps import header
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.scene.results import Detection


@given(DETECTIONS)
@settings(deadline=None)
def test_detection_comes_back_as_it_was_written(given_one: Detection) -> None:
    back = detection_from_message(detection_message(given_one), CAMERA)
    assert (back.label, back.score, back.frame) == (given_one.label, given_one.score, FRAME)
    np.testing.assert_allclose(back.box.corners(), given_one.box.corners(), atol=1e-9)
    np.testing.assert_array_equal(back.covariance, given_one.covariance)


def test_message_holds_what_its_comments_promise() -> None:
    message = detection_message(detection(), track_id="t7")
    assert message.id == "t7"
    assert message.header == header(FRAME.frame_id, FRAME.stamp_ns)
    assert (message.bbox.size.x, message.bbox.size.y, message.bbox.size.z) == (0.5, 0.6, 0.9)
    position, orientation = message.bbox.center.position, message.bbox.center.orientation
    assert (position.x, position.y, position.z) == (0.2, 0.1, 2.5)
    (result,) = message.results
    assert (result.hypothesis.class_id, result.hypothesis.score) == ("red chair", 0.9)
    assert result.pose.pose == message.bbox.center
    assert list(np.diag(result.pose.covariance.reshape(6, 6))) == [0.01, 0.01, 0.04, 1.0, 1.0, 0.1]
    # The box faces the camera: its own x axis, turned by this quaternion, points against the optical axis.
    w, x, y, z = orientation.w, orientation.x, orientation.y, orientation.z
    turned_x = np.array([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)])
    np.testing.assert_allclose(turned_x, [0, 0, -1], atol=1e-9)


def test_array_is_best_first_under_the_header_it_was_given() -> None:
    ordered = detection_array([detection("low", 0.2), detection("high", 0.8)], header("eye", 5))
    assert [one.results[0].hypothesis.class_id for one in ordered.detections] == ["high", "low"]
    assert ordered.header == header("eye", 5)
    assert detection_array([], Header()).detections == []


def test_best_hypothesis_of_several_is_read() -> None:
    message = detection_message(detection("chair", 0.3))
    other = detection_message(detection("stool", 0.6))
    message.results = [*message.results, *other.results]
    assert detection_from_message(message, CAMERA).label == "stool"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda message: setattr(message, "results", []), "no hypothesis"),
        (lambda message: setattr(message.bbox.size, "x", 0.0), "no valid box"),
        (lambda message: setattr(message.bbox.size, "y", -1.0), "no valid box"),
        (lambda message: setattr(message.bbox.center.position, "z", float("nan")), "no valid box"),
        (
            lambda message: setattr(
                message.bbox.center, "orientation", type(message.bbox.center.orientation)(w=0.0)
            ),
            "dir",
        ),
    ],
)
def test_message_without_a_box_is_refused(change: object, cause: str) -> None:
    message: Detection3D = detection_message(detection())
    change(message)
    with pytest.raises(DetectionError, match=cause):
        detection_from_message(message, CAMERA)


def test_only_finite_boxes_with_thickness_are_for_others() -> None:
    good = detection()
    assert is_publishable(good)
    flat = Box3D(good.box.center, np.array([0.5, 1e-16, 0.9]), good.box.quaternion)
    lost = Box3D(np.array([np.nan, 0, 1]), good.box.extents, good.box.quaternion)
    for bad in (
        dataclasses.replace(good, box=flat),
        dataclasses.replace(good, box=lost),
        dataclasses.replace(good, score=1.5),
        dataclasses.replace(good, score=float("nan")),
        dataclasses.replace(good, covariance=np.full((6, 6), np.inf)),
    ):
        assert not is_publishable(bad)
