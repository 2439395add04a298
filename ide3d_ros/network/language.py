# SPDX-License-Identifier: Apache-2.0
"""Language model: a Qwen2-style decoder whose prefix is visual and never sees the prompt."""

from __future__ import annotations

import torch
from transformers import Qwen2Config, Qwen2Model

from ide3d_ros.network.config import NetworkConfig

TEXT, QUERY, ANSWER, PADDING = 0, 1, 2, 3
"""What a place in a packed row holds: prompt text, a box query, answer text, nothing."""


def build_decoder(config: NetworkConfig) -> Qwen2Model:
    """Build the decoder with random weights and full (not sliding) attention."""
    return Qwen2Model(
        Qwen2Config(
            vocab_size=config.vocabulary,
            hidden_size=config.dim,
            intermediate_size=config.language_mlp,
            num_hidden_layers=config.language_layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.kv_heads,
            max_position_embeddings=8192,
            use_sliding_window=False,
            attn_implementation="sdpa",
        )
    )


def packed_mask(tokens: int, prompt: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
    """Build the attention mask of one frame followed by several independent prompts.

    Visual tokens see their whole frame and nothing else. A prompt sees the frame and what stands before
    it in its own prompt, except that answers never see box queries: at inference the queries are not
    kept, so an answer must not depend on them.

    Args:
        tokens: visual tokens in front of each row (N).
        prompt: (B, R) int64, which prompt each place belongs to; -1 is padding.
        kind: (B, R) int64, TEXT, QUERY, ANSWER or PADDING.

    Returns:
        (B, 1, N + R, N + R) bool, True where attention is allowed.
    """
    batch, length = prompt.shape
    order = torch.arange(length, device=prompt.device)
    same = (prompt[:, :, None] == prompt[:, None, :]) & (order[:, None] >= order[None, :])
    leak = (kind[:, :, None] == ANSWER) & (kind[:, None, :] == QUERY)
    # Padding attends to itself, or its softmax would have no entry.
    mask = torch.zeros(batch, tokens + length, tokens + length, dtype=torch.bool, device=prompt.device)
    mask[:, :, :tokens] = True
    mask[:, tokens:, tokens:] = same & ~leak
    return mask[:, None]
