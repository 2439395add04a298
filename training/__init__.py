# SPDX-License-Identifier: Apache-2.0
"""Workstation half of the project: worlds, datasets, objectives, training and evaluation.

Installed as ``ide3d_training``. Nothing under ``ide3d_ros`` imports it.
"""
