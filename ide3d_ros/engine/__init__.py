# SPDX-License-Identifier: Apache-2.0
"""Engines run a bundle's four graphs over numpy arrays."""

from ide3d_ros.engine.cache_budget import CacheBudget
from ide3d_ros.engine.errors import EngineError
from ide3d_ros.engine.frame_cache import FrameCache, Window
from ide3d_ros.engine.generation import Finish, Generation
from ide3d_ros.engine.protocol import Engine, EngineDescription, Prefix, PromptOutput, StepOutput
from ide3d_ros.engine.selection import Selection, select_engine

__all__ = [
    "CacheBudget",
    "Engine",
    "EngineDescription",
    "EngineError",
    "Finish",
    "FrameCache",
    "Generation",
    "Prefix",
    "PromptOutput",
    "Selection",
    "StepOutput",
    "Window",
    "select_engine",
]
