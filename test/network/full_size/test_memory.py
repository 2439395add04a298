# SPDX-License-Identifier: Apache-2.0
"""Memory is counted before it is taken."""

from __future__ import annotations

import pytest
import torch
from tiny_checkpoints import BOXES, IMAGES, VALUES, frames, save_checkpoint

from ide3d_ros.network.full_size import BoxSettings, build_random, find_checkpoint
from ide3d_ros.network.full_size.kv_cache import ROOM
from ide3d_ros.network.full_size.memory import memory_need

GIB = 1 << 30


def full(name, **options):
    options = {"dtype": torch.bfloat16, "device": "meta", **options}
    return build_random(find_checkpoint(f"hf:{name}"), BoxSettings(), **options)


@pytest.mark.parametrize("kind", tuple(VALUES))
def test_what_is_counted_is_what_is_taken(kind, tmp_path):
    save_checkpoint(kind, tmp_path)
    checkpoint = find_checkpoint(str(tmp_path))
    options = {"image": IMAGES[kind], "dual_encoder": True, "dtype": torch.bfloat16}
    network = build_random(checkpoint, BOXES, **options)
    need = memory_need(build_random(checkpoint, BOXES, device="meta", **options), frames=2, text_tokens=0)
    held = [*network.parameters(), *network.buffers()]
    assert need.weights == sum(one.nbytes for one in held)
    assert need.parameters == sum(one.numel() for one in network.parameters())
    prefix = network.prefix(network.encode(frames(kind)))
    taken = sum(2 * layer._memory[0].nbytes for layer in prefix.cache.layers)
    assert need.cache == taken and taken > 2 * ROOM


def test_the_published_sizes_come_out():
    """VG-LLM-8B and 3D-IDE: 9.25 and 8.06 billion parameters, 21.1 and 18.35 GB (arXiv 2604.03296)."""
    plain = memory_need(full("llava-video-7b"), frames=32, text_tokens=96)
    dual = memory_need(full("qwen2.5-vl-7b", dual_encoder=True), frames=32, text_tokens=96)
    assert plain.parameters == pytest.approx(8.06e9, rel=0.01)
    assert dual.parameters == pytest.approx(9.25e9, rel=0.01)
    assert plain.total / GIB == pytest.approx(18.35, rel=0.05)
    assert dual.total / GIB == pytest.approx(21.1, rel=0.05)


def test_a_long_window_takes_more_and_so_does_a_wide_type():
    short = memory_need(full("qwen3-vl-4b"), frames=8, text_tokens=96)
    long = memory_need(full("qwen3-vl-4b"), frames=32, text_tokens=96)
    wide = memory_need(full("qwen3-vl-4b", dtype=torch.float32), frames=8, text_tokens=96)
    assert long.weights == short.weights and long.cache > 3 * short.cache and long.work > short.work
    assert wide.cache == 2 * short.cache and wide.total > 1.9 * short.total
