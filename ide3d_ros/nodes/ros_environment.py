# SPDX-License-Identifier: Apache-2.0
"""The environment variables that ROS reads, given a value where nobody has set one.

In a shell with a sourced ROS installation they are set, and nothing here changes them. In a virtual
environment with the ROS wheels nothing sets them, and without them the package's own files are not found,
half of the camera frames are lost and finding other nodes takes seconds.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

_PACKAGE = "ide3d_ros"


def prepare_ros_environment() -> None:
    """Set the variables ROS needs and nobody has set; call it before `rclpy.init`.

    - `AMENT_PREFIX_PATH`: where `get_package_share_directory` looks; the virtual environment.
    - `FASTRTPS_DEFAULT_PROFILES_FILE`: the Fast DDS profile that this package installs. Fast DDS reads it
      when the first node of the process is made.
    - `ROS_LOG_DIR`: where nodes write their logs; only for a user without a home, as in a container.
    """
    if "AMENT_PREFIX_PATH" not in os.environ and _is_ament_prefix(Path(sys.prefix)):
        os.environ["AMENT_PREFIX_PATH"] = sys.prefix
    profile = installed_file("config/fastdds_profile.xml")
    if profile is not None:
        os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(profile))
    if not any(os.environ.get(name) for name in ("ROS_LOG_DIR", "ROS_HOME", "HOME")):
        os.environ["ROS_LOG_DIR"] = str(Path(tempfile.gettempdir()) / f"ros_log_{os.getuid()}")


def _is_ament_prefix(prefix: Path) -> bool:
    return (prefix / "share" / "ament_index" / "resource_index" / "packages").is_dir()


def installed_file(name: str) -> Path | None:
    """Find a file that this package installs; None where it is not installed.

    Args:
        name: path below share/ide3d_ros, such as "config/fastdds_profile.xml".
    """
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        path = Path(prefix) / "share" / _PACKAGE / name
        if prefix and path.is_file():
            return path
    return None
