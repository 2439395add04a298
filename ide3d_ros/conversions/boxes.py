# SPDX-License-Identifier: Apache-2.0
"""Detections to vision_msgs/Detection3D and back.

`results[].pose` and `bbox.center` both hold the box's centre with the box's own axes; `bbox.size` holds full
lengths along those axes, so turning a box into another frame never changes its size. The frame of the numbers
is the one in each detection's own header, at that header's stamp.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

import numpy as np
from std_msgs.msg import Header
from vision_msgs.msg import Detection3D, Detection3DArray, ObjectHypothesisWithPose

from ide3d_ros.conversions.stamps import header, nanoseconds_from_time
from ide3d_ros.conversions.transforms import fill_pose, quaternion_from_message
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.geometry.camera import Camera
from ide3d_ros.scene.results import Detection, Frame


class DetectionError(ValueError):
    """A Detection3D message does not hold a box with a hypothesis."""


def is_publishable(detection: Detection) -> bool:
    """Tell whether a detection is fit for other nodes: finite, with a thickness, scored within 0..1."""
    return (
        detection.box.is_valid()
        and all(map(isfinite, detection.covariance.ravel().tolist()))
        and 0.0 <= detection.score <= 1.0
    )


def detection_message(detection: Detection, *, track_id: str = "") -> Detection3D:
    """Write one detection.

    Args:
        detection: box in metres in its frame's optical frame.
        track_id: the object's track; empty when nothing tracks it.
    """
    return _written(detection, header(detection.frame.frame_id, detection.frame.stamp_ns), track_id)


def detection_array(detections: Iterable[Detection], array_header: Header) -> Detection3DArray:
    """Write detections best first; none at all is a message too, and says that nothing is there.

    Args:
        detections: each in its own frame.
        array_header: stamp and frame of the newest frame that was looked at.
    """
    ordered = sorted(detections, key=lambda detection: -detection.score)
    headers: dict[tuple[str, int], Header] = {}
    for frame in (detection.frame for detection in ordered):
        key = frame.frame_id, frame.stamp_ns
        if key not in headers:
            headers[key] = header(*key)
    message = Detection3DArray(header=array_header)
    message.detections = [
        _written(one, headers[one.frame.frame_id, one.frame.stamp_ns], "") for one in ordered
    ]
    return message


def _written(detection: Detection, stamped: Header, track_id: str) -> Detection3D:
    """Fill in a message that was made empty.

    A constructor makes all default parts before it looks at what it is given, so that messages that are put
    together from parts cost three times as much.
    """
    message, result = Detection3D(), ObjectHypothesisWithPose()
    message.header, message.id, message.results = stamped, track_id, [result]
    pose, size = message.bbox.center, message.bbox.size
    fill_pose(pose, detection.box.center, detection.box.quaternion)
    size.x, size.y, size.z = detection.box.extents.tolist()
    hypothesis, posed = result.hypothesis, result.pose
    hypothesis.class_id, hypothesis.score = detection.label, float(detection.score)
    posed.pose, posed.covariance = pose, np.ascontiguousarray(detection.covariance, np.float64).reshape(36)
    return message


def detection_from_message(message: Detection3D, camera: Camera) -> Detection:
    """Read one detection.

    Args:
        message: with at least one hypothesis; the best scored one counts.
        camera: the camera of the frame that the message's header names.

    Raises:
        DetectionError: if there is no hypothesis, or the box is not finite or has no extents.
    """
    if not message.results:
        raise DetectionError(f"detection {message.id!r} has no hypothesis")
    best = max(message.results, key=lambda result: result.hypothesis.score)
    center, size = message.bbox.center.position, message.bbox.size
    try:
        box = Box3D(
            center=np.array([center.x, center.y, center.z]),
            extents=np.array([size.x, size.y, size.z]),
            quaternion=quaternion_from_message(message.bbox.center.orientation),
        )
    except ValueError as error:
        raise DetectionError(f"detection {message.id!r} of {best.hypothesis.class_id!r}: {error}") from error
    if not box.is_valid():
        raise DetectionError(
            f"detection {message.id!r} of {best.hypothesis.class_id!r} has no valid box: {box}"
        )
    return Detection(
        label=best.hypothesis.class_id,
        score=float(best.hypothesis.score),
        box=box,
        frame=Frame(
            frame_id=message.header.frame_id,
            stamp_ns=nanoseconds_from_time(message.header.stamp),
            camera=camera,
        ),
        covariance=np.asarray(best.pose.covariance, np.float64).reshape(6, 6).copy(),
    )
