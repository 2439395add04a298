# SPDX-License-Identifier: Apache-2.0
"""A window's prefix is computed once; questions are written behind it and leave nothing behind."""

from __future__ import annotations

import pytest
import torch
from tiny_checkpoints import BOXES, IMAGES, VALUES, frames, save_checkpoint

from ide3d_ros.network.full_size import BoxSettings, build_random, find_checkpoint
from ide3d_ros.network.full_size.adapter import Sight

KINDS = tuple(VALUES)
PREAMBLE = torch.tensor([1, 2, 3])
TEXT, OTHER = torch.tensor([5, 6, 7, 8]), torch.tensor([20, 21])
ANSWER = torch.tensor([9, 10, 11])


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    found = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind)
        save_checkpoint(kind, folder)
        found[kind] = find_checkpoint(str(folder))
    return found


def build(checkpoints, kind, **options):
    torch.manual_seed(0)
    return build_random(checkpoints[kind], BOXES, image=IMAGES[kind], **options)


def close(one, other):
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def seen(network, kind, number=2, seed=0):
    with torch.no_grad():
        return network.encode(frames(kind, number, seed))


@pytest.mark.parametrize("dual_encoder", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_prefix_prompt_and_steps_give_what_one_pass_gives(checkpoints, kind, dual_encoder):
    network = build(checkpoints, kind, dual_encoder=dual_encoder)
    once = network(frames(kind), TEXT, ANSWER, PREAMBLE)
    prefix = network.prefix(seen(network, kind), PREAMBLE)
    reply = network.prompt(prefix, TEXT)
    close(reply.pointer, once.pointer)
    close(prefix.fields, once.fields)
    close(prefix.gravity, once.gravity)
    close(reply.logits, once.logits[len(TEXT) - 1])
    for place, token in enumerate(ANSWER):
        close(network.step(prefix, token), once.logits[len(TEXT) + place])


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_leaves_nothing_for_the_next(checkpoints, kind):
    network = build(checkpoints, kind)
    prefix = network.prefix(seen(network, kind))
    first = network.prompt(prefix, TEXT)
    network.step(prefix, ANSWER[0])
    network.prompt(prefix, OTHER)
    again = network.prompt(prefix, TEXT)
    assert torch.equal(first.logits, again.logits) and torch.equal(first.pointer, again.pointer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_that_grows_by_a_frame_is_the_window_computed_whole(checkpoints, kind):
    network = build(checkpoints, kind)
    sight = seen(network, kind, 3)
    whole = network.prefix(sight, PREAMBLE)
    former, latter = (
        Sight(sight.grid[part], tuple(level[part] for level in sight.deep))
        for part in (slice(0, 2), slice(2, 3))
    )
    prefix = network.prefix(former, PREAMBLE)
    network.prompt(prefix, OTHER)  # which must not stay in between
    grown = network.extend(prefix, latter)
    assert (grown.length, grown.position) == (whole.length, whole.position)
    close(grown.keys, whole.keys)
    close(grown.fields, whole.fields)
    close(network.prompt(grown, TEXT).logits, network.prompt(whole, TEXT).logits)


def test_what_frames_say_does_not_depend_on_later_ones(checkpoints):
    network = build(checkpoints, "llava_onevision")
    short = network.prefix(seen(network, "llava_onevision", 1))
    long = network.prefix(seen(network, "llava_onevision", 3))
    close(long.fields[:1], short.fields)


def test_questions_are_written_without_moving_the_prefix(checkpoints):
    network = build(checkpoints, "llava_onevision")
    prefix = network.prefix(seen(network, "llava_onevision"))
    network.prompt(prefix, TEXT)
    places = [layer.keys.data_ptr() for layer in prefix.cache.layers]
    for token in ANSWER:
        network.step(prefix, token)
    network.prompt(prefix, OTHER)
    assert [layer.keys.data_ptr() for layer in prefix.cache.layers] == places
    assert prefix.cache.get_seq_length() == prefix.length + len(OTHER)


def test_an_answer_longer_than_the_room_behind_the_prefix_goes_on(checkpoints, monkeypatch):
    monkeypatch.setattr("ide3d_ros.network.full_size.kv_cache.ROOM", 2)
    network = build(checkpoints, "qwen2_5_vl")
    prefix = network.prefix(seen(network, "qwen2_5_vl"))
    network.prompt(prefix, TEXT)
    short = [network.step(prefix, token) for token in torch.arange(12)]
    monkeypatch.undo()
    prefix = network.prefix(seen(network, "qwen2_5_vl"))
    network.prompt(prefix, TEXT)
    for token, logits in zip(torch.arange(12), short, strict=True):
        close(network.step(prefix, token), logits)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_never_sees_the_box_queries(checkpoints, kind):
    network = build(checkpoints, kind)
    with torch.no_grad():
        before = network(frames(kind), TEXT, ANSWER)
        network.queries.add_(1.0)
        after = network(frames(kind), TEXT, ANSWER)
    close(after.logits, before.logits)
    assert not torch.allclose(after.pointer, before.pointer, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_pass_yields_what_objectives_need_and_reaches_every_part(checkpoints, kind):
    network = build(checkpoints, kind).train()
    once = network(frames(kind), TEXT, ANSWER, levels=(1, 2, -1))
    layout = network.adapter.layout
    grid = (2, layout.rows * layout.columns)
    assert once.visual_states.shape == (*grid, 32)
    assert once.logits.shape == (len(TEXT) + len(ANSWER), 64)
    assert once.pointer.shape == (BOXES.queries, grid[0] * grid[1] + 1)
    assert once.fields.shape == (*grid, 14 + 2 + 2) and once.gravity.shape == (2, 2)
    assert [level.shape[-1] for level in once.levels] == [16, 16, 16]
    torch.testing.assert_close(once.pointer.exp().sum(-1), torch.ones(BOXES.queries))
    outputs = (once.logits.logsumexp(-1), once.pointer[:, 0], once.fields, once.gravity, once.visual_states)
    sum(output.square().mean() for output in (*outputs, *once.levels)).backward()
    # LLaVA has no use for the norm behind SigLIP's last block.
    silent = {name for name, weight in network.named_parameters() if weight.grad is None}
    assert all("post_layernorm" in name for name in silent), silent


def test_a_dual_encoders_window_cannot_grow(checkpoints):
    network = build(checkpoints, "llava_onevision", dual_encoder=True)
    prefix = network.prefix(seen(network, "llava_onevision"))
    with pytest.raises(ValueError, match="attends across all frames, so a window cannot grow"):
        network.extend(prefix, seen(network, "llava_onevision", 1))


def test_categories_need_their_mean_extents():
    with pytest.raises(ValueError, match="1 categories but 0 mean extents"):
        BoxSettings(categories=("chair",))
