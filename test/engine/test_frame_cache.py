# SPDX-License-Identifier: Apache-2.0
"""No frame is computed twice, and an old window stays what it was."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from counting_engine import CountingEngine
from fake_bundle import RGB, picture

from ide3d_ros.bundle import Bundle
from ide3d_ros.engine import CacheBudget, EngineError, FrameCache, Prefix, select_engine

K = np.array([[50, 0, 31.5], [0, 50, 23.5], [0, 0, 1]])


@pytest.fixture
def engine(fake_bundle: Bundle) -> CountingEngine:
    return CountingEngine(select_engine(fake_bundle, threads=1).engine)


def add(cache: FrameCache[str], color: str) -> None:
    cache.add(color, picture((color, 0, 0)), K)


def first_colors(prefix: Prefix) -> list[str]:
    """Read the colour of the first token of each frame back out of the keys."""
    names = {tuple(np.array(rgb) / 255): name for name, rgb in RGB.items()}
    return [names[tuple(key[0, 0, 0, :3])] for key in prefix.key]


def test_an_empty_cache_has_no_window(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 2)
    assert cache.window() is None
    assert cache.keys == () and cache.bytes == 0


def test_a_frame_is_encoded_when_it_is_added_and_its_prefix_waits_for_a_question(
    engine: CountingEngine,
) -> None:
    cache = FrameCache[str](engine, 2)
    add(cache, "red")
    assert engine.passes == {"vision": 1}
    cache.window()
    assert engine.passes == {"vision": 1, "prefix": 1}


def test_an_unchanged_window_costs_no_pass_and_no_copy(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 3)
    for color in RGB:
        add(cache, color)
    first, before = cache.window(), dict(engine.passes)
    again = cache.window()
    assert engine.passes == before
    assert again.prefix is first.prefix


def test_frames_that_came_together_share_one_prefix_pass(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 3)
    for color in RGB:
        add(cache, color)
    cache.window()
    assert engine.prefix_frames == [3]


def test_a_new_frame_computes_only_itself(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 3)
    add(cache, "red")
    add(cache, "green")
    cache.window()
    add(cache, "blue")
    window = cache.window()
    assert engine.prefix_frames == [2, 1]
    assert first_colors(window.prefix) == ["red", "green", "blue"]


def test_the_oldest_frame_goes_and_the_rest_is_not_recomputed(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 2)
    add(cache, "red")
    add(cache, "green")
    cache.window()
    add(cache, "blue")
    window = cache.window()
    assert window.keys == cache.keys == ("green", "blue")
    assert first_colors(window.prefix) == ["green", "blue"]
    assert engine.prefix_frames == [2, 1]


def test_the_window_equals_one_pass_over_all_its_frames(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 3)
    for color in RGB:  # a window after each frame: every frame gets its prefix alone
        add(cache, color)
        window = cache.window()
    images = np.stack([picture((color, 0, 0)) for color in RGB])
    at_once = engine.prefix(engine.vision(images, np.repeat(K[None].astype(np.float32), 3, 0)))
    for field in dataclasses.fields(Prefix):
        np.testing.assert_array_equal(getattr(window.prefix, field.name), getattr(at_once, field.name))


def test_an_old_window_keeps_its_numbers_when_frames_come_and_go(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 2)
    add(cache, "red")
    add(cache, "green")
    old = cache.window()
    kept = old.prefix.key.copy()
    for color in ("blue", "red", "blue"):
        add(cache, color)
        cache.window()
    cache.clear()
    np.testing.assert_array_equal(old.prefix.key, kept)


def test_times_are_counted_once(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 2)
    cache.add("red", picture(("red", 0, 0)), K, preprocess_ms=1000.0)
    first = cache.window()
    assert first.preprocess_ms == 1000 and first.vision_ms > 0 and first.prefix_ms > 0
    unchanged = cache.window()
    assert unchanged.preprocess_ms == unchanged.vision_ms == 0
    add(cache, "green")
    last = cache.window()
    assert last.preprocess_ms == 0 and last.vision_ms > 0


def test_memory_counts_tokens_then_prefixes_once(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 2)
    add(cache, "red")
    tokens = engine.vision(picture()[None], K[None].astype(np.float32))
    assert cache.bytes == tokens.nbytes
    add(cache, "green")
    window = cache.window()
    assert cache.bytes == window.prefix.bytes
    add(cache, "blue")
    assert cache.bytes == window.prefix.bytes + tokens.nbytes  # green's part is a view of the old window
    assert cache.window().prefix.bytes == cache.bytes


def test_frames_are_held_as_views_of_their_window(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 2)
    add(cache, "red")
    add(cache, "green")
    window = cache.window()
    assert all(np.shares_memory(entry.prefix.key, window.prefix.key) for entry in cache._entries)


def test_memory_does_not_grow_with_the_number_of_frames_seen(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 2)
    sizes = []
    for color in ("red", "green", "blue") * 5:
        add(cache, color)
        cache.window()
        sizes.append(cache.bytes)
    assert set(sizes[1:]) == {sizes[1]}


def test_clearing_forgets_every_frame(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 2)
    add(cache, "red")
    cache.window()
    cache.clear()
    assert cache.window() is None and cache.bytes == 0


def test_a_failed_vision_pass_leaves_the_window_as_it_was(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 2)
    add(cache, "red")
    engine.fail["vision"] = EngineError("out of memory")
    with pytest.raises(EngineError):
        add(cache, "green")
    assert cache.keys == ("red",)


def test_a_failed_prefix_pass_is_tried_again(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 2)
    add(cache, "red")
    engine.fail["prefix"] = EngineError("out of memory")
    with pytest.raises(EngineError):
        cache.window()
    engine.fail.clear()
    assert first_colors(cache.window().prefix) == ["red"]


def test_a_cache_for_no_frames_is_refused(engine: CountingEngine) -> None:
    with pytest.raises(ValueError, match="keeps nothing"):
        FrameCache(engine, 0)


# Memory shared by several caches

MIB = 1 << 20


def prefix_bytes(engine: CountingEngine) -> int:
    """Measure what one frame holds once its prefix is there."""
    cache = FrameCache[str](engine, 1)
    add(cache, "red")
    return cache.window().prefix.bytes


def test_the_oldest_frames_go_when_memory_is_short_and_nothing_is_computed_again(
    engine: CountingEngine,
) -> None:
    budget = CacheBudget(2.5 * prefix_bytes(engine) / MIB)
    cache = FrameCache[str](engine, 4, budget=budget)
    for color in ("red", "green"):
        add(cache, color)
    cache.window()
    add(cache, "blue")
    before = engine.passes["prefix"]
    window = cache.window()
    assert window.keys == cache.keys == ("green", "blue")
    assert first_colors(window.prefix) == ["green", "blue"]
    assert engine.passes["prefix"] == before + 1 and engine.prefix_frames[-1] == 1
    assert cache.window().prefix is window.prefix
    assert cache.bytes == window.prefix.bytes == budget.bytes


def test_the_camera_that_was_used_least_recently_gives_way_but_keeps_its_newest_frame(
    engine: CountingEngine,
) -> None:
    budget = CacheBudget(4.5 * prefix_bytes(engine) / MIB)
    idle, busy = (FrameCache[str](engine, 3, budget=budget) for _ in range(2))
    for cache in (idle, busy):
        for color in RGB:
            add(cache, color)
    idle.window()
    busy.window()
    assert idle.keys == ("blue",)
    assert busy.keys == ("red", "green", "blue")
    assert first_colors(idle.window().prefix) == ["blue"]


def test_the_newest_frame_stays_however_small_the_budget(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 3, budget=CacheBudget(1e-6))
    for color in RGB:
        add(cache, color)
    assert cache.window().keys == ("blue",)


def test_a_dropped_frame_frees_its_memory(engine: CountingEngine) -> None:
    cache = FrameCache[str](engine, 3)
    for color in RGB:
        add(cache, color)
    full = cache.window().prefix
    cache.drop_oldest()
    window = cache.window()
    assert cache.bytes == window.prefix.bytes == full.bytes * 2 // 3
    assert not np.shares_memory(window.prefix.key, full.key)


@pytest.mark.parametrize("limit_mb", [0.0, -1.0, float("nan")])
def test_a_budget_without_room_is_refused(limit_mb: float) -> None:
    with pytest.raises(ValueError, match="cache_mb"):
        CacheBudget(limit_mb)
