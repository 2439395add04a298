# SPDX-License-Identifier: Apache-2.0
"""What the geometry network is compared with is where things are; the unknown does not count."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ide3d_ros.network.geometry_network import Geometry
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.teachers.geometry_losses import Truth, geometry_errors, geometry_losses, lift
from ide3d_training.teachers.room_views import RoomViews, RoomViewsDataset, stack_rooms


def seen(store: FrameStore, seed: int | None) -> RoomViews:
    dataset = RoomViewsDataset(store, 2, seed)
    return stack_rooms([dataset[0, room] for room in range(6)])


def true(batch: RoomViews) -> Truth:
    return lift(batch.depth, batch.intrinsics, batch.world_from_camera, 4)


def saying(truth: Truth, depth_factor: float = 1.0, shift: float = 0.0) -> Geometry:
    """Say a truth, off by a factor and by metres, as a network would."""
    sure = torch.full_like(truth.depth, 2.0)
    return Geometry(
        tokens=torch.zeros(()),
        depth=(truth.depth.clamp(min=0.1) * depth_factor).requires_grad_(),
        depth_confidence=sure.clone().requires_grad_(),
        points=(truth.points + shift).requires_grad_(),
        points_confidence=sure.clone().requires_grad_(),
    )


@pytest.mark.parametrize("seed", [None, 0, 1], ids=["as they are", "varied", "varied otherwise"])
def test_points_of_the_second_frame_lie_on_what_the_first_one_sees(store: FrameStore, seed: int | None):
    batch = seen(store, seed)
    truth = true(batch)
    for room in range(6):
        points = truth.points[room, 1][truth.placed[room, 1]] @ batch.intrinsics[room, 0].T
        pixels = (points[:, :2] / points[:, 2:]).round().long()
        inside = (points[:, 2] > 0) & ((pixels >= 0) & (pixels < torch.tensor([128, 96]))).all(-1)
        depth = batch.depth[room, 0][pixels[inside, 1], pixels[inside, 0]]
        apart = (depth - points[inside, 2]).abs() / depth
        assert inside.float().mean() > 0.5
        assert apart.median() < 0.02


def test_a_varied_room_is_mirrored_reversed_and_relit_at_times(store: FrameStore):
    plain = RoomViewsDataset(store, 2, None)[0, 0]
    mirrored = reversed_order = 0
    varied = RoomViewsDataset(store, 2, 0)
    for epoch in range(16):
        room = varied[epoch, 0]
        depths = (plain.depth[0, 0], plain.depth[0, 0].flip(1))
        mirrored += any(torch.equal(frame, depths[1]) for frame in room.depth[0])
        reversed_order += any(torch.equal(room.depth[0, 1], depth) for depth in depths)
        assert not torch.equal(room.images, plain.images)
    assert 2 < mirrored < 14 and 2 < reversed_order < 14


def test_the_truth_has_no_error(store: FrameStore):
    truth = true(seen(store, None))
    errors = geometry_errors(saying(truth), truth)
    assert all(len(values) > 1000 and values.max() < 1e-4 for values in errors.values())


def test_errors_are_relative(store: FrameStore):
    truth = true(seen(store, None))
    errors = geometry_errors(saying(truth, depth_factor=1.2), truth)
    assert float(errors["abs_rel"].mean().detach()) == pytest.approx(0.2, rel=1e-3)
    near, far = (replace(truth, depth=truth.depth * scale) for scale in (1.0, 3.0))
    losses = [float(geometry_losses(saying(t, depth_factor=1.2), t)["depth"].detach()) for t in (near, far)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_every_term_grows_with_what_is_wrong(store: FrameStore):
    truth = true(seen(store, None))
    right, wrong = (geometry_losses(said, truth) for said in (saying(truth), saying(truth, 1.3, 0.4)))
    assert wrong["depth"] > right["depth"] and wrong["points"] > right["points"]
    said = saying(truth)
    ramp = torch.linspace(0.7, 1.3, truth.depth.shape[-1])
    sloped = geometry_losses(replace(said, depth=said.depth * ramp), truth)
    assert sloped["slope"] > right["slope"] + 1e-3


def test_doubt_pays_where_the_error_is_large_and_costs_where_it_is_small(store: FrameStore):
    truth = true(seen(store, None))
    for factor, pays in ((1.6, True), (1.01, False)):
        said = saying(truth, factor)
        geometry_losses(said, truth)["depth"].backward()
        # A gradient above 0 lowers the confidence.
        assert bool(said.depth_confidence.grad[truth.known].sum() > 0) is pays


def test_unknown_depths_and_poses_do_not_count(store: FrameStore):
    batch = seen(store, None)
    batch.depth[0] = 0.0
    batch.depth[1, 0, :10] = torch.nan
    batch.world_from_camera[2, 1] = torch.nan
    batch.world_from_camera[3, 0] = torch.nan
    truth = true(batch)
    assert not truth.known[0].any() and not truth.known[1, 0, :2].any()
    assert truth.known[2].any() and truth.placed[2, 0].any() and not truth.placed[2, 1].any()
    assert truth.known[3].any() and not truth.placed[3].any()
    said = saying(truth, 1.1, 0.1)
    terms = geometry_losses(said, truth)
    sum(terms.values()).backward()
    assert all(term.isfinite() for term in terms.values())
    assert said.points.grad.isfinite().all() and said.depth.grad.isfinite().all()
    assert said.points.grad[3].abs().max() == 0 and said.depth.grad[0].abs().max() == 0


def test_nothing_known_gives_zeros_with_gradients(store: FrameStore):
    batch = seen(store, None)
    batch.depth[:] = 0.0
    truth = true(batch)
    said = saying(truth)
    terms = geometry_losses(said, truth)
    sum(terms.values()).backward()
    assert [float(term.detach()) for term in terms.values()] == [0.0, 0.0, 0.0]
