# SPDX-License-Identifier: Apache-2.0
"""The torch network; an optional import that the robot half never needs."""

from ide3d_ros.network.config import NetworkConfig
from ide3d_ros.network.model import Ide3dNetwork, NetworkOutput, PackedPrompts

__all__ = ["Ide3dNetwork", "NetworkConfig", "NetworkOutput", "PackedPrompts"]
