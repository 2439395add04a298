# SPDX-License-Identifier: Apache-2.0
"""Scene results as ide3d_msgs: one list of statuses, all evidence, and text that survives the wire."""

from __future__ import annotations

import numpy as np
from sample_detections import CAMERA, FRAME, detection
from std_msgs.msg import Header

from ide3d_msgs.msg import Status as StatusMessage
from ide3d_ros.conversions.answers import answer_message, locate_response, printable, status_message
from ide3d_ros.conversions.stamps import header
from ide3d_ros.geometry.box import Box3D
from ide3d_ros.scene.results import Answer, Detection, Frame, Latency, Location
from ide3d_ros.scene.status import Status

OLDER = Frame("eye_optical_frame", FRAME.stamp_ns - 1_000_000_000, CAMERA)


def test_message_and_library_know_the_same_statuses() -> None:
    names = [name for name in dir(StatusMessage) if name.isupper() and not name.startswith(("_", "SLOT"))]
    constants = {name: getattr(StatusMessage, name) for name in names}
    assert constants == {status.name: int(status) for status in Status}


def test_answer_says_what_it_rests_on() -> None:
    answer = Answer(
        Status.OK,
        text="two",
        confidence=0.75,
        evidence=(detection("chair", 0.9), detection("chair", 0.8)),
        frames=(OLDER, FRAME),
        latency=Latency(vision_ms=1.0, prefix_ms=2.0, prompt_ms=3.0, decode_ms=4.0),
    )
    message = answer_message("how many chairs?", answer, queue_ms=5.0, total_ms=15.5)
    assert (message.prompt, message.text, message.confidence) == ("how many chairs?", "two", 0.75)
    assert message.header == header(FRAME.frame_id, FRAME.stamp_ns)  # the newest frame
    assert [one.stamp for one in message.frames] == [header("", f.stamp_ns).stamp for f in (OLDER, FRAME)]
    assert [one.results[0].hypothesis.score for one in message.evidence] == [0.9, 0.8]
    latency = message.latency
    assert (latency.queue_ms, latency.vision_ms, latency.prefix_ms) == (5.0, 1.0, 2.0)
    assert (latency.prompt_ms, latency.decode_ms, latency.total_ms) == (3.0, 4.0, 15.5)


def test_refused_question_has_a_reason_and_no_frame() -> None:
    message = answer_message("", Answer(Status.NO_FRAMES, "no frame has arrived"), queue_ms=0.0, total_ms=0.1)
    assert (message.status.code, message.status.message) == (StatusMessage.NO_FRAMES, "no frame has arrived")
    assert message.header == Header()
    assert message.frames == []


def test_echo_of_a_refused_question_is_no_longer_than_a_question_may_be() -> None:
    refused = Answer(Status.INVALID_REQUEST, "too long")
    assert len(answer_message("x" * 10_000, refused, queue_ms=0.0, total_ms=0.0).prompt) == 512


def test_location_carries_the_newest_frame_even_when_empty() -> None:
    response = locate_response(
        Location(Status.NO_TARGET, "nothing matches"), (OLDER, FRAME), queue_ms=0.0, total_ms=1.0
    )
    assert response.status.code == StatusMessage.NO_TARGET
    assert response.detections.detections == []
    assert response.detections.header == header(FRAME.frame_id, FRAME.stamp_ns)


def test_evidence_without_thickness_is_kept_from_others() -> None:
    good = detection()
    flat = Detection(
        "x", 0.5, Box3D(good.box.center, np.zeros(3), good.box.quaternion), good.frame, good.covariance
    )
    answer = Answer(Status.OK, evidence=(flat, good), frames=(FRAME,))
    assert len(answer_message("q", answer, queue_ms=0.0, total_ms=0.0).evidence) == 1
    location = Location(Status.OK, detections=(flat, good))
    assert len(locate_response(location, (FRAME,), queue_ms=0.0, total_ms=0.0).detections.detections) == 1


def test_text_that_is_not_utf8_still_makes_a_message() -> None:
    assert printable("caf\u00e9 \udcff") == "caf\u00e9 ?"
    assert status_message(Status.INVALID_REQUEST, "bad \ud800").message == "bad ?"
