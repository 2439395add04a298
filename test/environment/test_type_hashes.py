# SPDX-License-Identifier: Apache-2.0
"""The interface packages generated for the ROS wheels are, on the wire, the official ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ament_index_python.packages import get_package_share_directory

# Of vision_msgs 4.1.1 and tf2_msgs 0.36 as ROS 2 Jazzy has them: a DDS peer compares these before it accepts
# a message.
OFFICIAL_HASHES = {
    "vision_msgs": {
        "ObjectHypothesis": "51da43cec11c01957a64d1e05a24acd18aae7745ec30b74348ad5f6d634f7f90",
        "ObjectHypothesisWithPose": "41c12344c0396c48b81df12467c192d99b2a0eb1463c5c37194e4223251c80bc",
        "BoundingBox3D": "bbb73a65c163d7f9bb29009c7bde9f7faa576bd2d23299c4511d19230dab4698",
        "Detection3D": "ddd703be132ab0b69d33121f1bb034132bfbb3b0ac5f9fb1516005ba1c8a265b",
        "Detection3DArray": "793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018",
        "VisionClass": "1e4a11f0fed50b5623cb8ff26ca0e37952a48a9c074d16f804b44e9164c2037a",
        "LabelInfo": "3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783",
        "VisionInfo": "95d3116a17484ad91c9a2686e1d54890bbfc3ff6c6a2de137738c4950d45d284",
    },
    "tf2_msgs": {
        "TFMessage": "e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087",
    },
}


@pytest.mark.parametrize(
    ("package", "message"),
    [(package, message) for package in OFFICIAL_HASHES for message in OFFICIAL_HASHES[package]],
)
def test_installed_message_has_the_official_type_hash(package: str, message: str) -> None:
    description = json.loads(
        (Path(get_package_share_directory(package)) / "msg" / f"{message}.json").read_text()
    )
    hashes = {entry["type_name"]: entry["hash_string"] for entry in description["type_hashes"]}
    assert hashes[f"{package}/msg/{message}"] == f"RIHS01_{OFFICIAL_HASHES[package][message]}"


def test_installed_messages_are_usable() -> None:
    from rclpy.serialization import deserialize_message, serialize_message
    from tf2_msgs.msg import TFMessage
    from vision_msgs.msg import Detection3D, Detection3DArray

    array = Detection3DArray(detections=[Detection3D(id="7")])
    assert deserialize_message(serialize_message(array), Detection3DArray) == array
    assert deserialize_message(serialize_message(TFMessage()), TFMessage) == TFMessage()
