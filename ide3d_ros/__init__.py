# SPDX-License-Identifier: Apache-2.0
"""Metric 3D boxes and spatial answers from RGB frames, for ROS 2 robots."""

__version__ = "0.1.0"
