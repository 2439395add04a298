# SPDX-License-Identifier: Apache-2.0
"""The newest frames of a camera with what is known of each, gathered by stamp from several topics."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from ide3d_ros.geometry.camera import Camera

KEPT = 48


@dataclass
class Moment:
    """Hold what belongs to one stamp. Topics come in any order, so parts may be missing for a while.

    Attributes:
        stamp_ns: of the frame, nanoseconds.
        rgb: (H, W, 3) uint8 RGB.
        camera: of the frame.
        labels: a simulated room's labels of the frame, JSON.
        world_from_camera: (4, 4), metres; where TF states the camera's pose at this very stamp.
    """

    stamp_ns: int
    rgb: np.ndarray | None = None
    camera: Camera | None = None
    labels: str = ""
    world_from_camera: np.ndarray | None = None

    @property
    def is_complete(self) -> bool:
        """Tell whether the frame is here with its camera and something to know the truth from."""
        known = bool(self.labels) or self.world_from_camera is not None
        return self.rgb is not None and self.camera is not None and known


class Moments:
    """Keep the newest moments; any thread may fill them or look at them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_stamp: OrderedDict[int, Moment] = OrderedDict()

    def update(self, stamp_ns: int, **parts: object) -> None:
        """Add parts to the moment of a stamp, and forget the oldest moment when there are too many."""
        with self._lock:
            moment = self._by_stamp.setdefault(stamp_ns, Moment(stamp_ns))
            for name, part in parts.items():
                setattr(moment, name, part)
            while len(self._by_stamp) > KEPT:
                self._by_stamp.popitem(last=False)

    def newest(self) -> Moment | None:
        """Return the newest complete moment."""
        with self._lock:
            complete = [moment for moment in self._by_stamp.values() if moment.is_complete]
        return max(complete, key=lambda moment: moment.stamp_ns, default=None)

    def at(self, stamp_ns: int) -> Moment | None:
        """Return the moment of a stamp if it is complete."""
        with self._lock:
            moment = self._by_stamp.get(stamp_ns)
        return moment if moment is not None and moment.is_complete else None
