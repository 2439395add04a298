# SPDX-License-Identifier: Apache-2.0
"""What only training sees is used as it should be: depth, poses, a teacher. Where it lacks, all goes on."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.config import ConfigError, FrameData, LossWeights, TrainConfig, Validator
from ide3d_training.datasets.frame_store import FrameStore
from ide3d_training.datasets.packing import Batch, collate
from ide3d_training.datasets.prompts import PromptMix, PromptWriter, language_samples
from ide3d_training.datasets.rooms import RoomDataset, sample_graphs
from ide3d_training.datasets.tokenizer import fit_tokenizer
from ide3d_training.objectives.alignment import TeacherAlignment
from ide3d_training.objectives.cross_view import (
    CrossView,
    neighbour_pairs,
    relative_poses,
    reproject,
    splat,
    warp_errors,
)
from ide3d_training.objectives.validator import (
    GeometryValidator,
    depth_map_losses,
    shrink_depth,
    trimmed_mean,
)
from ide3d_training.supervision import SupervisedNetwork
from ide3d_training.worlds.categories import BY_NAME, CATEGORIES, COLORS
from ide3d_training.worlds.shards import Settings, render_dataset

STRIDE = 4
ALL = LossWeights(
    depth_map=0.8,
    depth_map_confidence=0.8,
    depth_map_gradient=0.8,
    cross_view=0.08,
    cross_view_consistency=0.08,
    cross_view_warp=0.08,
    alignment=1.0,
)
TEACHER = 24


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> FrameStore:
    """Six rooms, three frames each, from a camera that moves around."""
    folder = tmp_path_factory.mktemp("moving") / "data"
    render_dataset(Settings(rooms=6, seed=310_000, frames_per_room=3, motion="orbit", rate_hz=0.8), folder)
    return FrameStore(folder)


@pytest.fixture(scope="module")
def config() -> NetworkConfig:
    return NetworkConfig(
        preset="ide3d",
        vocabulary=300,
        categories=tuple(CATEGORIES),
        mean_extents=tuple(tuple(map(float, BY_NAME[name].extents)) for name in CATEGORIES),
        colors=tuple(COLORS),
        stem_channels=(8, 8, 16),
        dim=32,
        vision_layers=2,
        language_layers=1,
        vision_mlp=64,
        language_mlp=64,
        field_hidden=32,
    )


class Echo:
    """A teacher whose features name the frame and whether it was mirrored."""

    channels = TEACHER

    def features(self, index: int, mirrored: bool) -> np.ndarray:
        features = np.random.default_rng(index).normal(size=(192, TEACHER)).astype(np.float16)
        features[0, 0] = -1 if mirrored else 1
        return features


def batch_of(store: FrameStore, config: NetworkConfig, epoch: int = 0, rooms: int = 4) -> Batch:
    tokenizer = fit_tokenizer(
        language_samples(sample_graphs(store, 18), np.random.default_rng(0)), config.vocabulary
    )
    writer = PromptWriter(tokenizer, PromptMix(2, 2), config.box_queries)
    dataset = RoomDataset(store, config, writer, 0, views=3, privileged=True, teacher=Echo())
    return collate([sample for room in range(rooms) for sample in dataset[epoch, room]], config.box_queries)


@pytest.fixture(scope="module")
def batch(store: FrameStore, config: NetworkConfig) -> Batch:
    return batch_of(store, config)


def supervised(config: NetworkConfig, losses: LossWeights = ALL) -> SupervisedNetwork:
    torch.manual_seed(0)
    run = TrainConfig(
        data=FrameData(views=3), losses=losses, validator=Validator(levels=[1, 2], width=16, stride=STRIDE)
    )
    return SupervisedNetwork(Ide3dNetwork(config), run, TEACHER)


def pair_of(batch: Batch):
    private = batch.privileged
    first, second = neighbour_pairs(private.room, private.world_from_camera)
    truth = shrink_depth(private.depth, STRIDE)
    moved = relative_poses(private.world_from_camera, first, second)
    return first, second, truth, moved


# -- rooms


def test_frames_of_a_room_stay_in_one_world_also_when_mirrored(store: FrameStore, config: NetworkConfig):
    mirrored = set()
    for epoch in range(6):
        batch = batch_of(store, config, epoch, rooms=2)
        first, second, truth, moved = pair_of(batch)
        assert len(first) == 6  # of each room 1-2, 2-3 and 1-3
        at, z = reproject(truth[first], batch.intrinsics[first], batch.intrinsics[second], moved, STRIDE)
        column, row = at.round().long().unbind(-1)
        inside = (z > 0) & (column >= 0) & (column < 64) & (row >= 0) & (row < 48)
        pair = torch.arange(len(first))[:, None].expand_as(row)
        seen = truth[second][pair[inside], row[inside], column[inside]]
        assert float(((z[inside] - seen).abs() / seen).median()) < 0.02
        mirrored.add(bool(batch.privileged.teacher[0, 0, 0] < 0))
    assert mirrored == {True, False}


def test_samples_come_back_the_same(store: FrameStore, config: NetworkConfig):
    one, two = batch_of(store, config), batch_of(store, config)
    assert torch.equal(one.images, two.images)
    for field in fields(one.privileged):
        assert torch.equal(getattr(one.privileged, field.name), getattr(two.privileged, field.name))


# -- depth maps


def test_the_right_depth_costs_nothing_and_a_wrong_one_its_error():
    truth = torch.rand(2, 12, 16) * 3 + 1
    sure = torch.ones_like(truth)
    exact = depth_map_losses(truth, sure, truth)
    assert all(float(value) == pytest.approx(0, abs=1e-6) for value in exact.values())
    off = depth_map_losses(truth + 0.25, sure * 2, truth)
    assert float(off["depth_map"]) == pytest.approx(0.25, abs=1e-5)
    assert float(off["depth_map_confidence"]) == pytest.approx(0.5 - 0.2 * np.log(2), abs=1e-5)
    assert float(off["depth_map_gradient"]) == pytest.approx(0, abs=1e-5)


def test_a_slope_in_the_error_is_counted_at_every_stride():
    truth = torch.ones(1, 16, 16)
    slope = truth + 0.01 * torch.arange(16.0)
    expected = np.mean([0.01 * s * (1 - 1 / len(range(0, 16, s))) for s in (1, 2, 4, 8)])
    found = depth_map_losses(slope, truth, truth)["depth_map_gradient"]
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_the_worst_pixels_do_not_count():
    errors = torch.cat([torch.full((98,), 0.1), torch.full((2,), 50.0)])
    assert float(trimmed_mean(errors)) == pytest.approx(0.1)


@pytest.mark.parametrize("nothing", [0.0, float("nan"), float("inf")])
def test_frames_without_depth_teach_no_depth(nothing: float):
    depth = torch.rand(1, 8, 8, requires_grad=True)
    terms = depth_map_losses(depth, depth + 1, torch.full((1, 8, 8), nothing))
    sum(terms.values()).backward()
    assert all(float(value.detach()) == 0 for value in terms.values()) and float(depth.grad.abs().sum()) == 0


def test_holes_in_the_depth_are_left_out():
    truth = torch.rand(1, 8, 8) + 1
    holed = truth.clone()
    holed[0, 2:5, 3:6] = float("nan")
    depth = (truth + 0.1).requires_grad_()
    terms = depth_map_losses(depth, torch.ones_like(truth), holed)
    sum(terms.values()).backward()
    assert float(terms["depth_map"].detach()) == pytest.approx(0.1, abs=1e-5)
    assert torch.isfinite(depth.grad).all() and float(depth.grad[0, 2:5, 3:6].abs().sum()) == 0


def test_the_validator_scales_with_the_focal_length(config: NetworkConfig):
    validator = GeometryValidator(config, Validator(levels=[1, 2], width=16, stride=STRIDE))
    levels = [torch.randn(1, 192, 32) for _ in range(2)]
    camera = torch.tensor([[[200.0, 0, 128], [0, 200, 96], [0, 0, 1]]])
    longer = camera * torch.tensor([2.0, 2, 1])[:, None]
    (near, sure), (far, _) = validator(levels, camera), validator(levels, longer)
    assert near.shape == (1, 48, 64) and float(sure.min()) > 1
    torch.testing.assert_close(far, 2 * near)


# -- two views


def test_what_two_frames_both_see_is_found(batch: Batch):
    first, second, truth, moved = pair_of(batch)
    at, z = reproject(truth[first], batch.intrinsics[first], batch.intrinsics[second], moved, STRIDE)
    seen = splat(at, z, truth[first].shape).float().mean((1, 2))
    assert float(seen.min()) > 0.1
    still = torch.eye(4).expand(len(first), 4, 4)
    at, z = reproject(truth[first], batch.intrinsics[first], batch.intrinsics[first], still, STRIDE)
    assert bool((splat(at, z, truth[first].shape) == (truth[first] > 0.01)).all())


def test_true_depth_agrees_with_itself_across_views_and_wrong_depth_does_not(batch: Batch):
    first, second, truth, moved = pair_of(batch)

    def error(depth: torch.Tensor) -> float:
        return float(warp_errors(depth, truth, batch.intrinsics, (first, second), moved, STRIDE))

    assert error(truth) < 0.03
    assert error(truth * (1 + 0.2 * (torch.arange(len(truth)) % 2)[:, None, None])) > 0.2


def test_frames_without_pose_or_of_other_rooms_have_no_partner(batch: Batch):
    private = batch.privileged
    poses = private.world_from_camera.clone()
    poses[0, 0, 0] = float("nan")
    first, second = neighbour_pairs(private.room, poses)
    assert 0 not in first.tolist() and bool((private.room[first] == private.room[second]).all())
    alone, _ = neighbour_pairs(torch.arange(4), poses[:4])
    assert len(alone) == 0


def test_a_pose_is_told_only_once_its_matrices_have_learned(config: NetworkConfig, batch: Batch):
    torch.manual_seed(0)
    validator = GeometryValidator(config, Validator(levels=[1, 2], width=16, stride=STRIDE))
    term = CrossView(2, config.dim)
    levels = [torch.randn(len(batch.images), 192, 32) for _ in range(2)]
    depth, _ = validator(levels, batch.intrinsics)
    before = term(levels, batch.intrinsics, batch.privileged, depth, validator)["cross_view"]
    before.backward()
    assert all(float(m.weight.grad.abs().sum()) > 0 for m in term.pose)
    with torch.no_grad():
        for matrix in term.pose:
            matrix.weight += 0.3
    after = term(levels, batch.intrinsics, batch.privileged, depth, validator)["cross_view"]
    assert abs(float(before) - float(after)) > 1e-3


# -- teacher


def test_alignment_is_twice_one_minus_cosine():
    align = TeacherAlignment(8, 4)
    states, teacher = torch.randn(2, 5, 8), torch.randn(2, 5, 4).half()
    said = align.map(states)
    expected = 2 * (1 - torch.nn.functional.cosine_similarity(said, teacher.float(), dim=-1)).mean()
    torch.testing.assert_close(align(states, teacher)["alignment"], expected)


def test_tokens_of_which_the_teacher_says_nothing_do_not_count():
    align = TeacherAlignment(8, 4)
    states, teacher = torch.randn(1, 4, 8), torch.randn(1, 4, 4)
    part = align(states[:, :2], teacher[:, :2])["alignment"]
    teacher[0, 2], teacher[0, 3] = float("nan"), 0.0
    torch.testing.assert_close(align(states, teacher)["alignment"], part)


# -- all together


def test_every_privileged_term_reaches_the_vision_tower(config: NetworkConfig, batch: Batch):
    whole = supervised(config)
    for name in (
        "depth_map depth_map_confidence depth_map_gradient cross_view_consistency cross_view_warp alignment"
    ).split():
        whole.zero_grad(set_to_none=True)
        whole(batch)[name].backward()
        grad = whole.network.vision.stem.patches[0][0].weight.grad
        assert grad is not None and float(grad.abs().sum()) > 0, name


def test_a_preset_without_privileged_terms_builds_and_needs_nothing(config: NetworkConfig, batch: Batch):
    plain = supervised(config, LossWeights())
    assert plain.training_only() == {} and not any("validator" in name for name in plain.state_dict())
    terms = plain(replace(batch, privileged=None))
    assert not {"depth_map", "cross_view", "alignment"} & terms.keys()


def test_terms_that_lack_their_data_are_refused_by_name(config: NetworkConfig):
    with pytest.raises(ConfigError, match="ide3d-teacher cache"):
        SupervisedNetwork(Ide3dNetwork(config), TrainConfig(losses=LossWeights(alignment=1.0)))
    with pytest.raises(ConfigError, match="data.views to 2"):
        SupervisedNetwork(
            Ide3dNetwork(config),
            TrainConfig(losses=LossWeights(cross_view=1.0), validator=Validator(levels=[1, 2])),
        )
    with pytest.raises(ConfigError, match="levels 1 to 2"):
        SupervisedNetwork(Ide3dNetwork(config), TrainConfig(losses=LossWeights(depth_map=1.0)))
    with pytest.raises(ConfigError, match="losses.alignment"):
        LossWeights(alignment=float("nan"))


def test_a_damaged_shard_is_refused_by_name(store: FrameStore, tmp_path: Path):
    import shutil

    copy = tmp_path / "data"
    shutil.copytree(store.folder, copy)
    depth = copy / "shard-00000" / "depth.npy"
    depth.write_bytes(depth.read_bytes()[:1000])
    with pytest.raises(RuntimeError, match="shard-00000 is damaged"):
        FrameStore(copy)
