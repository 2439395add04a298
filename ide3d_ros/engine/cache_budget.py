# SPDX-License-Identifier: Apache-2.0
"""Share a limit of memory among frame caches: what was used least recently goes first."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from ide3d_ros.engine.frame_cache import FrameCache

_MIB = 1 << 20


class CacheBudget:
    """Keep what several frame caches hold together within a limit.

    When they hold more, the oldest frame of the cache that was used least recently is dropped, and so on.
    Every cache keeps its newest frame whatever the limit, since without it no question could be answered.
    All caches of one budget are used from one thread.

    Args:
        limit_mb: memory for the frames' tokens, keys and values, MiB.

    Raises:
        ValueError: if the limit is not positive.
    """

    def __init__(self, limit_mb: float):
        if not limit_mb > 0:
            raise ValueError(f"cache_mb is {limit_mb}; give a positive number of MiB, or none for no limit")
        self._limit = limit_mb * _MIB
        self._caches: WeakKeyDictionary[FrameCache, None] = WeakKeyDictionary()  # least recently used first

    def used(self, cache: FrameCache) -> None:
        """Note that a cache was used now, and drop frames until all of them keep to the limit."""
        self._caches.pop(cache, None)
        self._caches[cache] = None
        for one in list(self._caches):
            while len(one.keys) > 1 and self.bytes > self._limit:
                one.drop_oldest()

    @property
    def bytes(self) -> int:
        """Return what the caches hold together, bytes."""
        return sum(cache.bytes for cache in list(self._caches))
