# SPDX-License-Identifier: Apache-2.0
"""Recognises a shell in which a ROS installation is sourced; the set-up leaves such a shell alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Mapping

from .failure import SetupError


def refuse_sourced_ros(environment: Mapping[str, str], venv: Path) -> None:
    """Stop where ROS is sourced: there colcon builds the package, and nothing may shadow ROS's own.

    Args:
        environment: the environment variables of the shell.
        venv: the virtual environment of the set-up; it may itself be on AMENT_PREFIX_PATH.

    Raises:
        SetupError: if another prefix on AMENT_PREFIX_PATH holds rclpy.
    """
    for prefix in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        if not prefix or Path(prefix).resolve() == venv.resolve():
            continue
        if (Path(prefix) / "share" / "ament_index" / "resource_index" / "packages" / "rclpy").is_file():
            raise SetupError(
                f"ROS is sourced in this shell ({prefix}), and its packages would mix with the ROS wheels.\n"
                "  To use the installed ROS: rosdep install --from-paths . ide3d_msgs -y\n"
                "                            colcon build --base-paths . ide3d_msgs\n"
                "  To use the wheels all the same, run the same command in a shell where ROS is not sourced."
            )
