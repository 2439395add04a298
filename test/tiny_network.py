# SPDX-License-Identifier: Apache-2.0
"""A network small enough for a test, of the same make as the shipped one."""

from __future__ import annotations

from ide3d_ros.network import NetworkConfig


def tiny_network_config(vocabulary: int) -> NetworkConfig:
    """Return sizes of a network of 12 tokens a frame, two categories and two colours."""
    return NetworkConfig(
        preset="rgb",
        vocabulary=vocabulary,
        categories=("chair", "mug"),
        mean_extents=((0.5, 0.5, 0.9), (0.1, 0.1, 0.1)),
        colors=("red", "blue"),
        width=64,
        height=48,
        stem_channels=(8, 8, 16),
        dim=32,
        heads=4,
        vision_layers=1,
        language_layers=2,
        vision_mlp=64,
        language_mlp=64,
        box_queries=3,
        field_hidden=32,
    )
