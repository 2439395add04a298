# SPDX-License-Identifier: Apache-2.0
"""Keys and values with room behind them: a question is written behind the prefix and taken back again."""

from __future__ import annotations

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 256
"""Places that are added beyond what is asked for whenever a layer has to grow."""


class RoomyLayer(DynamicLayer):
    """A cache layer that writes new places into memory it already has.

    The layer of transformers copies the whole prefix for every token that is added, and again for every
    question. Here `keys` and `values` are views of a larger memory, whose places behind the prefix are used
    over and over. For inference alone: what is written in place has no gradient.
    """

    def __init__(self) -> None:
        super().__init__()
        self._memory: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: object, **_kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write (1, heads, S, width) keys and values behind the others and return all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self._memory is None or end > self._memory[0].shape[-2]:
            self._memory = tuple(
                self._grown(old, new, start, end)
                for old, new in ((self.keys, key_states), (self.values, value_states))
            )
        keys, values = self._memory
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values

    def reset(self) -> None:
        """Forget everything, the memory too."""
        self._memory = None
        super().reset()

    @staticmethod
    def _grown(old: torch.Tensor, new: torch.Tensor, start: int, end: int) -> torch.Tensor:
        memory = new.new_empty(*new.shape[:-2], end + ROOM, new.shape[-1])
        if start:
            memory[..., :start, :] = old
        return memory


def roomy_cache() -> Cache:
    """Return an empty cache of such layers."""
    cache = DynamicCache()
    cache.layer_class_to_replicate = RoomyLayer
    return cache
