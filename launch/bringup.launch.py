# SPDX-License-Identifier: Apache-2.0
"""Run the perception node on a robot's camera.

    ros2 launch ide3d_ros bringup.launch.py image_topic:=/front/image camera_info_topic:=/front/camera_info

Parameters come from `params_file` alone; nothing is repeated here.
"""

from launch.actions import DeclareLaunchArgument
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Describe the perception node and, when asked for, RViz."""
    share = FindPackageShare("ide3d_ros")
    arguments = [
        DeclareLaunchArgument(
            "namespace", default_value="", description="Namespace of all topics and services."
        ),
        DeclareLaunchArgument(
            "params_file",
            default_value=PathJoinSubstitution([share, "config", "perception.yaml"]),
            description="Parameters of the perception node.",
        ),
        DeclareLaunchArgument("image_topic", default_value="image", description="The camera's RGB images."),
        DeclareLaunchArgument(
            "camera_info_topic", default_value="camera_info", description="Calibration of the same camera."
        ),
        DeclareLaunchArgument(
            "use_sim_time", default_value="false", description="Take the time from /clock."
        ),
        DeclareLaunchArgument(
            "use_respawn", default_value="false", description="Start the node anew if it ends."
        ),
        DeclareLaunchArgument(
            "log_level", default_value="info", description="debug, info, warn, error or fatal."
        ),
        DeclareLaunchArgument(
            "rviz", default_value="false", description="Open RViz with the package's view."
        ),
    ]
    perception = Node(
        package="ide3d_ros",
        executable="perception",
        name="perception",
        namespace=LaunchConfiguration("namespace"),
        parameters=[
            LaunchConfiguration("params_file"),
            {"use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool)},
        ],
        remappings=[
            ("image", LaunchConfiguration("image_topic")),
            ("image/compressed", [LaunchConfiguration("image_topic"), "/compressed"]),
            ("camera_info", LaunchConfiguration("camera_info_topic")),
        ],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        respawn=LaunchConfiguration("use_respawn"),
        respawn_delay=2.0,
        output="screen",
    )
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        namespace=LaunchConfiguration("namespace"),
        arguments=["-d", PathJoinSubstitution([share, "config", "ide3d.rviz"])],
        # The view names its topics absolutely; in a namespace they are found there.
        remappings=[(f"/{topic}", topic) for topic in ("image", "overlay", "markers", "camera_info")],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return LaunchDescription([*arguments, perception, rviz])
