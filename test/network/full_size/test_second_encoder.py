# SPDX-License-Identifier: Apache-2.0
"""A second encoder adds geometry features to the visual tokens: VGGT's shape, VG-LLM's place."""

from __future__ import annotations

import pytest
import torch
from tiny_checkpoints import BOXES, SECOND_ENCODER, frames, save_checkpoint

from ide3d_ros.network.full_size import build_random, find_checkpoint
from ide3d_ros.network.full_size.geometry_encoder import GeometryEncoder, GeometryEncoderConfig, rotary_angles
from ide3d_ros.network.full_size.layout import lines_layout
from ide3d_ros.network.full_size.second_encoder import SecondEncoder

CONFIG = GeometryEncoderConfig(**SECOND_ENCODER)
LAYOUT = lines_layout(image=44, patch=8, pool=2)  # a grid of 3 x 3 tokens that sees 40 of 44 pixels


@pytest.fixture(scope="module")
def encoder() -> SecondEncoder:
    torch.manual_seed(0)
    second = SecondEncoder(CONFIG, LAYOUT, dim=32).eval()
    with torch.no_grad():  # as if trained: what a frame learns from others would else be a hundredth
        for name, weight in second.named_parameters():
            if "scale" in name or "lambda" in name:
                weight.fill_(1.0)
    return second


def video(number=3):
    return frames("llava_onevision", number)


@torch.no_grad()
def test_every_token_gets_the_features_of_its_four_patches(encoder):
    pixels = encoder._pixels(video())
    assert pixels.shape == (3, 3, 84, 84)  # two patches of 14 pixels for each of three tokens
    features = encoder.encoder(pixels)
    assert features.shape == (3, 6, 6, 64)
    normed = encoder.norm(features)
    four = torch.cat([normed[1, 2, 4], normed[1, 2, 5], normed[1, 3, 4], normed[1, 3, 5]])
    row, column = 1, 2
    found = encoder(video())[1, 3 * row + column]
    torch.testing.assert_close(found, encoder.merger(four), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_frames_features_know_of_the_other_frames(encoder):
    one = video()
    other = one.clone()
    other[2] = 255 - other[2]
    assert not torch.allclose(encoder(one)[0], encoder(other)[0], atol=1e-4)


@torch.no_grad()
def test_the_first_frame_is_the_reference(encoder):
    same = video(1).expand(2, -1, -1, -1)
    with torch.no_grad():
        encoder.encoder.frame_tokens.normal_(generator=torch.Generator().manual_seed(0))
    first, second = encoder(same)
    assert not torch.allclose(first, second, atol=1e-4)


@torch.no_grad()
def test_what_the_grid_does_not_see_is_not_read(encoder):
    one = video()
    other = one.clone()
    other[:, 40:], other[:, :, 40:] = 0, 0
    torch.testing.assert_close(encoder(one), encoder(other), rtol=0, atol=0)


def test_only_the_way_to_the_visual_tokens_is_trained(encoder):
    encoder(video()).sum().backward()
    learning = {name.split(".")[0] for name, weight in encoder.named_parameters() if weight.grad is not None}
    assert learning == {"norm", "merger"}
    assert not any(weight.requires_grad for weight in encoder.encoder.parameters())


def test_it_is_as_large_as_vggt_up_to_the_layer_that_is_read():
    with torch.device("meta"):
        encoder = GeometryEncoder(GeometryEncoderConfig())
    count = sum(weight.numel() for weight in encoder.parameters())
    # A block: attention 4 w^2, feed-forward 8 w^2, and vectors; 24 image blocks, 23 pairs.
    assert count == pytest.approx((24 + 2 * 23) * 12 * 1024**2, rel=0.01)


def test_rotary_angles_tell_row_and_column_and_leave_the_frame_tokens_alone():
    angles = rotary_angles(2, 3, CONFIG)
    assert angles.shape == (5 + 6, 4)
    assert not angles[:5].any()
    patches = angles[5:].unflatten(0, (2, 3))
    torch.testing.assert_close(patches[1, :, :2], 2 * patches[0, :, :2])  # rows 1 and 2
    torch.testing.assert_close(patches[:, 2, 2:], 3 * patches[:, 0, 2:])  # columns 1 and 3


@torch.no_grad()
def test_a_dual_encoder_network_adds_the_features_before_the_line_ends(tmp_path):
    save_checkpoint("llava_onevision", tmp_path)
    network = build_random(find_checkpoint(str(tmp_path)), BOXES, dual_encoder=True)
    plain, both = network.adapter.see(video()), network.encode(video())
    torch.testing.assert_close(both.grid, plain.grid + network.second(video()))


@pytest.mark.parametrize(
    ("sizes", "told"),
    [({"heads": 7}, "heads of a multiple of 4"), ({"pairs": 1}, "the second-to-last is read")],
)
def test_sizes_that_cannot_be_built_are_refused(sizes, told):
    with pytest.raises(ValueError, match=told):
        GeometryEncoderConfig(**sizes)
