# SPDX-License-Identifier: Apache-2.0
"""Lets these tests find installed packages however pytest was started."""

from ide3d_ros.nodes.ros_environment import prepare_ros_environment

prepare_ros_environment()
