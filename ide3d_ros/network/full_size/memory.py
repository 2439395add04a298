# SPDX-License-Identifier: Apache-2.0
"""How much memory a full-size network takes, counted before any of it is taken."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ide3d_ros.network.full_size.adapter import FRAMES_AT_ONCE
from ide3d_ros.network.full_size.kv_cache import ROOM
from ide3d_ros.network.full_size.network import FullSizeNetwork

SPARE = 1.1
"""What allocators take on top of what is asked of them."""
LIBRARIES = 1 << 29
"""Bytes of torch and transformers in a process, or of a context on a GPU."""


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes by what they are for.

    Attributes:
        parameters: number of them, of all parts.
        weights: bytes of the weights.
        cache: bytes of keys and values of a whole window and its question.
        work: bytes of the largest pass: vision tower, second encoder or prefix, whichever takes most.
    """

    parameters: int
    weights: int
    cache: int
    work: int

    @property
    def total(self) -> int:
        """All of it, the libraries included, with something to spare."""
        return round(SPARE * (self.weights + self.cache + self.work)) + LIBRARIES


def memory_need(sizes: FullSizeNetwork, frames: int, text_tokens: int) -> MemoryNeed:
    """Count what a network needs to answer a question about a window.

    Args:
        sizes: the network, built on the device "meta", where it takes no memory.
        frames: of the window.
        text_tokens: of preamble, prompt and answer together.
    """
    weights = list(sizes.parameters()) + list(sizes.buffers())
    return MemoryNeed(
        parameters=sum(weight.numel() for weight in sizes.parameters()),
        weights=sum(weight.numel() * weight.element_size() for weight in weights),
        cache=_cache_bytes(sizes, frames, text_tokens),
        work=max(_prefix_bytes(sizes, frames), _vision_bytes(sizes, frames), _second_bytes(sizes, frames)),
    )


def _width(sizes: FullSizeNetwork) -> int:
    return torch.empty((), dtype=sizes.adapter.dtype).element_size()


def _cache_bytes(sizes: FullSizeNetwork, frames: int, text_tokens: int) -> int:
    text = sizes.adapter.model.config.text_config
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    tokens = frames * sizes.adapter.layout.tokens + text_tokens + ROOM
    return 2 * text.num_hidden_layers * text.num_key_value_heads * head * tokens * _width(sizes)


def _prefix_bytes(sizes: FullSizeNetwork, frames: int) -> int:
    """Count a layer at its widest: three feed-forward tensors, and states, norms, queries, keys, values."""
    text = sizes.adapter.model.config.text_config
    values = 3 * text.intermediate_size + 8 * text.hidden_size
    return frames * sizes.adapter.layout.tokens * values * _width(sizes)


def _vision_bytes(sizes: FullSizeNetwork, frames: int) -> int:
    vision = sizes.adapter.model.config.vision_config
    layout = sizes.adapter.layout
    patches = (layout.width // vision.patch_size) * (layout.height // vision.patch_size)
    values = 3 * vision.intermediate_size + 8 * vision.hidden_size
    return min(frames, FRAMES_AT_ONCE) * patches * values * _width(sizes)


def _second_bytes(sizes: FullSizeNetwork, frames: int) -> int:
    """Count a block across all frames at its widest: two tensors of four widths, and eight of one."""
    if sizes.second is None:
        return 0
    config = sizes.second.encoder.config
    tokens = sizes.second.patches + config.frame_tokens
    return frames * tokens * 16 * config.width * _width(sizes)
