# SPDX-License-Identifier: Apache-2.0
"""Several data sets of samples as one."""

from __future__ import annotations

from collections.abc import Sequence

from torch.utils.data import Dataset

from ide3d_training.datasets.packing import Sample


class JoinedDataset(Dataset):
    """Put the first items of several data sets one after the other.

    Args:
        parts: data sets whose keys are (epoch, item), and how many of the items of each are taken.
    """

    def __init__(self, parts: Sequence[tuple[Dataset, int]]):
        self._parts = tuple(parts)

    def __len__(self) -> int:
        return sum(count for _, count in self._parts)

    def __getitem__(self, key: tuple[int, int]) -> list[Sample]:
        """Return the samples of (epoch, item)."""
        epoch, item = key
        for dataset, count in self._parts:
            if item < count:
                return dataset[epoch, item]
            item -= count
        raise IndexError(f"item {key[1]} of {len(self)}")
