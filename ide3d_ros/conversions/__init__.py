# SPDX-License-Identifier: Apache-2.0
"""ROS messages to plain types and back: images, cameras, boxes, markers, answers, transforms, stamps.

Each module needs the message packages and nothing else of ROS; none of them needs rclpy.
"""
