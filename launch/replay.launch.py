# SPDX-License-Identifier: Apache-2.0
"""Run perception on a recording: a folder of pictures with calibration.json, or an MCAP bag.

ros2 launch ide3d_ros replay.launch.py recording:=/path/to/recording rviz:=true
"""

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Describe the replay node and what bringup.launch.py describes."""
    share = FindPackageShare("ide3d_ros")
    arguments = [
        DeclareLaunchArgument("recording", description="A folder of pictures or an .mcap bag."),
        DeclareLaunchArgument(
            "namespace", default_value="", description="Namespace of all topics and services."
        ),
        DeclareLaunchArgument(
            "replay_params_file",
            default_value=PathJoinSubstitution([share, "config", "replay.yaml"]),
            description="Parameters of the replay node; `recording` replaces its replay.path.",
        ),
        DeclareLaunchArgument(
            "rviz", default_value="false", description="Open RViz with the package's view."
        ),
    ]
    player = Node(
        package="ide3d_ros",
        executable="replay",
        name="replay",
        namespace=LaunchConfiguration("namespace"),
        parameters=[
            LaunchConfiguration("replay_params_file"),
            {"replay.path": ParameterValue(LaunchConfiguration("recording"), value_type=str)},
        ],
        output="screen",
    )
    bringup = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(PathJoinSubstitution([share, "launch", "bringup.launch.py"])),
        launch_arguments={
            "namespace": LaunchConfiguration("namespace"),
            "rviz": LaunchConfiguration("rviz"),
        }.items(),
    )
    return LaunchDescription([*arguments, player, bringup])
