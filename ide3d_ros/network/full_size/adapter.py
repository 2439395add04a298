# SPDX-License-Identifier: Apache-2.0
"""One interface to the vision-language classes of transformers: frames to tokens, tokens to states."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from transformers import Cache, PreTrainedModel

from ide3d_ros.network.full_size.layout import FrameLayout

FRAMES_AT_ONCE = 8
"""Frames that the vision tower takes in one pass; a window of more is cut, so that memory stays bounded."""


@dataclass(frozen=True)
class Sight:
    """What a vision tower makes of a window's frames.

    Attributes:
        grid: (F, N, dim) projected and pooled tokens of each frame, row by row.
        deep: further tokens of the same shape, which are added behind the first layers of the language
            model, one of each (DeepStack); empty where the network has none.
        levels: (F, P, width) hidden states of all patches at each level asked for, row by row; level k is
            what comes out of the first k blocks, -1 out of the last.
    """

    grid: torch.Tensor
    deep: tuple[torch.Tensor, ...] = ()
    levels: tuple[torch.Tensor, ...] = ()


class Adapter(nn.Module, ABC):
    """Serve one class of transformers; sizes, normalisation and token order of the class stay in here.

    Attributes:
        model: the transformers model.
        layout: where a frame's tokens stand.
        dim: width of the language model.
    """

    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    deviation: tuple[float, float, float] = (0.5, 0.5, 0.5)

    def __init__(self, model: PreTrainedModel, layout: FrameLayout):
        super().__init__()
        self.model = model
        self.layout = layout
        self.dim: int = model.config.text_config.hidden_size

    def see(self, frames: torch.Tensor, levels: Sequence[int] = ()) -> Sight:
        """Run the vision tower and the projector.

        Args:
            frames: (F, height, width, 3) uint8 RGB at the network size.
            levels: hidden levels to return as well, for training-only objectives.

        Raises:
            ValueError: if the frames are not of that size and type, or a level does not exist.
        """
        expected = (self.layout.height, self.layout.width, 3)
        if frames.ndim != 4 or tuple(frames.shape[1:]) != expected or frames.dtype != torch.uint8:
            raise ValueError(
                f"frames are {frames.dtype} {tuple(frames.shape)}; this network takes torch.uint8 "
                f"(F, {', '.join(map(str, expected))}), resize them first"
            )
        blocks = self._blocks()
        for level in levels:
            if level != -1 and not 1 <= level <= len(blocks):
                raise ValueError(f"level {level} does not exist: the vision tower has {len(blocks)} blocks")
        watched = [blocks[level - 1 if level > 0 else -1] for level in levels]
        parts = []
        for chunk in frames.split(FRAMES_AT_ONCE):
            with _watching(watched) as seen:
                sight = self._see(self._normalized(chunk))
            parts.append(
                Sight(sight.grid, sight.deep, tuple(self._in_rows(level, len(chunk)) for level in seen))
            )
        return Sight(
            torch.cat([part.grid for part in parts]),
            tuple(torch.cat(deep) for deep in zip(*(part.deep for part in parts), strict=True)),
            tuple(torch.cat(level) for level in zip(*(part.levels for part in parts), strict=True)),
        )

    @abstractmethod
    def lay_out(self, grid: torch.Tensor) -> torch.Tensor:
        """Put separators between grid tokens: (F, N, dim) -> (F, T, dim)."""

    @abstractmethod
    def decode(
        self,
        embeddings: torch.Tensor,
        positions: torch.Tensor,
        cache: Cache | None,
        deep: tuple[torch.Tensor, ...] = (),
        places: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Run the language model causally behind what the cache holds.

        Args:
            embeddings: (1, S, dim).
            positions: (3, S) int64.
            cache: keys and values of what stands before; grows by S. None keeps nothing.
            deep: (n, dim) each, what is added behind the first layers.
            places: (S,) bool, at which of the S tokens it is added.
            mask: (1, 1, S, S) bool, True where attention is allowed; causal where left out.

        Returns:
            (1, S, dim) last states, normalised.
        """

    def embed(self, text: torch.Tensor) -> torch.Tensor:
        """Embed token ids (...) as (..., dim)."""
        return self.model.get_input_embeddings()(text)

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """Score the vocabulary: (..., dim) -> (..., V)."""
        return self.model.lm_head(states)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the network's weights."""
        return self.model.dtype

    @abstractmethod
    def _blocks(self) -> nn.ModuleList:
        """Return the blocks of the vision tower."""

    @abstractmethod
    def _see(self, pixels: torch.Tensor) -> Sight:
        """Encode a chunk of normalised frames (f, 3, height, width); levels are not its concern."""

    def _in_rows(self, states: torch.Tensor, frames: int) -> torch.Tensor:
        """Bring a block's output into (f, P, width), row by row."""
        return states

    def _normalized(self, frames: torch.Tensor) -> torch.Tensor:
        pixels = frames.permute(0, 3, 1, 2).to(self.dtype) / 255.0
        mean = pixels.new_tensor(self.mean)[:, None, None]
        return (pixels - mean) / pixels.new_tensor(self.deviation)[:, None, None]


@contextmanager
def _watching(blocks: Sequence[nn.Module]) -> Iterator[list[torch.Tensor]]:
    """Collect the outputs of blocks, in the order of `blocks`, filled in when the context ends."""
    outputs: dict[nn.Module, torch.Tensor] = {}

    def keep(block: nn.Module, _inputs: object, output: object) -> None:
        outputs[block] = output[0] if isinstance(output, tuple) else output

    handles = [block.register_forward_hook(keep) for block in set(blocks)]
    seen: list[torch.Tensor] = []
    try:
        yield seen
        seen.extend(outputs[block] for block in blocks)
    finally:
        for handle in handles:
            handle.remove()
