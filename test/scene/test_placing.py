# SPDX-License-Identifier: Apache-2.0
"""Detections in another frame: the box and its covariance move, its extents stay, nothing is guessed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_detections import DETECTIONS, detection

from ide3d_ros.geometry.rotation import quaternion_to_matrix
from ide3d_ros.geometry.transform import apply, from_rotation_translation
from ide3d_ros.scene.placing import NoTransformError, place_answer, place_detection, place_location
from ide3d_ros.scene.results import Answer, Detection, Frame, Location
from ide3d_ros.scene.status import Status

QUATERNIONS = st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1)
MOTION = from_rotation_translation(
    quaternion_to_matrix(np.array([0.5, -0.5, 0.5, -0.5])), np.array([1.0, 2.0, 3.0])
)


def unknown(_frame: Frame) -> np.ndarray:
    """Know no transform."""
    raise NoTransformError("frame 'base' is not in TF")


@given(DETECTIONS, QUATERNIONS)
@settings(deadline=None, max_examples=50)
def test_corners_move_with_the_frame_and_extents_stay(one: Detection, quaternion: list[float]) -> None:
    motion = from_rotation_translation(quaternion_to_matrix(np.array(quaternion)), np.array([1.0, -2.0, 0.5]))
    placed = place_detection(one, "base_link", motion)
    np.testing.assert_allclose(placed.box.corners(), apply(motion, one.box.corners()), atol=1e-6)
    np.testing.assert_array_equal(placed.box.extents, one.box.extents)
    assert (placed.frame.frame_id, placed.frame.stamp_ns) == ("base_link", one.frame.stamp_ns)
    assert (placed.label, placed.score) == (one.label, one.score)


@given(QUATERNIONS)
@settings(deadline=None, max_examples=20)
def test_covariance_is_that_of_moved_samples(quaternion: list[float]) -> None:
    motion = from_rotation_translation(quaternion_to_matrix(np.array(quaternion)), np.array([5.0, 5.0, 5.0]))
    spread = np.linalg.cholesky(np.diag([0.01, 0.02, 0.5, 0.1, 0.2, 0.3]) + 0.005)
    one = Detection("chair", 0.9, detection().box, detection().frame, spread @ spread.T)
    placed = place_detection(one, "base_link", motion).covariance
    turn = np.kron(np.eye(2), motion[:3, :3])
    np.testing.assert_allclose(placed, (turn @ spread) @ (turn @ spread).T, atol=1e-12)
    np.testing.assert_array_equal(placed, placed.T)
    np.testing.assert_allclose(np.linalg.eigvalsh(placed), np.linalg.eigvalsh(one.covariance), atol=1e-12)


def test_depth_error_of_a_camera_that_looks_ahead_becomes_an_error_ahead() -> None:
    link_from_optical = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    one = Detection("chair", 0.9, detection().box, detection().frame, np.diag([0.0, 0.0, 1.0, 0, 0, 0]))
    placed = place_detection(one, "camera_link", link_from_optical)
    np.testing.assert_allclose(np.diag(placed.covariance), [1.0, 0, 0, 0, 0, 0], atol=1e-12)


def test_location_is_placed_as_a_whole_or_not_at_all() -> None:
    location = Location(Status.OK, detections=(detection(), detection()))
    placed = place_location(location, "base", lambda _: MOTION)
    assert [one.frame.frame_id for one in placed] == ["base", "base"]
    calls: list[Frame] = []

    def only_the_first(frame: Frame) -> np.ndarray:
        calls.append(frame)
        return MOTION if len(calls) == 1 else unknown(frame)

    refused = place_location(location, "base", only_the_first)
    assert (refused.status, refused.message) == (Status.NO_TRANSFORM, "frame 'base' is not in TF")
    assert len(refused) == 0


def test_location_without_detections_needs_no_transform() -> None:
    nothing = Location(Status.NO_TARGET, "nothing in view matches 'x'")
    assert place_location(nothing, "base", unknown).status is Status.NO_TARGET


@pytest.mark.parametrize(
    ("before", "after"), [(Status.OK, Status.NO_TRANSFORM), (Status.CANCELED, Status.CANCELED)]
)
def test_answer_keeps_its_text_when_its_boxes_cannot_be_placed(before: Status, after: Status) -> None:
    answer = Answer(before, text="yes", confidence=0.8, evidence=(detection(),))
    placed = place_answer(answer, "base", lambda _: MOTION)
    assert (placed.status, placed.evidence[0].frame.frame_id) == (before, "base")
    refused = place_answer(answer, "base", unknown)
    assert (refused.status, refused.text, refused.evidence) == (after, "yes", ())
