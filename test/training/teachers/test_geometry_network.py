# SPDX-License-Identifier: Apache-2.0
"""The geometry network looks across the frames of a room, never across rooms, through any pinhole camera."""

from __future__ import annotations

import pytest
import torch

from ide3d_ros.network.geometry_network import FOCAL_VIRTUAL, GeometryConfig, GeometryNetwork
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.teachers.room_views import RoomViews, RoomViewsDataset, stack_rooms

from .conftest import TINY


@pytest.fixture
def network() -> GeometryNetwork:
    torch.manual_seed(0)
    return GeometryNetwork(TINY.network).eval()


@pytest.fixture(scope="module")
def batch(store: FrameStore) -> RoomViews:
    dataset = RoomViewsDataset(store, 2, None)
    return stack_rooms([dataset[0, room] for room in range(3)])


@torch.no_grad()
def test_a_frame_is_seen_differently_beside_another_frame_of_its_room(network, batch):
    tokens = network.look(batch.images, batch.intrinsics)
    other = batch.images.clone()
    other[0, 1] = 255 - other[0, 1]
    changed = network.look(other, batch.intrinsics)
    assert (changed[0, 0] - tokens[0, 0]).abs().max() > 1e-3
    torch.testing.assert_close(changed[1:], tokens[1:])


@torch.no_grad()
def test_rooms_seen_in_one_pass_are_seen_as_each_alone(network, batch):
    together = network(batch.images, batch.intrinsics)
    alone = network(batch.images[1:2], batch.intrinsics[1:2])
    torch.testing.assert_close(alone.tokens[0], together.tokens[1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(alone.points[0], together.points[1], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_first_frame_is_told_from_the_others_and_the_others_are_alike(network, batch):
    first, second, third = batch.images[0, 0], batch.images[0, 1], batch.images[1, 0]
    camera = batch.intrinsics[:1, :1].expand(1, 3, 3, 3)
    given = network.look(torch.stack([first, second, third])[None], camera)[0]
    swapped = network.look(torch.stack([first, third, second])[None], camera)[0]
    torch.testing.assert_close(swapped[[0, 2, 1]], given, atol=1e-4, rtol=1e-4)
    turned = network.look(torch.stack([second, first, third])[None], camera)[0]
    assert (turned[[1, 0, 2]] - given).abs().max() > 1e-3


@torch.no_grad()
def test_training_and_running_attend_alike(network, batch):
    quick = network.look(batch.images, batch.intrinsics)
    with torch.enable_grad():
        plain = network.look(batch.images, batch.intrinsics)
    torch.testing.assert_close(plain.detach(), quick, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_camera_may_be_unknown(network, batch):
    network.rays.unknown += 0.5
    unknown = torch.full_like(batch.intrinsics, torch.nan)
    blind, sighted = network(batch.images, unknown), network(batch.images, batch.intrinsics)
    assert all(value.isfinite().all() for value in vars(blind).values())
    assert (blind.tokens - sighted.tokens).abs().max() > 1e-3


@torch.no_grad()
def test_depth_grows_with_the_focal_length_for_equal_tokens(network):
    tokens = torch.randn(1, 2, 6 * 8, TINY.network.dim)
    camera = torch.diag(torch.tensor([FOCAL_VIRTUAL, FOCAL_VIRTUAL, 1.0])).expand(1, 2, 3, 3).clone()
    near = network._read(tokens, camera)
    camera[..., :2, :2] *= 2
    far = network._read(tokens, camera)
    torch.testing.assert_close(far.depth, 2 * near.depth)
    torch.testing.assert_close(far.points[..., 2], 2 * near.points[..., 2])
    torch.testing.assert_close(far.points[..., :2], near.points[..., :2])


@torch.no_grad()
def test_a_token_speaks_of_the_pixels_of_its_own_cell(network):
    tokens = torch.zeros(1, 1, 6 * 8, TINY.network.dim)
    camera = torch.eye(3).expand(1, 1, 3, 3)
    before = network._read(tokens, camera)
    tokens[0, 0, 2 * 8 + 5] = 3.0
    after = network._read(tokens, camera)
    changed = (after.depth != before.depth)[0, 0].nonzero()
    assert before.depth.shape == (1, 1, 12, 16)
    assert sorted(map(tuple, changed.tolist())) == [(4, 10), (4, 11), (5, 10), (5, 11)]


def test_tokens_are_told_apart_by_direction_not_by_what_they_share(batch):
    torch.manual_seed(0)
    network = GeometryNetwork(TINY.network).train()
    tokens = network.look(batch.images, batch.intrinsics).flatten(0, 2)
    torch.testing.assert_close(tokens.mean(0), torch.zeros(TINY.network.dim), atol=1e-4, rtol=0)
    torch.testing.assert_close(tokens.var(0), torch.ones(TINY.network.dim), atol=2e-2, rtol=0)


@pytest.mark.parametrize(
    "sizes, said",
    [
        ({"width": 250}, "frames of 250x192 do not divide into tokens"),
        ({"dim": 90}, "dim 90 does not divide into 4 heads"),
        ({"map_stride": 3}, "map_stride must be 1, 2, 4, 8 or 16, not 3"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes: dict, said: str):
    with pytest.raises(ValueError, match=said):
        GeometryConfig(**sizes)
