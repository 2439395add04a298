# SPDX-License-Identifier: Apache-2.0
"""The standard interface packages that PyPI lacks, written from tables of their fields.

Only field names, types and constants make up a type's RIHS01 hash, by which DDS peers recognise each other,
so packages written from these tables talk to any ROS 2 Jazzy; test/environment compares the hashes. Where ROS
is installed its own packages are used and these are never written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Tuple


@dataclass(frozen=True)
class InterfacePackage:
    """A package of messages: what is in its `.msg` files and what it builds on."""

    name: str
    version: str
    licence: str
    dependencies: Tuple[str, ...]
    messages: Mapping[str, Tuple[str, ...]]


VISION_MSGS = InterfacePackage(
    name="vision_msgs",
    version="4.1.1",
    licence="Apache-2.0",
    dependencies=("std_msgs", "geometry_msgs"),
    messages={
        "ObjectHypothesis": ("string class_id", "float64 score"),
        "ObjectHypothesisWithPose": ("ObjectHypothesis hypothesis", "geometry_msgs/PoseWithCovariance pose"),
        "BoundingBox3D": ("geometry_msgs/Pose center", "geometry_msgs/Vector3 size"),
        "Detection3D": (
            "std_msgs/Header header",
            "ObjectHypothesisWithPose[] results",
            "BoundingBox3D bbox",
            "string id",
        ),
        "Detection3DArray": ("std_msgs/Header header", "Detection3D[] detections"),
        "VisionClass": ("uint16 class_id", "string class_name"),
        "LabelInfo": ("std_msgs/Header header", "VisionClass[] class_map", "float32 threshold"),
        "VisionInfo": (
            "std_msgs/Header header",
            "string method",
            "string database_location",
            "int32 database_version",
        ),
    },
)

TF2_MSGS = InterfacePackage(
    name="tf2_msgs",
    version="0.36.0",
    licence="BSD-3-Clause",
    dependencies=("geometry_msgs",),
    messages={"TFMessage": ("geometry_msgs/TransformStamped[] transforms",)},
)

STANDARD_PACKAGES = (VISION_MSGS, TF2_MSGS)

_CMAKE = """cmake_minimum_required(VERSION 3.16)
project({name})
find_package(ament_cmake REQUIRED)
find_package(rosidl_default_generators REQUIRED)
{find_dependencies}
rosidl_generate_interfaces(${{PROJECT_NAME}}
{files}
  DEPENDENCIES {dependencies}
)
ament_export_dependencies(rosidl_default_runtime)
ament_package()
"""

_MANIFEST = """<?xml version="1.0"?>
<package format="3">
  <name>{name}</name>
  <version>{version}</version>
  <description>The messages of {name} that ide3d_ros uses; the ROS wheels lack the package.</description>
  <maintainer email="maintainers@example.org">ide3d_ros maintainers</maintainer>
  <license>{licence}</license>
  <buildtool_depend>ament_cmake</buildtool_depend>
  <buildtool_depend>rosidl_default_generators</buildtool_depend>
{depends}
  <exec_depend>rosidl_default_runtime</exec_depend>
  <member_of_group>rosidl_interface_packages</member_of_group>
  <export><build_type>ament_cmake</build_type></export>
</package>
"""


def write_package(package: InterfacePackage, parent: Path) -> Path:
    """Write a package's sources in the form that ament_cmake builds.

    Args:
        package: what to write.
        parent: existing folder that receives a folder of the package's name.

    Returns:
        The folder that was written.
    """
    root = parent / package.name
    (root / "msg").mkdir(parents=True, exist_ok=True)
    for message, fields in package.messages.items():
        (root / "msg" / f"{message}.msg").write_text("\n".join(fields) + "\n", encoding="utf-8")
    cmake = _CMAKE.format(
        name=package.name,
        find_dependencies="\n".join(f"find_package({name} REQUIRED)" for name in package.dependencies),
        files="\n".join(f'  "msg/{message}.msg"' for message in package.messages),
        dependencies=" ".join(package.dependencies),
    )
    manifest = _MANIFEST.format(
        name=package.name,
        version=package.version,
        licence=package.licence,
        depends="\n".join(f"  <depend>{name}</depend>" for name in package.dependencies),
    )
    (root / "CMakeLists.txt").write_text(cmake, encoding="utf-8")
    (root / "package.xml").write_text(manifest, encoding="utf-8")
    return root
