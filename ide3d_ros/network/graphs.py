# SPDX-License-Identifier: Apache-2.0
"""The four graphs of a bundle as modules over flat tensors: what is exported, and what the torch engine runs.

Keys and values carry the frame first, (F, L, H, N, d): a window is then a plain concatenation of what each
frame left behind, and the graph itself sees to it that a prompt reads them all.
"""

from __future__ import annotations

import torch
from torch import nn

from ide3d_ros.network.decoding import Decoding, NetworkDecoding
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

    def __init__(self, network: Ide3dNetwork, decoding: Decoding):
        super().__init__()
        self.network, self.decoding = network, decoding

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
        states, key, value = self.decoding.read_frames(tokens)
        return key, value, *self.network.box_head.read_frame(states)


class PromptGraph(nn.Module):
    """Read a batch of prompts behind a window.

    key, value, pointer_key, text (B, T) int64, text_length (B,) int64
    -> logits (B, V), pointer (B, K, F N + 1), text_key, text_value (B, L, H, T, d); where queries
    state boxes also query_box (B, K, SIZE).

    The prompts are laid end to end in one row behind one copy of the window, as in training: a vocabulary of
    twenty phrases would otherwise copy the window's keys and values twenty times.
    """

    def __init__(self, network: Ide3dNetwork, decoding: Decoding):
        super().__init__()
        self.network, self.decoding = network, decoding

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
        # Of each prompt, the text's last state and those of its queries are read.
        read = torch.cat([text_length[:, None] - 1, (length + place[:queries]).expand(batch, -1)], 1)
        first = torch.arange(batch, device=text.device)[:, None] * row
        states, text_key, text_value = self.decoding.read_text(
            embedded.reshape(batch * row, -1),
            position.reshape(-1),
            packed,
            (first + read).reshape(-1),
            key,
            value,
        )
        states = states.reshape(batch, 1 + queries, -1)

        def text_part(x: torch.Tensor) -> torch.Tensor:
            _, layers, heads, _, dim = x.shape
            return x.reshape(layers, heads, batch, row, dim)[:, :, :, :length].permute(2, 0, 1, 3, 4)

        last, asked = states[:, 0], states[:, 1:]
        keys = pointer_key.reshape(1, visual, -1)
        pointer = network.box_head.point(asked, keys)
        stated = () if network.query_head is None else (network.query_head(asked, pointer, keys),)
        return network.text_logits(last), pointer, text_part(text_key), text_part(text_value), *stated


class StepGraph(nn.Module):
    """Take one more token of one answer.

    key, value, past_key, past_value (1, L, H, t, d), token (1, 1) int64
    -> logits (1, V), text_key, text_value (1, L, H, t + 1, d).
    """

    def __init__(self, network: Ide3dNetwork, decoding: Decoding):
        super().__init__()
        self.network, self.decoding = network, decoding

    def forward(
        self,
        key: torch.Tensor,
        value: torch.Tensor,
        past_key: torch.Tensor,
        past_value: torch.Tensor,
        token: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        embedded = self.network.embed_text(token)[0]
        states, text_key, text_value = self.decoding.read_token(embedded, key, value, past_key, past_value)
        return self.network.text_logits(states), text_key, text_value


def graph_modules(network: Ide3dNetwork, decoding: Decoding | None = None) -> dict[str, nn.Module]:
    """Build the modules of a bundle's four graphs.

    Args:
        network: what they run; they share its weights.
        decoding: how prefix, prompt and step read; None = with the network's decoder as it is.

    Returns:
        Module by the name of the bundle's graph, in the order of `interface.GRAPHS`.
    """
    decoding = decoding or NetworkDecoding(network)
    return {
        "vision": VisionGraph(network),
        "prefix": PrefixGraph(network, decoding),
        "prompt": PromptGraph(network, decoding),
        "step": StepGraph(network, decoding),
    }
