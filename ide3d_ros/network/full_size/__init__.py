# SPDX-License-Identifier: Apache-2.0
"""Networks of several billion parameters: vision-language models of transformers behind one interface."""

from ide3d_ros.network.full_size.building import build_random, load
from ide3d_ros.network.full_size.checkpoint import Checkpoint, find_checkpoint, shipped_configs
from ide3d_ros.network.full_size.errors import CheckpointError
from ide3d_ros.network.full_size.network import BoxSettings, FullSizeNetwork, Prefix, PromptReply

__all__ = [
    "BoxSettings",
    "Checkpoint",
    "CheckpointError",
    "FullSizeNetwork",
    "Prefix",
    "PromptReply",
    "build_random",
    "find_checkpoint",
    "load",
    "shipped_configs",
]
