# SPDX-License-Identifier: Apache-2.0
"""Run perception on a simulated room: no robot and no camera needed.

ros2 launch ide3d_ros demo.launch.py rviz:=true
"""

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Describe the simulated camera and what bringup.launch.py describes."""
    share = FindPackageShare("ide3d_ros")
    arguments = [
        DeclareLaunchArgument(
            "namespace", default_value="", description="Namespace of all topics and services."
        ),
        DeclareLaunchArgument(
            "sim_params_file",
            default_value=PathJoinSubstitution([share, "config", "sim_camera.yaml"]),
            description="Parameters of the simulated camera.",
        ),
        DeclareLaunchArgument(
            "rviz", default_value="false", description="Open RViz with the package's view."
        ),
    ]
    camera = Node(
        package="ide3d_ros",
        executable="sim_camera",
        name="sim_camera",
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("sim_params_file")],
        output="screen",
    )
    bringup = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(PathJoinSubstitution([share, "launch", "bringup.launch.py"])),
        launch_arguments={
            "namespace": LaunchConfiguration("namespace"),
            "rviz": LaunchConfiguration("rviz"),
        }.items(),
    )
    return LaunchDescription([*arguments, camera, bringup])
