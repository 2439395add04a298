# SPDX-License-Identifier: Apache-2.0
"""Random access to the frames of a rendered data set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ide3d_training.worlds.scene_graph import FrameGraph
from ide3d_training.worlds.shards import MILLIMETRES, SETTINGS_FILE, damaged, read_shard


class FrameStore:
    """Read single frames out of finished shards; pictures are memory-mapped, labels parsed when asked for.

    Args:
        folder: a data set written by `ide3d-worlds render`, finished or not.

    Attributes:
        folder: the same.
        rooms: the indices of each room's frames, room by room.

    Raises:
        FileNotFoundError: if it holds no finished shard; the sentence gives the command that makes one.
        DatasetError: if a shard is damaged; the sentence names it.
    """

    def __init__(self, folder: Path):
        shards = sorted(folder.glob("shard-*")) if (folder / SETTINGS_FILE).exists() else []
        if not shards:
            raise FileNotFoundError(
                f"no rendered rooms at {folder}; make them with: "
                f"ide3d-worlds render --rooms 22400 --seed 0 --out {folder}"
            )
        self.folder = folder
        self.rooms: list[range] = []
        self._shards = [shard.name for shard in shards]
        self._pictures, self._places, self._lines = [], [], []
        for number, shard in enumerate(shards):
            lines, pictures = read_shard(shard)
            try:
                seeds = [int(json.loads(line)["seed"]) for line in lines]
            except (ValueError, KeyError) as error:
                raise damaged(shard, str(error)) from error
            starts = [row for row in range(len(seeds)) if row == 0 or seeds[row] != seeds[row - 1]]
            first = len(self._lines)
            self.rooms += [
                range(first + start, first + end)
                for start, end in zip(starts, [*starts[1:], len(seeds)], strict=True)
            ]
            self._lines += lines
            self._places += [(number, row) for row in range(len(lines))]
            self._pictures.append(pictures)

    def __len__(self) -> int:
        return len(self._lines)

    def __reduce__(self) -> tuple:
        # Worker processes open the files themselves: a pickled memory map is a copy of all it maps.
        return FrameStore, (self.folder,)

    def image(self, index: int) -> np.ndarray:
        """Return the (H, W, 3) uint8 RGB image of a frame."""
        return self._picture("rgb", index)

    def ids(self, index: int) -> np.ndarray:
        """Return the (H, W) uint8 instance ids of a frame."""
        return self._picture("ids", index)

    def depth(self, index: int) -> np.ndarray:
        """Return the (H, W) float32 depth of a frame, metres along the optical axis, 0 where unknown."""
        return self._picture("depth", index).astype(np.float32) / MILLIMETRES

    def graph(self, index: int) -> FrameGraph:
        """Return the labels of a frame."""
        return FrameGraph.from_json(self._lines[index])

    def place(self, index: int) -> tuple[str, int]:
        """Return the name of the shard that holds a frame, and the frame's row in it."""
        shard, row = self._places[index]
        return self._shards[shard], row

    def _picture(self, name: str, index: int) -> np.ndarray:
        shard, row = self._places[index]
        return np.asarray(self._pictures[shard][name][row])
