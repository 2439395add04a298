# SPDX-License-Identifier: Apache-2.0
"""Listen to levels of the vision tower from outside, so that the network knows nothing of its validator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ide3d_training.config import ConfigError


class LevelTap:
    """Keep what chosen blocks of an encoder put out in its last pass.

    Args:
        blocks: the encoder's transformer blocks.
        levels: which of them, counted from 1, shallow to deep.

    Raises:
        ConfigError: if a level does not exist.
    """

    def __init__(self, blocks: nn.ModuleList, levels: Sequence[int]):
        wrong = [level for level in levels if not 1 <= level <= len(blocks)]
        if wrong or not levels:
            raise ConfigError(
                f"validator.levels names level {wrong[0] if wrong else 'none'}; the vision tower has levels "
                f"1 to {len(blocks)}"
            )
        self._outputs: dict[int, torch.Tensor] = {}
        self._levels = tuple(levels)
        self._hooks = [blocks[level - 1].register_forward_hook(self._keeper(level)) for level in self._levels]

    def _keeper(self, level: int):
        def keep(_module: nn.Module, _inputs: tuple, output: torch.Tensor | tuple) -> None:
            self._outputs[level] = output[0] if isinstance(output, tuple) else output

        return keep

    def take(self) -> list[torch.Tensor]:
        """Return the (B, N, C) outputs of the last pass, shallow to deep, and forget them."""
        outputs = [self._outputs[level] for level in self._levels]
        self._outputs.clear()
        return outputs

    def remove(self) -> None:
        """Stop listening."""
        for hook in self._hooks:
            hook.remove()
