# SPDX-License-Identifier: Apache-2.0
"""Keep what the newest frames contribute, so that no frame is ever computed twice.

A frame is encoded when it arrives and turned into keys and values when the first question needs it. Frames
do not see one another inside the network, so a window is a concatenation of its frames: adding or evicting
one never recomputes another, and an unchanged window costs nothing at all.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

import numpy as np

from ide3d_ros.engine.cache_budget import CacheBudget
from ide3d_ros.engine.protocol import Engine, Prefix

Key = TypeVar("Key")


@dataclass(frozen=True, eq=False)
class Window(Generic[Key]):
    """Hold the frames that a question is asked about, and what it cost to get them ready.

    Attributes:
        keys: what the frames were added with, oldest first.
        prefix: their prefixes, concatenated in the same order.
        preprocess_ms: what the caller spent to get ready those frames that no earlier window counted,
            milliseconds.
        vision_ms: encoding time of the same frames, milliseconds.
        prefix_ms: time spent on prefixes for this window, milliseconds; 0 when nothing was missing.
    """

    keys: tuple[Key, ...]
    prefix: Prefix
    preprocess_ms: float
    vision_ms: float
    prefix_ms: float


@dataclass(eq=False)
class _Entry(Generic[Key]):
    """One frame: its tokens until its prefix exists, then the prefix."""

    key: Key
    tokens: np.ndarray | None
    preprocess_ms: float
    vision_ms: float
    prefix: Prefix | None = None


class FrameCache(Generic[Key]):
    """Encode frames and keep the newest ones.

    One thread adds frames and asks for windows; `keys` and `bytes` may be read from any thread without
    waiting. A window stays valid after the cache has moved on: its arrays are never written again.

    Args:
        engine: runs the vision and prefix passes.
        capacity: frames to keep.
        budget: limit of memory that this cache shares with others; it may keep fewer frames then. None sets
            no limit.
    """

    def __init__(self, engine: Engine, capacity: int, *, budget: CacheBudget | None = None):
        if capacity < 1:
            raise ValueError(f"a frame cache of {capacity} frames keeps nothing; give it 1 or more")
        self._engine = engine
        self._capacity = capacity
        self._budget = budget
        self._lock = threading.RLock()
        self._entries: tuple[_Entry[Key], ...] = ()  # replaced, never changed, so readers need no lock
        self._joined: tuple[tuple[_Entry[Key], ...], Prefix] | None = None

    def add(
        self,
        key: Key,
        image: np.ndarray,
        intrinsics: np.ndarray,
        *extra: np.ndarray,
        preprocess_ms: float = 0.0,
    ) -> None:
        """Encode one frame and keep it as the newest; the oldest beyond the capacity goes.

        Args:
            key: whatever names the frame for the caller.
            image: (height, width, 3) uint8 RGB at the network size.
            intrinsics: (3, 3) of that size.
            extra: what else the bundle reads of a frame, without the first axis; see `Engine.vision`.
            preprocess_ms: what the caller spent to get the image ready, milliseconds.

        Raises:
            EngineError: if the vision pass fails; the cache is left as it was.
        """
        entry = self._encode(key, (image, intrinsics, *extra), preprocess_ms)
        with self._lock:
            self._entries = (*self._entries, entry)[-self._capacity :]
            self._keep_to_budget()

    def replace_newest(
        self,
        key: Key,
        image: np.ndarray,
        intrinsics: np.ndarray,
        *extra: np.ndarray,
        preprocess_ms: float = 0.0,
    ) -> None:
        """Encode one frame and keep it in the place of the newest; arguments and errors as in `add`."""
        entry = self._encode(key, (image, intrinsics, *extra), preprocess_ms)
        with self._lock:
            self._entries = (*self._entries[:-1], entry)
            self._keep_to_budget()

    def window(self) -> Window[Key] | None:
        """Return the kept frames ready for questions, or None when there are none.

        Raises:
            EngineError: if the prefix pass fails.
        """
        with self._lock:
            if not self._entries:
                return None
            start = time.perf_counter()
            self._join(self._entries)
            self._keep_to_budget()  # prefixes take more than the tokens that they came from
            entries = self._entries
            prefix = self._join(entries)
            prefix_ms = (time.perf_counter() - start) * 1e3
            preprocess_ms = sum(entry.preprocess_ms for entry in entries)
            vision_ms = sum(entry.vision_ms for entry in entries)
            for entry in entries:
                entry.preprocess_ms = entry.vision_ms = 0.0
        return Window(tuple(entry.key for entry in entries), prefix, preprocess_ms, vision_ms, prefix_ms)

    def drop_oldest(self) -> None:
        """Forget the oldest frame and free its memory; nothing is computed again."""
        with self._lock:
            self._entries = self._entries[1:]
            ready = tuple(entry for entry in self._entries if entry.prefix is not None)
            self._joined = None
            if ready:  # their prefixes are views into a block that holds the dropped frame too
                self._adopt(ready, _concatenate([entry.prefix for entry in ready]))

    def clear(self) -> None:
        """Forget all frames."""
        with self._lock:
            self._entries, self._joined = (), None

    @property
    def keys(self) -> tuple[Key, ...]:
        """Return what the kept frames were added with, oldest first."""
        return tuple(entry.key for entry in self._entries)

    @property
    def bytes(self) -> int:
        """Return the memory that the cache holds, bytes."""
        entries, joined = self._entries, self._joined
        held = joined[1].bytes if joined else 0
        for entry in entries:
            if entry.tokens is not None:
                held += entry.tokens.nbytes
            elif joined is None or entry not in joined[0]:
                held += entry.prefix.bytes
        return held

    def _encode(self, key: Key, seen: tuple[np.ndarray, ...], preprocess_ms: float) -> _Entry[Key]:
        start = time.perf_counter()
        image, *numbers = seen
        tokens = self._engine.vision(image[None], *(np.asarray(one, np.float32)[None] for one in numbers))
        return _Entry(key, tokens, preprocess_ms, (time.perf_counter() - start) * 1e3)

    def _join(self, entries: tuple[_Entry[Key], ...]) -> Prefix:
        if self._joined is not None and self._joined[0] == entries:
            return self._joined[1]
        missing = [entry for entry in entries if entry.prefix is None]
        if missing:
            fresh = self._engine.prefix(np.concatenate([entry.tokens for entry in missing]))
            for i, entry in enumerate(missing):
                entry.prefix, entry.tokens = _part(fresh, i), None
        joined = entries[0].prefix if len(entries) == 1 else _concatenate([entry.prefix for entry in entries])
        self._adopt(entries, joined)
        return joined

    def _adopt(self, entries: tuple[_Entry[Key], ...], joined: Prefix) -> None:
        for i, entry in enumerate(entries):  # views into the one copy, so that the window is not held twice
            entry.prefix = _part(joined, i)
        self._joined = (entries, joined)

    def _keep_to_budget(self) -> None:
        if self._budget is not None:
            self._budget.used(self)


def _part(prefix: Prefix, i: int) -> Prefix:
    return Prefix(*(getattr(prefix, field.name)[i : i + 1] for field in fields(Prefix)))


def _concatenate(parts: list[Prefix]) -> Prefix:
    return Prefix(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Prefix))
    )
