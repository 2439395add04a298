# SPDX-License-Identifier: Apache-2.0
"""The four graphs of a bundle as modules over flat tensors: what is exported, and what the torch engine runs.

Keys and values carry the frame first, (F, L, H, N, d): a window is then a plain concatenation of what each
frame left behind, and the graph itself lays the frames end to end.
"""

from __future__ import annotations

import torch
from torch import nn
from transformers import DynamicCache

from ide3d_ros.network.model import Ide3dNetwork


class VisionGraph(nn.Module):
    """Encode frames: image (F, H, W, 3) uint8, intrinsics (F, 3, 3) -> tokens (F, N, D).

    Networks with `NetworkConfig.extra_inputs` take these behind the intrinsics.
    """

    def __init__(self, network: Ide3dNetwork):
        super().__init__()
        self.vision = network.vision

    def forward(self, image: torch.Tensor, intrinsics: torch.Tensor, *extra: torch.Tensor) -> torch.Tensor:
        return self.vision(image, intrinsics, extra)


class PrefixGraph(nn.Module):
    """Read what a frame contributes.

    tokens (F, N, D) -> key, value (F, L, H, N, d), pointer_key (F, N, D), fields (F, N, P), gravity (F, 2).
    """

    def __init__(self, network: Ide3dNetwork):
        super().__init__()
        self.network = network

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
        frames, count, _ = tokens.shape
        cache = DynamicCache(config=self.network.decoder.config)
        position = torch.arange(count, device=tokens.device)[None].expand(frames, -1)
        mask = torch.ones(frames, 1, count, count, dtype=torch.bool, device=tokens.device)
        states = self.network.decode(tokens, mask, position, cache)
        key = torch.stack([layer.keys for layer in cache.layers], 1)
        value = torch.stack([layer.values for layer in cache.layers], 1)
        return key, value, *self.network.box_head.read_frame(states)


def window_cache(network: Ide3dNetwork, key: torch.Tensor, value: torch.Tensor) -> DynamicCache:
    """Lay the frames' keys and values end to end: (F, L, H, N, d) becomes (1, H, F N, d) for each layer."""

    def lay(x: torch.Tensor, layer: int) -> torch.Tensor:
        frames, _, heads, count, dim = x.shape
        return x[:, layer].transpose(0, 1).reshape(1, heads, frames * count, dim)

    return DynamicCache([(lay(key, i), lay(value, i)) for i in range(network.config.language_layers)])


class PromptGraph(nn.Module):
    """Read a batch of prompts behind a window.

    key, value, pointer_key, text (B, T) int64, text_length (B,) int64
    -> logits (B, V), pointer (B, K, F N + 1), text_key, text_value (B, L, H, T, d); where queries
    state boxes also query_box (B, K, SIZE).

    The prompts are laid end to end in one row behind one copy of the window, as in training: a vocabulary of
    twenty phrases would otherwise copy the window's keys and values twenty times.
    """

    def __init__(self, network: Ide3dNetwork):
        super().__init__()
        self.network = network

    def forward(
        self,
        key: torch.Tensor,
        value: torch.Tensor,
        pointer_key: torch.Tensor,
        text: torch.Tensor,
        text_length: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        network = self.network
        batch, length = text.shape
        queries = network.config.box_queries
        visual, row = pointer_key.shape[0] * network.config.tokens, length + queries
        cache = window_cache(network, key, value)
        embedded = torch.cat([network.embed_text(text), network.queries.expand(batch, -1, -1)], 1)

        # Queries stand behind the padding in memory but behind the text in position and in sight.
        place = torch.arange(row, device=text.device)
        is_text = place < length
        position = torch.where(is_text, place, place - length + text_length[:, None])  # (B, T + K)
        real = ~is_text | (place < text_length[:, None])
        causal = place[:, None] >= place[None, :]
        own = causal & (real[:, None, :] | (place[:, None] == place[None, :]))  # (B, T + K, T + K)
        alone = torch.eye(batch, dtype=torch.bool, device=text.device)
        packed = (own[:, :, None, :] & alone[:, None, :, None]).reshape(batch * row, batch * row)
        mask = torch.cat([packed.new_ones(batch * row, visual), packed], -1)[None, None]
        states = network.decode(
            embedded.reshape(1, batch * row, -1), mask, network.config.tokens + position.reshape(1, -1), cache
        ).reshape(batch, row, -1)

        def text_part(x: torch.Tensor) -> torch.Tensor:
            heads, dim = x.shape[1], x.shape[3]
            return x[0, :, visual:].reshape(heads, batch, row, dim)[:, :, :length].transpose(0, 1)

        last = states[torch.arange(batch, device=text.device), text_length - 1]
        pointer = network.box_head.point(states[:, length:], pointer_key.reshape(1, visual, -1))
        query_box = () if network.query_head is None else (network.query_head(states[:, length:]),)
        text_key = torch.stack([text_part(layer.keys) for layer in cache.layers], 1)
        text_value = torch.stack([text_part(layer.values) for layer in cache.layers], 1)
        return network.text_logits(last), pointer, text_key, text_value, *query_box


class StepGraph(nn.Module):
    """Take one more token of one answer.

    key, value, past_key, past_value (1, L, H, t, d), token (1, 1) int64
    -> logits (1, V), text_key, text_value (1, L, H, t + 1, d).
    """

    def __init__(self, network: Ide3dNetwork):
        super().__init__()
        self.network = network

    def forward(
        self,
        key: torch.Tensor,
        value: torch.Tensor,
        past_key: torch.Tensor,
        past_value: torch.Tensor,
        token: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        network = self.network
        visual = key.shape[0] * network.config.tokens
        past = past_key.shape[3]
        window = window_cache(network, key, value)
        cache = DynamicCache(
            [
                (
                    torch.cat([layer.keys, past_key[:, i]], 2),
                    torch.cat([layer.values, past_value[:, i]], 2),
                )
                for i, layer in enumerate(window.layers)
            ]
        )
        position = (past_key.new_zeros(1, 1).long() + network.config.tokens) + past
        mask = torch.ones(1, 1, 1, visual + past + 1, dtype=torch.bool, device=token.device)
        states = network.decode(network.embed_text(token), mask, position, cache)
        text_key = torch.stack([layer.keys[:, :, visual:] for layer in cache.layers], 1)
        text_value = torch.stack([layer.values[:, :, visual:] for layer in cache.layers], 1)
        return network.text_logits(states[:, -1]), text_key, text_value


GRAPH_MODULES: dict[str, type[nn.Module]] = {
    "vision": VisionGraph,
    "prefix": PrefixGraph,
    "prompt": PromptGraph,
    "step": StepGraph,
}
"""The modules by the names of the bundle's graphs; each is built from a network and shares its weights."""
