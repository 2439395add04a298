# SPDX-License-Identifier: Apache-2.0
"""Statuses, latencies, locations and answers of a Scene to ide3d_msgs."""

from __future__ import annotations

from collections.abc import Iterable

from std_msgs.msg import Header

from ide3d_msgs.msg import Answer as AnswerMessage
from ide3d_msgs.msg import Latency as LatencyMessage
from ide3d_msgs.msg import Status as StatusMessage
from ide3d_msgs.srv import Locate
from ide3d_ros.conversions.boxes import detection_array, detection_message, is_publishable
from ide3d_ros.conversions.stamps import header
from ide3d_ros.scene.results import Answer, Frame, Latency, Location
from ide3d_ros.scene.status import Status
from ide3d_ros.scene.validation import MAX_CHARACTERS


def status_message(status: Status, message: str = "") -> StatusMessage:
    """Write a status with the sentence that explains it."""
    return StatusMessage(code=int(status), message=printable(message))


def latency_message(latency: Latency, *, queue_ms: float, total_ms: float) -> LatencyMessage:
    """Write where the time went.

    Args:
        latency: the scene's own stages.
        queue_ms: time that the request waited for the inference worker.
        total_ms: time from the request's arrival to now.
    """
    return LatencyMessage(
        queue_ms=float(queue_ms),
        vision_ms=float(latency.preprocess_ms + latency.vision_ms),
        prefix_ms=float(latency.prefix_ms),
        prompt_ms=float(latency.prompt_ms),
        decode_ms=float(latency.decode_ms),
        total_ms=float(total_ms),
    )


def frame_headers(frames: Iterable[Frame]) -> list[Header]:
    """Write the frames that were looked at, in the order given."""
    return [header(frame.frame_id, frame.stamp_ns) for frame in frames]


def answer_message(
    prompt: str, answer: Answer, *, camera: str = "", queue_ms: float, total_ms: float
) -> AnswerMessage:
    """Write an answer.

    Args:
        prompt: the question or expression as it was received; what no request may hold is cut off.
        answer: what the scene said.
        camera: name of the camera whose frames were asked about.
        queue_ms: time that the request waited for the inference worker.
        total_ms: time from the request's arrival to now.
    """
    headers = frame_headers(answer.frames)
    return AnswerMessage(
        header=headers[-1] if headers else Header(),
        prompt=printable(prompt[:MAX_CHARACTERS]),
        camera=printable(camera[:MAX_CHARACTERS]),
        status=status_message(answer.status, answer.message),
        text=printable(answer.text),
        confidence=float(answer.confidence),
        evidence=[detection_message(one) for one in answer.evidence if is_publishable(one)],
        frames=headers,
        latency=latency_message(answer.latency, queue_ms=queue_ms, total_ms=total_ms),
    )


def locate_response(
    location: Location, frames: tuple[Frame, ...], *, queue_ms: float, total_ms: float
) -> Locate.Response:
    """Write a location as the reply of the Locate service.

    Args:
        location: what the scene found.
        frames: the frames that were looked at, oldest first.
        queue_ms: time that the request waited for the inference worker.
        total_ms: time from the request's arrival to now.
    """
    headers = frame_headers(frames)
    array_header = headers[-1] if headers else Header()
    if location.detections:  # which may have been taken to another frame than the optical one
        array_header = Header(stamp=array_header.stamp, frame_id=location.detections[0].frame.frame_id)
    return Locate.Response(
        status=status_message(location.status, location.message),
        detections=detection_array(filter(is_publishable, location.detections), array_header),
        frames=headers,
        latency=latency_message(location.latency, queue_ms=queue_ms, total_ms=total_ms),
    )


def printable(text: str) -> str:
    """Make text safe for a ROS string, which is UTF-8: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
