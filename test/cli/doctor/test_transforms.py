# SPDX-License-Identifier: Apache-2.0
"""A way through TF is found where there is one; a gap, a wrong name and old transforms are named."""

from __future__ import annotations

from ide3d_ros.cli.doctor.findings import Level
from ide3d_ros.cli.doctor.observation import Observation
from ide3d_ros.cli.doctor.transforms import check_transform

NOW_NS = 100_000_000_000


def robot() -> Observation:
    """Make a robot in a map: odometry moves, the camera and an arm are fixed to it."""
    return Observation(
        seconds=1.0,
        domain="0",
        parents={
            "base": ("odom", False),
            "odom": ("map", True),
            "camera_link": ("base", True),
            "camera_optical": ("camera_link", True),
            "gripper": ("base", True),
        },
        transform_stamps={"base": NOW_NS - 30_000_000},
        now_ns=NOW_NS,
    )


def test_way_is_shown_from_the_camera_to_the_target() -> None:
    found = check_transform(robot(), source="camera_optical", target="map")
    assert found.level is Level.OK
    assert found.text == "camera_optical -> camera_link -> base -> odom -> map, 30 ms old"


def test_way_may_go_up_and_down_again() -> None:
    found = check_transform(robot(), source="camera_optical", target="gripper")
    assert (found.level, found.text) == (Level.OK, "camera_optical -> camera_link -> base -> gripper, static")


def test_camera_itself_is_a_target() -> None:
    assert check_transform(robot(), source="camera_optical", target="camera_optical").level is Level.OK


def test_name_that_tf_does_not_know_is_named() -> None:
    found = check_transform(robot(), source="camera_optical", target="base_link")
    assert found.level is Level.FAIL and "TF knows no frame base_link" in found.text and found.fix


def test_gap_is_named_by_its_two_sides() -> None:
    seen = robot()
    del seen.parents["base"]
    found = check_transform(seen, source="camera_optical", target="map")
    assert found.level is Level.FAIL
    assert found.text == "two trees: camera_optical ends at base, map at map"
    assert found.fix == "publish a transform between map and base"


def test_old_transform_is_found() -> None:
    seen = robot()
    seen.transform_stamps["base"] = NOW_NS - 3_000_000_000
    found = check_transform(seen, source="camera_optical", target="map")
    assert found.level is Level.WARN and "the newest transform of base is 3.0 s old" in found.text


def test_old_transform_beside_the_way_does_not_matter() -> None:
    seen = robot()
    seen.transform_stamps["base"] = NOW_NS - 3_000_000_000
    assert check_transform(seen, source="camera_optical", target="gripper").level is Level.OK


def test_loop_in_the_tree_ends() -> None:
    seen = robot()
    seen.parents["map"] = ("camera_optical", True)
    assert check_transform(seen, source="camera_optical", target="world").level is Level.FAIL


def test_without_images_there_is_nothing_to_follow() -> None:
    assert check_transform(robot(), source="", target="map").level is Level.SKIP
