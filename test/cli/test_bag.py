# SPDX-License-Identifier: Apache-2.0
"""What goes into a bag comes out of it, for readers that know nothing of this project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from rclpy.serialization import serialize_message
from sample_detections import CAMERA, FRAME, detection
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from ide3d_ros.cli.bag import Bag, message_type_name
from ide3d_ros.conversions.answers import answer_message
from ide3d_ros.conversions.boxes import detection_array
from ide3d_ros.conversions.cameras import info_from_camera
from ide3d_ros.conversions.images import compressed_from_rgb
from ide3d_ros.conversions.markers import marker_array
from ide3d_ros.conversions.stamps import header
from ide3d_ros.conversions.transforms import transform_from_matrix
from ide3d_ros.nodes.recordings import open_recording
from ide3d_ros.scene.results import Answer
from ide3d_ros.scene.status import Status

STAMPED = {"stamp_ns": FRAME.stamp_ns, "frame_id": FRAME.frame_id}


def decoded(stream: BinaryIO) -> Iterator[tuple]:
    """Read schema, channel, raw and decoded message of everything in a bag."""
    return make_reader(stream, decoder_factories=[DecoderFactory()]).iter_decoded_messages()


@pytest.fixture
def messages() -> dict[str, object]:
    """Make one message for each topic that the demo records."""
    seen = detection()
    stamped = header(FRAME.frame_id, FRAME.stamp_ns)
    pose = transform_from_matrix(
        np.eye(4), target_frame_id="map", source_frame_id="camera_link", stamp_ns=FRAME.stamp_ns
    )
    answer = Answer(Status.OK, text="a häuschen", evidence=(seen,), frames=(FRAME,))
    return {
        "/image/compressed": compressed_from_rgb(
            np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8), **STAMPED
        ),
        "/camera_info": info_from_camera(CAMERA, **STAMPED),
        "/tf": TFMessage(transforms=[pose]),
        "/detections": detection_array([seen], stamped),
        "/markers": marker_array([seen], stamped, lifetime_s=1.0),
        "/answers": answer_message("what is it?", answer, queue_ms=0.5, total_ms=2.0),
    }


@pytest.fixture
def bag(tmp_path: Path, messages: dict[str, object]) -> Path:
    """Write them."""
    with Bag(tmp_path / "demo.mcap") as written:
        for step, (topic, message) in enumerate(messages.items()):
            written.write(topic, message, stamp_ns=1000 + step)
    return written.path


def test_every_message_is_read_back_as_it_was(bag: Path, messages: dict[str, object]) -> None:
    read = {}
    with bag.open("rb") as stream:
        for schema, channel, raw, message in decoded(stream):
            read[channel.topic] = message
            sent = messages[channel.topic]
            assert schema.name == message_type_name(type(sent))
            assert raw.log_time == 1000 + list(messages).index(channel.topic)
    assert set(read) == set(messages)
    assert read["/answers"].text == "a häuschen"
    assert read["/answers"].evidence[0].bbox.size.y == 0.6
    assert list(read["/camera_info"].k) == list(messages["/camera_info"].k)
    assert read["/tf"].transforms[0].child_frame_id == "camera_link"
    assert bytes(read["/image/compressed"].data) == bytes(messages["/image/compressed"].data)
    marker = read["/markers"].markers[1]
    assert (marker.ns, len(marker.points)) == ("ide3d/box", 26)
    position = read["/detections"].detections[0].bbox.center.position
    assert (position.x, position.y, position.z) == (0.2, 0.1, 2.5)


def test_bag_says_that_it_is_one_of_ros_2(bag: Path) -> None:
    with bag.open("rb") as stream:
        reader = make_reader(stream)
        assert reader.get_header().profile == "ros2"
        summary = reader.get_summary()
    assert {schema.encoding for schema in summary.schemas.values()} == {"ros2msg"}
    assert {channel.message_encoding for channel in summary.channels.values()} == {"cdr"}


def test_bag_can_be_played_by_the_replay_node(bag: Path) -> None:
    recording = open_recording(bag, rate_hz=1.0, frame_id="", world_frame_id="")
    samples = list(recording.samples())
    assert sum(len(sample.images) for sample in samples) == 1
    assert samples[0].images[0].header.frame_id == FRAME.frame_id
    assert [len(sample.transforms) for sample in samples] == [0, 0, 1]


def test_bytes_from_the_wire_are_written_unchanged(tmp_path: Path) -> None:
    data = serialize_message(String(data="hello"))
    with Bag(tmp_path / "demo.mcap") as written:
        written.write_serialized("/said", "std_msgs/msg/String", data, stamp_ns=5)
    with written.path.open("rb") as stream:
        ((_, _, read),) = make_reader(stream).iter_messages()
    assert read.data == data
    assert written.counts == {"/said": 1}


def test_bag_is_whole_even_when_the_demo_breaks_off(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Bag(tmp_path / "demo.mcap") as written:
        written.write("/said", String(data="hello"), stamp_ns=5)
        raise KeyboardInterrupt
    with written.path.open("rb") as stream:
        assert [message.data for *_, message in decoded(stream)] == ["hello"]
    written.write("/said", String(data="too late"), stamp_ns=6)  # a callback may still come in; it is dropped
    assert written.counts == {"/said": 1}
