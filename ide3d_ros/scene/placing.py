# SPDX-License-Identifier: Apache-2.0
"""State detections in another frame than the optical one that they were seen in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ide3d_ros.geometry import transform
from ide3d_ros.scene.results import Answer, Detection, Frame, Location
from ide3d_ros.scene.status import Status

MotionOf = Callable[[Frame], np.ndarray]
"""Gives (4, 4) target_from_optical of a frame, or raises `NoTransformError`."""


class NoTransformError(ValueError):
    """It is not known how a frame lies in the target frame at its stamp; the sentence says why."""


def place_detection(detection: Detection, target_frame_id: str, target_from_optical: np.ndarray) -> Detection:
    """Take one detection to another frame: box and covariance move together, extents stay.

    Args:
        detection: in the optical frame of its frame.
        target_frame_id: the other frame's name.
        target_from_optical: (4, 4) at the stamp of the detection's frame, metres.

    Returns:
        The detection whose `frame` now names the target frame, still at the stamp of its image.
    """
    return replace(
        detection,
        box=detection.box.transformed(target_from_optical),
        covariance=transform.turn_covariance(target_from_optical, detection.covariance),
        frame=replace(detection.frame, frame_id=target_frame_id),
    )


def place_location(location: Location, target_frame_id: str, motion_of: MotionOf) -> Location:
    """Take a location to another frame, or say NO_TRANSFORM: a part of what was found would mislead.

    Args:
        location: its detections in the optical frames of their frames.
        target_frame_id: the other frame's name.
        motion_of: asked for the frame of each detection.
    """
    try:
        placed = _place_all(location.detections, target_frame_id, motion_of)
    except NoTransformError as error:
        return Location(Status.NO_TRANSFORM, str(error), latency=location.latency)
    return replace(location, detections=placed)


def place_answer(answer: Answer, target_frame_id: str, motion_of: MotionOf) -> Answer:
    """Take an answer's evidence to another frame; without a transform the text stays and the boxes go.

    Args:
        answer: its evidence in the optical frames of their frames.
        target_frame_id: the other frame's name.
        motion_of: asked for the frame of each detection.
    """
    try:
        placed = _place_all(answer.evidence, target_frame_id, motion_of)
    except NoTransformError as error:
        # The text is as good as without boxes; a status that says more than OK is kept.
        status = Status.NO_TRANSFORM if answer.status is Status.OK else answer.status
        return replace(answer, status=status, message=str(error), evidence=())
    return replace(answer, evidence=placed)


def _place_all(
    detections: tuple[Detection, ...], target_frame_id: str, motion_of: MotionOf
) -> tuple[Detection, ...]:
    return tuple(place_detection(one, target_frame_id, motion_of(one.frame)) for one in detections)
