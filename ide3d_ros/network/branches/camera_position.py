# SPDX-License-Identifier: Apache-2.0
"""Explicit 3D positions in the camera's own frame: what `world_position` is to boxes in the world.

Boxes are stated in the optical frame of their image, and each frame is read by itself, so a token that knows
its place in the world would have to know the camera's too. In the camera's frame it needs no pose.
"""

from __future__ import annotations

from ide3d_ros.network.branches.positions import PositionBranch


class CameraPositionBranch(PositionBranch):
    """Encode points of the camera's optical frame; nothing is read besides depth."""

    LOWEST, HIGHEST = (-10.0, -10.0, 0.0), (10.0, 10.0, 20.0)
