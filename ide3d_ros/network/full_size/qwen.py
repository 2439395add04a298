# SPDX-License-Identifier: Apache-2.0
"""Qwen2.5-VL and Qwen3-VL: frames as images, positions in three axes."""

from __future__ import annotations

import torch
from torch import nn
from transformers import Cache, PreTrainedModel

from ide3d_ros.network.full_size.adapter import Adapter, Sight
from ide3d_ros.network.full_size.layout import marked_layout


class QwenAdapter(Adapter):
    """Feed every frame through the image path, which keeps frames apart (the video path merges pairs).

    Args:
        model: the transformers model.
        width, height: network image, pixels; multiples of the token stride.
    """

    def __init__(self, model: PreTrainedModel, width: int, height: int):
        vision = model.config.vision_config
        stride = vision.patch_size * vision.spatial_merge_size
        super().__init__(model, marked_layout(width, height, stride))

    def lay_out(self, grid: torch.Tensor) -> torch.Tensor:
        config = self.model.config
        marks = torch.tensor([config.vision_start_token_id, config.vision_end_token_id], device=grid.device)
        start, end = self.embed(marks).to(grid.dtype)
        return torch.cat([start.expand(len(grid), 1, -1), grid, end.expand(len(grid), 1, -1)], 1)

    def decode(
        self,
        embeddings: torch.Tensor,
        positions: torch.Tensor,
        cache: Cache | None,
        deep: tuple[torch.Tensor, ...] = (),
        places: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        added = {}
        if deep:
            added = {"visual_pos_masks": places[None], "deepstack_visual_embeds": list(deep)}
        return self.model.model.language_model(
            inputs_embeds=embeddings,
            attention_mask=mask,
            position_ids=positions[:, None],
            past_key_values=cache,
            use_cache=cache is not None,
            **added,
        ).last_hidden_state

    def _blocks(self) -> nn.ModuleList:
        return self.model.model.visual.blocks

    def _see(self, pixels: torch.Tensor) -> Sight:
        patches, grids = self._patches(pixels)
        output = self.model.model.visual(patches, grid_thw=grids)
        deep = getattr(output, "deepstack_features", None) or ()
        return Sight(
            output.pooler_output.unflatten(0, (len(pixels), -1)),
            tuple(level.unflatten(0, (len(pixels), -1)) for level in deep),
        )

    def _patches(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cut frames into patches, those of one token next to each other, and say how many there are.

        Returns:
            (f * P, 3 * temporal * patch * patch) and (f, 3) temporal, vertical and horizontal patches.
        """
        vision = self.model.config.vision_config
        patch, merge, depth = vision.patch_size, vision.spatial_merge_size, vision.temporal_patch_size
        rows, columns = self.layout.rows, self.layout.columns
        cut = pixels.unflatten(3, (columns, merge, patch)).unflatten(2, (rows, merge, patch))
        # (f, 3, rows, merge, patch, columns, merge, patch) -> tokens, their patches, colours, pixels
        cut = cut.permute(0, 2, 5, 3, 6, 1, 4, 7).flatten(0, 4)
        # A patch is `depth` frames thick; a still image stands still.
        thick = cut[:, :, None].expand(-1, -1, depth, -1, -1).flatten(1)
        grid = torch.tensor([1, rows * merge, columns * merge], device=pixels.device)
        return thick, grid.expand(len(pixels), 3)

    def _in_rows(self, states: torch.Tensor, frames: int) -> torch.Tensor:
        merge = self.model.config.vision_config.spatial_merge_size
        rows, columns = self.layout.rows, self.layout.columns
        tokens = states.unflatten(0, (frames * rows * columns, merge * merge))
        tokens = tokens[self._token_order(frames, states.device)]
        patches = tokens.unflatten(1, (merge, merge)).unflatten(0, (frames, rows, columns))
        return patches.permute(0, 1, 3, 2, 4, 5).flatten(1, 4)

    def _token_order(self, frames: int, device: torch.device) -> torch.Tensor:
        """Return where each token, frame by frame and row by row, stands in a block's output."""
        return torch.arange(frames * self.layout.rows * self.layout.columns, device=device)


class Qwen25Adapter(QwenAdapter):
    """Serve `Qwen2_5_VLForConditionalGeneration`, whose vision blocks work on windows of tokens."""

    mean = (0.48145466, 0.4578275, 0.40821073)
    deviation = (0.26862954, 0.26130258, 0.27577711)
    image = (504, 392)
    """Width and height where nothing else is asked for: 18 x 14 tokens, as VG-LLM takes a 4:3 frame."""

    def _token_order(self, frames: int, device: torch.device) -> torch.Tensor:
        vision = self.model.config.vision_config
        side = vision.window_size // vision.spatial_merge_size // vision.patch_size
        rows, columns = self.layout.rows, self.layout.columns
        row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        across = -(-columns // side)
        window = (row // side) * across + column // side
        # Tokens stand window by window, and within a window row by row; a stable sort keeps the latter.
        standing = torch.sort(window.flatten(), stable=True).indices
        first = torch.arange(frames)[:, None] * rows * columns
        return (first + torch.argsort(standing)).flatten().to(device)


class Qwen3Adapter(QwenAdapter):
    """Serve `Qwen3VLForConditionalGeneration`, whose vision tower also feeds the first language layers."""

    image = (512, 384)
    """Width and height where nothing else is asked for: 16 x 12 tokens of a 4:3 frame."""
