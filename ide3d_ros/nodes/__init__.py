# SPDX-License-Identifier: Apache-2.0
"""ROS 2 nodes: thin shells that join the library to topics, services and the action."""
