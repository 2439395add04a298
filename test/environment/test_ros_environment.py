# SPDX-License-Identifier: Apache-2.0
"""The variables that ROS reads are set where nobody has, and left alone where somebody has."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ide3d_ros.nodes.ros_environment import prepare_ros_environment


@pytest.fixture(autouse=True)
def bare_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first: monkeypatch then restores a variable that the code under test sets itself.
    for name in ("AMENT_PREFIX_PATH", "FASTRTPS_DEFAULT_PROFILES_FILE", "ROS_LOG_DIR", "ROS_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_wheel_environment_gets_its_prefix_and_the_profile() -> None:
    prepare_ros_environment()
    assert os.environ["AMENT_PREFIX_PATH"] == sys.prefix
    profile = Path(os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"])
    assert "<segment_size>" in profile.read_text()
    assert "ROS_LOG_DIR" not in os.environ


def test_sourced_installation_keeps_its_prefixes_and_lends_the_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace = tmp_path / "install" / "ide3d_ros"
    profile = workspace / "share" / "ide3d_ros" / "config" / "fastdds_profile.xml"
    profile.parent.mkdir(parents=True)
    profile.write_text("<profiles/>")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{workspace}{os.pathsep}{tmp_path / 'ros'}")
    prepare_ros_environment()
    assert os.environ["AMENT_PREFIX_PATH"] == f"{workspace}{os.pathsep}{tmp_path / 'ros'}"
    assert os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] == str(profile)


def test_profile_chosen_by_the_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", "mine.xml")
    prepare_ros_environment()
    assert os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] == "mine.xml"


def test_user_without_a_home_gets_a_log_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    prepare_ros_environment()
    assert os.environ["ROS_LOG_DIR"]
