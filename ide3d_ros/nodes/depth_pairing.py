# SPDX-License-Identifier: Apache-2.0
"""Which depth belongs to which frame: the one taken nearest in time, within half a frame period.

Knows nothing of ROS.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_HELD = 16
"""Depth images that are kept for frames still to come."""
WIDEST_NS = 100_000_000
"""However slow a camera is, depth this far from a frame shows another moment, nanoseconds."""
_GAPS = 15
_JUMP_NS = 1_000_000_000


class Cadence:
    """Measure how far apart a stream's stamps are."""

    def __init__(self) -> None:
        """Make a measure that has seen nothing."""
        self._gaps: deque[int] = deque(maxlen=_GAPS)
        self._last_ns: int | None = None

    def see(self, stamp_ns: int) -> None:
        """Take the next stamp, nanoseconds; one that does not go forward tells nothing."""
        if self._last_ns is not None and stamp_ns > self._last_ns:
            self._gaps.append(stamp_ns - self._last_ns)
        self._last_ns = stamp_ns

    @property
    def half_period_ns(self) -> int:
        """Return half the lower quartile of the gaps, 0 while none is known.

        Lost messages only make gaps longer, so that the shorter ones tell how often the camera looks.
        """
        return sorted(self._gaps)[len(self._gaps) // 4] // 2 if self._gaps else 0


class DepthPairing(Generic[T]):
    """Hold the newest depth images of a camera and find the one of a frame. One thread at a time."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._frames, self._depths = Cadence(), Cadence()
        self._held: deque[tuple[int, T]] = deque(maxlen=MOST_HELD)

    @property
    def tolerance_ns(self) -> int:
        """Return how far a frame and its depth may be apart, nanoseconds."""
        return min(self._frames.half_period_ns, WIDEST_NS)

    def see_frame(self, stamp_ns: int) -> None:
        """Note a frame's stamp, nanoseconds."""
        self._frames.see(stamp_ns)

    def add(self, stamp_ns: int, depth: T) -> None:
        """Take the next depth image.

        One that is much older than the newest means that the time has jumped back (a recording begins again):
        what is held belongs to no frame that will come.

        Args:
            stamp_ns: of the depth image, nanoseconds.
            depth: whatever it is to the caller.
        """
        if self._held and stamp_ns < self._newest_ns - _JUMP_NS:
            self._held.clear()
        self._depths.see(stamp_ns)
        self._held.append((stamp_ns, depth))

    def nearest(self, stamp_ns: int) -> T | None:
        """Return the held depth nearest to a frame's stamp; None where none is near enough."""
        if not self._held:
            return None
        taken_ns, depth = self._nearest(stamp_ns)
        return depth if abs(taken_ns - stamp_ns) <= self.tolerance_ns else None

    def is_settled(self, stamp_ns: int) -> bool:
        """Tell whether no depth that is still to come can be nearer to a frame than what is held."""
        if not self._held:
            return False
        near_ns = abs(self._nearest(stamp_ns)[0] - stamp_ns)
        if near_ns == 0:
            return True
        if self.tolerance_ns == 0:  # the first frame: the second one tells how near is near enough
            return False
        # Before the next depth has come, an older one is known to be the nearest by its own period.
        return self._newest_ns >= stamp_ns or near_ns <= min(self._depths.half_period_ns, self.tolerance_ns)

    def distance_ns(self, stamp_ns: int) -> int | None:
        """Return how far from a frame the nearest held depth was taken, nanoseconds; None without any."""
        return abs(self._nearest(stamp_ns)[0] - stamp_ns) if self._held else None

    @property
    def _newest_ns(self) -> int:
        return self._held[-1][0]

    def _nearest(self, stamp_ns: int) -> tuple[int, T]:
        return min(self._held, key=lambda held: abs(held[0] - stamp_ns))
