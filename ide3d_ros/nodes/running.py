# SPDX-License-Identifier: Apache-2.0
"""Run one node as a process, from start to a clean end."""

from __future__ import annotations

import sys
from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from ide3d_ros.nodes.memory import keep_image_memory
from ide3d_ros.nodes.ros_environment import prepare_ros_environment


def run_node(make_node: Callable[[], Node], args: list[str] | None) -> None:
    """Create a node and spin it on one thread until SIGINT, SIGTERM or a shutdown of the context.

    Args:
        make_node: creates the node.
        args: command line with ROS arguments; None takes the process's own.

    Raises:
        SystemExit: with 1 and the reason, if the node refuses its parameters or its data.
    """
    prepare_ros_environment()
    keep_image_memory()
    rclpy.init(args=args)
    try:
        node = make_node()
    except ValueError as error:  # parameters and data are refused with sentences that need no traceback
        rclpy.try_shutdown()
        sys.exit(f"error: {error}")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
