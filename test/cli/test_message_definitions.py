# SPDX-License-Identifier: Apache-2.0
"""Definitions in a bag hold every type that a message is made of, once."""

from __future__ import annotations

import pytest

from ide3d_ros.cli.message_definitions import DefinitionError, schema_text


def names(text: str) -> list[str]:
    return [line.removeprefix("MSG: ") for line in text.splitlines() if line.startswith("MSG: ")]


def test_types_are_followed_to_the_end_and_written_once() -> None:
    found = names(schema_text("vision_msgs/msg/Detection3DArray"))
    assert len(found) == len(set(found))
    assert {
        "std_msgs/Header",
        "builtin_interfaces/Time",  # in the header
        "vision_msgs/Detection3D",
        "vision_msgs/ObjectHypothesis",
        "geometry_msgs/PoseWithCovariance",
        "geometry_msgs/Vector3",
    } <= set(found)


def test_type_named_without_its_package_belongs_to_the_same_package() -> None:
    found = names(schema_text("ide3d_msgs/msg/Answer"))
    assert {"ide3d_msgs/Status", "ide3d_msgs/Latency"} <= set(found)


def test_constants_defaults_and_bounded_texts_are_no_types() -> None:
    found = names(schema_text("sensor_msgs/msg/CameraInfo"))
    assert set(found) == {"std_msgs/Header", "builtin_interfaces/Time", "sensor_msgs/RegionOfInterest"}
    assert names(schema_text("rcl_interfaces/msg/ParameterType")) == []


@pytest.mark.parametrize("name", ["nowhere_msgs/msg/Thing", "std_msgs/msg/Nothing"])
def test_type_that_is_not_installed_is_named(name: str) -> None:
    package, _, kind = name.split("/")
    with pytest.raises(DefinitionError, match=f"{package}/msg/{kind}"):
        schema_text(name)
