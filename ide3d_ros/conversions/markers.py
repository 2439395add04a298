# SPDX-License-Identifier: Apache-2.0
"""Detections to visualization_msgs markers that RViz and Foxglove both draw.

A box is its twelve edges plus a line that leaves its front, so that its direction is seen; its label is a
text that floats above it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from ide3d_ros.conversions.stamps import NANOSECONDS, header
from ide3d_ros.conversions.transforms import pose_message
from ide3d_ros.geometry.box import CORNER_SIGNS, EDGES
from ide3d_ros.scene.results import Detection

BOX_NAMESPACE = "ide3d/box"
LABEL_NAMESPACE = "ide3d/label"
_LINE_WIDTH_M = 0.015
_TEXT_HEIGHT_M = 0.12
_IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
_ENDS = EDGES.ravel().tolist()
_PALETTE = (
    (0.12, 0.47, 0.71),
    (1.00, 0.50, 0.05),
    (0.17, 0.63, 0.17),
    (0.84, 0.15, 0.16),
    (0.58, 0.40, 0.74),
    (0.55, 0.34, 0.29),
    (0.89, 0.47, 0.76),
    (0.74, 0.74, 0.13),
    (0.09, 0.75, 0.81),
)


def label_color(label: str) -> tuple[float, float, float]:
    """Choose a label's colour, RGB in 0..1: the same in every process, run and picture."""
    return _PALETTE[zlib.crc32(label.encode("utf-8", "replace")) % len(_PALETTE)]


def marker_array(detections: Iterable[Detection], array_header: Header, *, lifetime_s: float) -> MarkerArray:
    """Draw detections.

    Args:
        detections: each in its own frame, metres.
        array_header: header of the marker that clears what was drawn before.
        lifetime_s: seconds until a viewer drops the markers when nothing follows; 0 keeps them.

    Returns:
        A DELETEALL marker, then an edge list and a label for each detection. The n-th best of a label has the
        same id in every array, whatever else is in view.
    """
    markers = [Marker(header=array_header, ns=BOX_NAMESPACE, action=Marker.DELETEALL)]
    lifetime = _duration(lifetime_s)
    taken: set[int] = set()
    for detection in detections:
        index = _free_id(detection.label, taken)
        red, green, blue = label_color(detection.label)
        color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
        markers.append(_edges(index, detection, color, lifetime))
        markers.append(_label(index, detection, lifetime))
    return MarkerArray(markers=markers)


def _free_id(label: str, taken: set[int]) -> int:
    """Choose an id by a label and the detections of it so far; another label's id is stepped over."""
    number = zlib.crc32(label.encode("utf-8", "replace")) & 0x7FFFFFFF
    while number in taken:
        number = (number + 1) & 0x7FFFFFFF
    taken.add(number)
    return number


def _edges(index: int, detection: Detection, color: ColorRGBA, lifetime: Duration) -> Marker:
    marker = _marker(index, detection, BOX_NAMESPACE, lifetime)
    marker.type = Marker.LINE_LIST
    # Lines are stated in the box's own axes and the pose carries them, as a viewer may turn the frame at its
    # stamp.
    marker.pose = pose_message(detection.box.center, detection.box.quaternion)
    marker.scale.x = _LINE_WIDTH_M
    marker.color = color
    half = detection.box.extents / 2
    # A corner is one Point that its three edges share: making messages is what costs here.
    corners = [Point(x=x, y=y, z=z) for x, y, z in (CORNER_SIGNS * half).tolist()]
    front = float(half[0])
    marker.points = [corners[end] for end in _ENDS] + [Point(x=front), Point(x=front * 1.5)]
    return marker


def _label(index: int, detection: Detection, lifetime: Duration) -> Marker:
    marker = _marker(index, detection, LABEL_NAMESPACE, lifetime)
    marker.type = Marker.TEXT_VIEW_FACING
    above = detection.box.center + detection.box.rotation[:, 2] * (
        detection.box.extents[2] / 2 + _TEXT_HEIGHT_M
    )
    marker.pose = pose_message(above, _IDENTITY)
    marker.scale.z = _TEXT_HEIGHT_M
    marker.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    marker.text = f"{detection.label} {detection.score:.2f}"
    return marker


def _marker(index: int, detection: Detection, namespace: str, lifetime: Duration) -> Marker:
    return Marker(
        header=header(detection.frame.frame_id, detection.frame.stamp_ns),
        ns=namespace,
        id=index,
        action=Marker.ADD,
        lifetime=lifetime,
    )


def _duration(seconds: float) -> Duration:
    whole, nanoseconds = divmod(round(seconds * NANOSECONDS), NANOSECONDS)
    return Duration(sec=int(whole), nanosec=int(nanoseconds))
