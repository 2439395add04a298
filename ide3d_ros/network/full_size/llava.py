# SPDX-License-Identifier: Apache-2.0
"""LLaVA-Video and LLaVA-OneVision: SigLIP, a two-layer projector, Qwen2."""

from __future__ import annotations

import torch
from torch import nn
from transformers import Cache, LlavaOnevisionForConditionalGeneration

from ide3d_ros.network.full_size.adapter import Adapter, Sight
from ide3d_ros.network.full_size.layout import lines_layout

POOL = 2
"""Patches along each side that become one token."""


class LlavaAdapter(Adapter):
    """Give `LlavaOnevisionForConditionalGeneration` the tokens that LLaVA-Video was trained on.

    transformers ends a whole video with one newline token; LLaVA-Video ends every row of every frame with
    one, 210 tokens a frame instead of 196, and frames of the one never meet the weights of the other.
    """

    def __init__(self, model: LlavaOnevisionForConditionalGeneration):
        vision = model.config.vision_config
        super().__init__(model, lines_layout(vision.image_size, vision.patch_size, POOL))
        self._patches = vision.image_size // vision.patch_size

    def lay_out(self, grid: torch.Tensor) -> torch.Tensor:
        rows, columns = self.layout.rows, self.layout.columns
        lines = grid.unflatten(1, (rows, columns))
        newline = self.model.model.image_newline.to(grid.dtype).expand(len(grid), rows, 1, -1)
        return torch.cat([lines, newline], 2).flatten(1, 2)

    def decode(
        self,
        embeddings: torch.Tensor,
        positions: torch.Tensor,
        cache: Cache | None,
        deep: tuple[torch.Tensor, ...] = (),
        places: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return self.model.model.language_model(
            inputs_embeds=embeddings,
            attention_mask=mask,
            position_ids=positions[:1],
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state

    def _blocks(self) -> nn.ModuleList:
        return self.model.model.vision_tower.encoder.layers

    def _see(self, pixels: torch.Tensor) -> Sight:
        tower = self.model.model.vision_tower
        # The tower's own call would add a last norm, which LLaVA's projector never saw.
        states = tower.encoder(inputs_embeds=tower.embeddings(pixels)).last_hidden_state
        projected = self.model.model.multi_modal_projector(states)
        grid = projected.transpose(1, 2).unflatten(2, (self._patches, self._patches))
        pooled = nn.functional.interpolate(grid, (self.layout.rows, self.layout.columns), mode="bilinear")
        return Sight(pooled.flatten(2).transpose(1, 2))
