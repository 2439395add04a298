# SPDX-License-Identifier: Apache-2.0
"""The network: frames and intrinsics, prompts -> text logits and pointed boxes.

Order of a sequence: visual tokens of a frame, prompt text, K box queries; answer text continues the prompt.
Visual tokens attend within their own frame and their positions restart with every frame, so what a frame
contributes (tokens, keys, values, fields) never depends on the question, nor on the other frames of the
window: each frame is computed once, whenever it arrives, and a window is a concatenation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ide3d_ros.network.box_head import BoxHead
from ide3d_ros.network.config import NetworkConfig
from ide3d_ros.network.language import QUERY, build_decoder, packed_mask
from ide3d_ros.network.query_head import QueryHead
from ide3d_ros.network.vision import VisionTower


@dataclass
class PackedPrompts:
    """Several prompts behind each frame, laid end to end in one row.

    Attributes:
        text: (B, R) int64 token ids; at a box query its index 0..K-1; 0 where padded.
        prompt: (B, R) int64 prompt index within the row, -1 where padded.
        kind: (B, R) int64 TEXT, QUERY, ANSWER or PADDING.
        position: (B, R) int64 place within the own prompt; queries and answers both continue the text.
        queries: (B, P, K) int64 places of each prompt's box queries in the row.
    """

    text: torch.Tensor
    prompt: torch.Tensor
    kind: torch.Tensor
    position: torch.Tensor
    queries: torch.Tensor


@dataclass
class NetworkOutput:
    """What a packed pass yields.

    Attributes:
        logits: (B, R, V) next-token logits.
        pointer: (B, P, K, N + 1) log-probabilities over the frame's tokens and "none".
        fields: (B, N, P) field vectors.
        gravity: (B, 2) pitch and roll, radians.
        visual_states: (B, N, dim) last states of the visual tokens, for training-only objectives.
        query_boxes: (B, P, K, SIZE) boxes that the queries state, laid out by `query_code`; None where the
            tokens alone state boxes.
    """

    logits: torch.Tensor
    pointer: torch.Tensor
    fields: torch.Tensor
    gravity: torch.Tensor
    visual_states: torch.Tensor
    query_boxes: torch.Tensor | None = None


class Ide3dNetwork(nn.Module):
    """Vision tower, decoder and box head, built from one `NetworkConfig`."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.vision = VisionTower(config)
        self.decoder = build_decoder(config)
        self.queries = nn.Parameter(torch.randn(config.box_queries, config.dim) * 0.02)
        self.box_head = BoxHead(config.dim, config.field_hidden, config.box_code)
        self.query_head = QueryHead(config) if config.box_source == "query" else None

    def attend(self, implementation: str) -> None:
        """Choose how attention is computed: "sdpa", one fused kernel, or "eager", plain products.

        Both give the same up to rounding. Bundles are exported with "sdpa", the default.
        """
        for module in (self.decoder, self.vision.encoder):
            module.config._attn_implementation = implementation

    def embed_text(self, text: torch.Tensor) -> torch.Tensor:
        """Embed token ids (any shape) as (..., dim)."""
        return self.decoder.embed_tokens(text)

    def text_logits(self, states: torch.Tensor) -> torch.Tensor:
        """Score the vocabulary with the tied embedding: (..., dim) -> (..., V)."""
        return states @ self.decoder.embed_tokens.weight.T

    def decode(
        self, embeddings: torch.Tensor, mask: torch.Tensor, position: torch.Tensor, cache=None
    ) -> torch.Tensor:
        """Run the decoder with an explicit boolean mask (B, 1, Q, S); return its last states."""
        if self.decoder.config._attn_implementation == "eager":  # which adds the mask to the scores
            device = embeddings.device.type
            cast = torch.is_autocast_enabled(device)
            dtype = torch.get_autocast_dtype(device) if cast else embeddings.dtype
            mask = torch.zeros_like(mask, dtype=dtype).masked_fill(~mask, torch.finfo(dtype).min)
        return self.decoder(
            inputs_embeds=embeddings,
            attention_mask={"full_attention": mask},
            position_ids=position,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state

    def forward(
        self,
        images: torch.Tensor,
        intrinsics: torch.Tensor,
        prompts: PackedPrompts,
        extra: tuple[torch.Tensor, ...] = (),
    ) -> NetworkOutput:
        """Answer several prompts about one frame each in a single pass (training).

        Args:
            images: (B, H, W, 3) uint8 RGB.
            intrinsics: (B, 3, 3) float32.
            prompts: one row of packed prompts a frame.
            extra: what `NetworkConfig.extra_inputs` names, in that order.
        """
        visual = self.vision(images, intrinsics, extra)
        batch, tokens, _ = visual.shape
        is_query = prompts.kind == QUERY
        embedded = torch.where(
            is_query[..., None],
            self.queries[prompts.text.clamp(max=len(self.queries) - 1)],
            self.embed_text(prompts.text),
        )
        position = torch.arange(tokens, device=visual.device).expand(batch, -1)
        states = self.decode(
            torch.cat([visual, embedded.to(visual.dtype)], 1),
            packed_mask(tokens, prompts.prompt, prompts.kind),
            torch.cat([position, tokens + prompts.position], 1),
        )
        visual_states, row = states[:, :tokens], states[:, tokens:]
        keys, fields, gravity = self.box_head.read_frame(visual_states)
        rows = torch.arange(batch, device=visual.device)[:, None, None]
        queries = row[rows, prompts.queries]  # (B, P, K, dim)
        pointer = self.box_head.point(queries, keys[:, None])
        stated = None if self.query_head is None else self.query_head(queries, pointer, keys[:, None])
        return NetworkOutput(
            logits=self.text_logits(row),
            pointer=pointer,
            fields=fields,
            gravity=gravity,
            visual_states=visual_states,
            query_boxes=stated,
        )
