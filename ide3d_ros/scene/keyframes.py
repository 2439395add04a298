# SPDX-License-Identifier: Apache-2.0
"""Choose the frames that are worth a place in a window of several: those that show something else.

A camera that stands still would fill its window with the same frame over and over. So a window holds
keyframes and, as its last, always the newest frame: when another one comes, that one stays only if it differs
from the keyframe before it, by what it shows or by the time between them. No pose is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_THUMBNAIL = (32, 24)
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class KeyframeRule:
    """Say when two frames are different enough.

    Attributes:
        motion: mean difference of their grey thumbnails from which on they differ, as a share of white.
        gap_s: seconds between their stamps from which on they differ, whatever they show.
    """

    motion: float = 0.03
    gap_s: float = 2.0


@dataclass(frozen=True, eq=False)
class _Glance:
    """What is remembered of a frame: (24, 32) float32 grey, 0..1, and its stamp."""

    grey: np.ndarray
    stamp_ns: int


class KeyframeChooser:
    """Follow one window."""

    def __init__(self, rule: KeyframeRule) -> None:
        """Begin with an empty window."""
        self._rule = rule
        self._keyframe: _Glance | None = None
        self._newest: _Glance | None = None

    def keeps_newest(self) -> bool:
        """Tell whether the window's newest frame stays when another one comes."""
        if self._newest is None or self._newest is self._keyframe:
            return True
        gap_ns = abs(self._newest.stamp_ns - self._keyframe.stamp_ns)  # a recording may begin again
        if gap_ns >= self._rule.gap_s * _SECOND_NS:
            return True
        return float(np.abs(self._newest.grey - self._keyframe.grey).mean()) >= self._rule.motion

    def follow(self, image: np.ndarray, stamp_ns: int) -> None:
        """Note that a frame was added in the way that `keeps_newest` said.

        Args:
            image: (H, W, 3) uint8 RGB.
            stamp_ns: its stamp, nanoseconds.
        """
        small = cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
        if self.keeps_newest():
            self._keyframe = self._newest
        self._newest = _Glance(grey, stamp_ns)
        if self._keyframe is None:
            self._keyframe = self._newest

    def forget(self) -> None:
        """Note that the window was emptied."""
        self._keyframe = self._newest = None
