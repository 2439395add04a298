# SPDX-License-Identifier: Apache-2.0
"""Random access to the frames of a rendered data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ide3d_training.worlds.scene_graph import FrameGraph
from ide3d_training.worlds.shards import SETTINGS_FILE


class FrameStore:
    """Read single frames out of finished shards; pictures are memory-mapped, labels parsed when asked for.

    Args:
        folder: a data set written by `ide3d-worlds render`, finished or not.

    Raises:
        FileNotFoundError: if it holds no finished shard; the sentence gives the command that makes one.
    """

    def __init__(self, folder: Path):
        shards = sorted(folder.glob("shard-*")) if (folder / SETTINGS_FILE).exists() else []
        if not shards:
            raise FileNotFoundError(
                f"no rendered rooms at {folder}; make them with: "
                f"ide3d-worlds render --rooms 22400 --seed 0 --out {folder}"
            )
        self._pictures, self._places, self._lines = [], [], []
        for number, shard in enumerate(shards):
            lines = (shard / "frames.jsonl").read_text(encoding="utf-8").splitlines()
            self._lines += lines
            self._places += [(number, row) for row in range(len(lines))]
            self._pictures.append(
                {name: np.load(shard / f"{name}.npy", mmap_mode="r") for name in ("rgb", "ids")}
            )

    def __len__(self) -> int:
        return len(self._lines)

    def image(self, index: int) -> np.ndarray:
        """Return the (H, W, 3) uint8 RGB image of a frame."""
        return self._picture("rgb", index)

    def ids(self, index: int) -> np.ndarray:
        """Return the (H, W) uint8 instance ids of a frame."""
        return self._picture("ids", index)

    def graph(self, index: int) -> FrameGraph:
        """Return the labels of a frame."""
        return FrameGraph.from_json(self._lines[index])

    def _picture(self, name: str, index: int) -> np.ndarray:
        shard, row = self._places[index]
        return np.asarray(self._pictures[shard][name][row])
