# SPDX-License-Identifier: Apache-2.0
"""Frames become the tokens that each class was trained on, at the positions it was trained with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_checkpoints import BOXES, IMAGES, VALUES, frames, tiny_model
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from ide3d_ros.network.full_size import BoxSettings, FullSizeNetwork, build_random, find_checkpoint
from ide3d_ros.network.full_size.adapter import FRAMES_AT_ONCE
from ide3d_ros.network.full_size.building import adapter_of
from ide3d_ros.network.full_size.layout import lines_layout, marked_layout

QWEN = ("qwen2_5_vl", "qwen3_vl")


def adapter(kind):
    return adapter_of(tiny_model(kind), IMAGES[kind])


def test_llava_video_has_210_tokens_a_frame():
    layout = build_random(find_checkpoint("hf:llava-video-7b"), BoxSettings(), device="meta").adapter.layout
    assert (layout.rows, layout.columns, layout.tokens, layout.stride) == (14, 14, 210, 27.0)


def test_every_row_of_llavas_tokens_ends_with_the_newline_token():
    llava = adapter("llava_onevision")
    grid = torch.randn(2, 9, 32)
    tokens = llava.lay_out(grid).unflatten(1, (3, 4))
    torch.testing.assert_close(tokens[:, :, :3], grid.unflatten(1, (3, 3)))
    torch.testing.assert_close(tokens[:, :, 3], llava.model.model.image_newline.expand(2, 3, -1))


@torch.no_grad()
def test_llavas_grid_is_what_transformers_makes_of_a_video():
    llava, video = adapter("llava_onevision"), frames("llava_onevision", 3)
    pixels = video.permute(0, 3, 1, 2).float() / 127.5 - 1.0
    theirs = llava.model.model.get_video_features(pixels[None]).pooler_output[0]
    torch.testing.assert_close(llava.see(video).grid.flatten(0, 1), theirs[:-1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", QWEN)
def test_qwens_patches_are_those_of_its_own_image_processor(kind):
    qwen, images = adapter(kind), frames(kind)
    vision = qwen.model.config.vision_config
    processor = Qwen2VLImageProcessorPil(
        do_resize=False, patch_size=vision.patch_size, image_mean=qwen.mean, image_std=qwen.deviation
    )
    theirs = processor(images=[np.asarray(image) for image in images], return_tensors="pt")
    patches, grids = qwen._patches(qwen._normalized(images))
    torch.testing.assert_close(patches, theirs["pixel_values"].float(), atol=1e-5, rtol=1e-4)
    assert grids.tolist() == theirs["image_grid_thw"].tolist()


@pytest.mark.parametrize("kind", QWEN)
@torch.no_grad()
def test_a_question_to_qwen_is_answered_as_transformers_answers_it(kind):
    model = tiny_model(kind)
    network = FullSizeNetwork(adapter_of(model, IMAGES[kind]), BOXES)
    preamble, text, images = torch.tensor([1, 2, 3]), torch.tensor([5, 6, 7, 8]), frames(kind)
    reply = network.prompt(network.prefix(network.encode(images), preamble), text)
    patches, grids = network.adapter._patches(network.adapter._normalized(images))
    marks = model.config
    image = [marks.vision_start_token_id, *[marks.image_token_id] * (network.adapter.layout.tokens - 2)]
    image.append(marks.vision_end_token_id)
    words = torch.tensor([[*preamble, *image, *image, *text]])
    theirs = model(
        input_ids=words,
        pixel_values=patches,
        image_grid_thw=grids,
        mm_token_type_ids=(words == marks.image_token_id).int(),
    )
    torch.testing.assert_close(reply.logits, theirs.logits[0, -1], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_siglips_levels_are_the_hidden_states_of_transformers():
    llava, video = adapter("llava_onevision"), frames("llava_onevision")
    levels = llava.see(video, levels=(1, 3, -1)).levels
    theirs = llava.model.model.vision_tower(llava._normalized(video), output_hidden_states=True).hidden_states
    for level, state in zip(levels, (theirs[1], theirs[3], theirs[-1]), strict=True):
        torch.testing.assert_close(level, state)


@pytest.mark.parametrize("kind", QWEN)
@torch.no_grad()
def test_qwens_levels_lie_row_by_row(kind):
    qwen, video = adapter(kind), frames(kind)
    sight = qwen.see(video, levels=(-1,))
    rows, columns = qwen.layout.rows, qwen.layout.columns
    # Merged two by two, the last level must give the tokens themselves.
    cells = sight.levels[0].unflatten(1, (rows, 2, columns, 2)).transpose(2, 3).flatten(0, 4)
    merged = qwen.model.model.visual.merger(cells)
    torch.testing.assert_close(merged.unflatten(0, (2, -1)), sight.grid, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", tuple(VALUES))
@torch.no_grad()
def test_a_frame_becomes_the_same_tokens_in_a_window_of_any_length(kind):
    one, many = adapter(kind), frames(kind, FRAMES_AT_ONCE + 1)
    window = one.see(many, levels=(2,))
    alone = one.see(many[-1:], levels=(2,))
    torch.testing.assert_close(window.grid[-1:], alone.grid, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(window.levels[0][-1:], alone.levels[0], atol=1e-5, rtol=1e-4)
    assert len(window.deep) == len(alone.deep)
    for ours, single in zip(window.deep, alone.deep, strict=True):
        torch.testing.assert_close(ours[-1:], single, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("level", [0, 5, -2])
def test_a_level_that_does_not_exist_is_refused(level):
    with pytest.raises(ValueError, match=f"level {level} does not exist: the vision tower has 4 blocks"):
        adapter("llava_onevision").see(frames("llava_onevision"), levels=(level,))


@pytest.mark.parametrize("wrong", [torch.zeros(1, 44, 44, 3), torch.zeros(1, 44, 40, 3, dtype=torch.uint8)])
def test_frames_of_another_size_or_type_are_refused(wrong):
    with pytest.raises(ValueError, match=r"takes torch\.uint8 \(F, 44, 44, 3\), resize them first"):
        adapter("llava_onevision").see(wrong)


def test_a_row_that_is_half_seen_counts_and_strides_fill_what_is_seen():
    layout = lines_layout(image=44, patch=8, pool=2)  # 5 patches a side
    assert (layout.rows, layout.columns, layout.tokens) == (3, 3, 12)
    assert layout.stride * 3 == 40
    assert layout.grid.tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert layout.positions[0].tolist() == list(range(12)) and layout.span == 12


def test_a_marked_frame_counts_positions_by_rows_and_columns():
    layout = marked_layout(width=96, height=64, stride=32)
    assert layout.grid.tolist() == [1, 2, 3, 4, 5, 6]
    assert layout.positions.tolist() == [
        [0, 1, 1, 1, 1, 1, 1, 4],
        [0, 1, 1, 1, 2, 2, 2, 4],
        [0, 1, 2, 3, 1, 2, 3, 4],
    ]
    assert layout.span == 5


def test_an_image_of_no_whole_number_of_tokens_is_refused():
    with pytest.raises(ValueError, match="100x64 is not a multiple of the token stride 32"):
        marked_layout(width=100, height=64, stride=32)
