# SPDX-License-Identifier: Apache-2.0
"""The three ways in which graphs read with the decoder: frames, prompts behind a window, one more token.

A graph is built on one `Decoding`. `NetworkDecoding` runs the network's decoder as it is; whatever else
offers these readings gives the same numbers up to rounding.

F frames in the window, N tokens a frame, D token width, L layers, H key/value heads, d head width, R rows
(text tokens and box queries of all prompts), Q of them asked for their states, t past text tokens.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn
from transformers import DynamicCache

from ide3d_ros.network.model import Ide3dNetwork

Reading = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Last states, keys and values."""


class Decoding(Protocol):
    """Read with a decoder."""

    def read_frames(self, tokens: torch.Tensor) -> Reading:
        """Read frames that do not see one another: tokens (F, N, D) -> (F, N, D), 2 x (F, L, H, N, d)."""
        ...

    def read_text(
        self,
        embedded: torch.Tensor,
        position: torch.Tensor,
        mask: torch.Tensor,
        asked: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
    ) -> Reading:
        """Read rows that all see the whole window.

        Args:
            embedded: (R, D).
            position: (R,) int64 place of each row in its own prompt; the text stands behind a frame's tokens.
            mask: (R, R) bool, True where a row sees another; each sees at least itself.
            asked: (Q,) int64 rows whose last states are wanted; the others only leave keys and values.
            key, value: (F, L, H, N, d) of the window.

        Returns:
            (Q, D) and, of the rows alone, 2 x (1, L, H, R, d).
        """
        ...

    def read_token(
        self,
        embedded: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        past_key: torch.Tensor,
        past_value: torch.Tensor,
    ) -> Reading:
        """Read one token that sees the window and all text before it.

        Args:
            embedded: (1, D).
            key, value: (F, L, H, N, d) of the window.
            past_key, past_value: (1, L, H, t, d) of the text before the token.

        Returns:
            (1, D) and, of the text with the token, 2 x (1, L, H, t + 1, d).
        """
        ...


class NetworkDecoding(nn.Module):
    """Read with a network's decoder through transformers; the weights stay the network's own."""

    def __init__(self, network: Ide3dNetwork):
        super().__init__()
        self.network = network

    def read_frames(self, tokens: torch.Tensor) -> Reading:
        """Read frames; see `Decoding.read_frames`."""
        frames, count, _ = tokens.shape
        cache = DynamicCache(config=self.network.decoder.config)
        position = torch.arange(count, device=tokens.device)[None].expand(frames, -1)
        mask = torch.ones(frames, 1, count, count, dtype=torch.bool, device=tokens.device)
        return self.network.decode(tokens, mask, position, cache), *_stack(cache, 0)

    def read_text(
        self,
        embedded: torch.Tensor,
        position: torch.Tensor,
        mask: torch.Tensor,
        asked: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
    ) -> Reading:
        """Read rows behind a window; see `Decoding.read_text`."""
        tokens = key.shape[3]
        visual = key.shape[0] * tokens
        cache = DynamicCache(list(zip(_lay(key), _lay(value), strict=True)))
        whole = torch.cat([mask.new_ones(mask.shape[0], visual), mask], -1)[None, None]
        states = self.network.decode(embedded[None], whole, tokens + position[None], cache)
        return states[0, asked], *_stack(cache, visual)

    def read_token(
        self,
        embedded: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        past_key: torch.Tensor,
        past_value: torch.Tensor,
    ) -> Reading:
        """Read one more token; see `Decoding.read_token`."""
        tokens, past = key.shape[3], past_key.shape[3]
        visual = key.shape[0] * tokens
        cache = DynamicCache(
            [
                (torch.cat([k, past_key[:, i]], 2), torch.cat([v, past_value[:, i]], 2))
                for i, (k, v) in enumerate(zip(_lay(key), _lay(value), strict=True))
            ]
        )
        position = torch.full((1, 1), tokens + past, device=key.device)
        mask = torch.ones(1, 1, 1, visual + past + 1, dtype=torch.bool, device=key.device)
        return self.network.decode(embedded[None], mask, position, cache)[0], *_stack(cache, visual)


def _lay(x: torch.Tensor) -> list[torch.Tensor]:
    """Lay the frames' keys or values end to end: (F, L, H, N, d) becomes (1, H, F N, d) for each layer."""
    frames, layers, heads, count, dim = x.shape
    return [x[:, i].transpose(0, 1).reshape(1, heads, frames * count, dim) for i in range(layers)]


def _stack(cache: DynamicCache, first: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Stack the layers' keys and values as (B, L, H, S, d), from a place on."""
    return (
        torch.stack([layer.keys[:, :, first:] for layer in cache.layers], 1),
        torch.stack([layer.values[:, :, first:] for layer in cache.layers], 1),
    )
