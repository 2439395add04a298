# SPDX-License-Identifier: Apache-2.0
"""Run the perception node on a robot's camera, or on several.

    ros2 launch ide3d_ros bringup.launch.py image_topic:=/front/image camera_info_topic:=/front/camera_info
    ros2 launch ide3d_ros bringup.launch.py cameras:=front,rear image_topic:=image_raw

Parameters come from `params_file`; of those, only the cameras, the bundle, the engine, `autostart`, and where
depth and pose come from can be given here too.
"""

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchContext, LaunchDescription


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
        DeclareLaunchArgument(
            "cameras",
            default_value="",
            description="Names of several cameras, front,rear; empty leaves it to params_file.",
        ),
        DeclareLaunchArgument(
            "image_topic",
            default_value="image",
            description="The camera's RGB images; with `cameras`, below each camera's name.",
        ),
        DeclareLaunchArgument(
            "camera_info_topic",
            default_value="camera_info",
            description="Calibration of the same camera; with `cameras`, below each camera's name.",
        ),
        DeclareLaunchArgument(
            "depth_topic",
            default_value="",
            description="Depth in the pixels of the images, for bundles that read it; empty leaves it to "
            "params_file. With `cameras`, below each camera's name.",
        ),
        DeclareLaunchArgument(
            "fixed_frame",
            default_value="",
            description="Frame that stands still, for bundles that read the camera's pose; empty leaves it "
            "to params_file.",
        ),
        DeclareLaunchArgument(
            "bundle",
            default_value="",
            description="Name or folder of a model bundle; empty leaves it to params_file.",
        ),
        DeclareLaunchArgument(
            "engine",
            default_value="",
            description="What runs the bundle's graphs; empty leaves it to params_file.",
        ),
        DeclareLaunchArgument(
            "autostart",
            default_value="",
            description="false waits for a lifecycle manager; empty leaves it to params_file.",
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
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        namespace=LaunchConfiguration("namespace"),
        arguments=["-d", PathJoinSubstitution([share, "config", "ide3d.rviz"])],
        # The view names its topics absolutely; in a namespace they are found there.
        remappings=[(f"/{topic}", topic) for topic in ("image", "overlay", "markers", "camera_info")],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    return LaunchDescription([*arguments, OpaqueFunction(function=_perception), rviz])


def _perception(context: LaunchContext) -> list[Node]:
    """Describe the perception node; which remappings it needs depends on the names of the cameras."""
    names = LaunchConfiguration("cameras").perform(context)
    autostart = LaunchConfiguration("autostart").perform(context)
    cameras = [name.strip() for name in names.split(",") if name.strip()]
    chosen = {"use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool)}
    if cameras:
        chosen["cameras"] = cameras
    given = {
        "model.bundle": LaunchConfiguration("bundle"),
        "model.engine": LaunchConfiguration("engine"),
        "depth.topic": LaunchConfiguration("depth_topic"),
        "fixed_frame": LaunchConfiguration("fixed_frame"),
    }
    values = {name: argument.perform(context) for name, argument in given.items()}
    chosen |= {name: value for name, value in values.items() if value}
    if autostart:
        chosen["autostart"] = ParameterValue(LaunchConfiguration("autostart"), value_type=bool)
    remappings = []
    for prefix in [f"{camera}/" for camera in cameras] or [""]:
        remappings += [
            (f"{prefix}image", [prefix, LaunchConfiguration("image_topic")]),
            (f"{prefix}image/compressed", [prefix, LaunchConfiguration("image_topic"), "/compressed"]),
            (f"{prefix}camera_info", [prefix, LaunchConfiguration("camera_info_topic")]),
        ]
    return [
        Node(
            package="ide3d_ros",
            executable="perception",
            name="perception",
            namespace=LaunchConfiguration("namespace"),
            parameters=[LaunchConfiguration("params_file"), chosen],
            remappings=remappings,
            ros_arguments=["--log-level", LaunchConfiguration("log_level")],
            respawn=LaunchConfiguration("use_respawn"),
            respawn_delay=2.0,
            output="screen",
        )
    ]
