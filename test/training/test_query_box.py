# SPDX-License-Identifier: Apache-2.0
"""Corner losses: zero for the true box, and each blames one part of a wrong one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from query_vectors import write_query_vector
from tiny_network import tiny_network_config

from ide3d_ros.geometry import Box3D, Camera, yaw_rotation
from ide3d_ros.geometry.query_code import CENTER, DEPTH, EXTENTS, decode_query_boxes
from ide3d_ros.network import Ide3dNetwork
from ide3d_training.config import ConfigError, LossWeights, TrainConfig
from ide3d_training.objectives.coarse_depth import CoarseDepthSupervision
from ide3d_training.objectives.query_box import (
    PARTS,
    axis_onto_ray,
    corner_errors,
    corners,
    gram_schmidt,
    lift,
    query_box_losses,
)
from ide3d_training.supervision import SupervisedNetwork

CONFIG = tiny_network_config(300)
CAMERA = Camera(64, 48, 55.0, 60.0, 30.0, 26.0)
BOX = Box3D([0.4, -0.2, 2.5], [0.5, 0.9, 1.4], [0.4, 0.5, -0.6, 0.3])


def tensor_of(box: Box3D) -> torch.Tensor:
    return torch.tensor(np.concatenate([box.center, box.extents, box.rotation.ravel()]))


def errors(vector: np.ndarray, box: Box3D = BOX, config=CONFIG) -> dict[str, float]:
    found = corner_errors(
        torch.tensor(vector)[None], tensor_of(box)[None], torch.tensor(CAMERA.K)[None], config
    )
    return dict(zip(PARTS, found[0].tolist(), strict=True))


@pytest.mark.parametrize("focal_virtual", [200.0, None])
def test_the_true_box_costs_nothing(focal_virtual):
    config = replace(CONFIG, focal_virtual=focal_virtual)
    found = errors(write_query_vector(BOX, CAMERA, focal_virtual), config=config)
    assert max(found.values()) < 1e-6


@pytest.mark.parametrize(
    ("slots", "change", "blamed"),
    [
        (CENTER, 0.1, "query_center"),
        (DEPTH, 0.2, "query_depth"),
        (EXTENTS, 0.3, "query_extents"),
        (slice(6, 9), 0.4, "query_rotation"),
    ],
)
def test_a_wrong_part_is_blamed_alone_and_in_the_joint_term(slots, change, blamed):
    vector = write_query_vector(BOX, CAMERA, CONFIG.focal_virtual)
    vector[slots] += change
    found = errors(vector)
    assert {name for name, error in found.items() if error > 1e-6} == {blamed, "query_joint"}


def test_a_deeper_box_costs_what_its_corners_moved():
    vector = write_query_vector(BOX, CAMERA, CONFIG.focal_virtual)
    vector[DEPTH] += np.log(1.2)
    assert errors(vector)["query_depth"] == pytest.approx(np.abs(0.2 * BOX.center).mean())


def test_half_a_turn_has_the_same_corners_and_costs_nothing():
    turned = Box3D.from_matrix(BOX.center, BOX.extents, BOX.rotation @ yaw_rotation(np.pi))
    assert max(errors(write_query_vector(turned, CAMERA, CONFIG.focal_virtual)).values()) < 1e-6


def test_training_reads_a_vector_as_the_robot_does():
    vector = np.random.default_rng(3).normal(0, 0.5, (7, 13))
    vector[:, CENTER] = 0.5 + 0.3 * np.tanh(vector[:, CENTER])
    robot = decode_query_boxes(vector, CAMERA.K, (64, 48), CONFIG.focal_virtual)
    stated = torch.tensor(vector)
    center = torch.tensor(robot.centers)
    rotation = axis_onto_ray(center) @ gram_schmidt(stated[:, 6:12])
    np.testing.assert_allclose(rotation, robot.rotations, atol=1e-9)
    boxes = [
        Box3D.from_matrix(*one) for one in zip(robot.centers, robot.extents, robot.rotations, strict=True)
    ]
    wanted = corners(center, torch.tensor(robot.extents), rotation)
    np.testing.assert_allclose(wanted, np.stack([box.corners() for box in boxes]), atol=1e-9)
    truth = torch.stack([tensor_of(box) for box in boxes])
    found = corner_errors(stated, truth, torch.tensor(CAMERA.K).expand(7, -1, -1), CONFIG)
    assert float(found.max()) < 1e-6


def asked(*boxes: Box3D | None, tokens: list[int]) -> SimpleNamespace:
    """One prompt about some targets, target i on token tokens[i]."""
    on = torch.zeros(1, 1, 3, 12, dtype=torch.bool)
    targets = torch.full((1, 1, 3, 15), float("nan"))
    for row, (box, token) in enumerate(zip(boxes, tokens, strict=True)):
        on[0, 0, row, token] = True
        if box is not None:
            targets[0, 0, row] = tensor_of(box).float()
    return SimpleNamespace(
        target_count=torch.tensor([[len(boxes)]]),
        target_tokens=on,
        target_boxes=targets,
        intrinsics=torch.tensor(CAMERA.K, dtype=torch.float32)[None],
    )


def pointing(*places: int) -> torch.Tensor:
    scores = torch.full((1, 1, 3, 13), -5.0)
    for query, place in enumerate(places):
        scores[0, 0, query, place] = 5.0
    return scores.log_softmax(-1)


def vectors(*boxes: Box3D, log_scale: float = 0.0) -> torch.Tensor:
    rows = [write_query_vector(box, CAMERA, CONFIG.focal_virtual, log_scale) for box in boxes]
    return torch.tensor(np.stack(rows), dtype=torch.float32)[None, None]


def test_each_query_is_held_against_the_target_that_it_points_at():
    other = Box3D([-0.6, 0.3, 3.5], [0.4, 0.4, 0.4], [1, 0, 0, 0])
    batch = asked(BOX, other, tokens=[2, 7])
    right = query_box_losses(vectors(other, BOX, BOX), pointing(7, 2, 12), batch, CONFIG)
    assert float(right["query_joint"]) < 1e-4
    wrong = query_box_losses(vectors(BOX, other, BOX), pointing(7, 2, 12), batch, CONFIG)
    assert float(wrong["query_joint"]) > 0.1


def test_targets_of_which_too_little_is_seen_teach_nothing():
    stated = vectors(BOX, BOX, BOX).requires_grad_()
    terms = query_box_losses(stated, pointing(2, 12, 12), asked(None, tokens=[2]), CONFIG)
    total = sum(terms.values())
    assert float(total.detach()) == 0.0
    total.backward()
    assert torch.isfinite(stated.grad).all()


def test_the_best_stated_scale_is_the_deviation_of_the_error():
    wrong = Box3D(BOX.center * 1.3, BOX.extents, BOX.quaternion)

    def total(log_scale: float) -> float:
        stated = vectors(wrong, wrong, wrong, log_scale=log_scale)
        return float(sum(query_box_losses(stated, pointing(2, 12, 12), batch, CONFIG).values()))

    batch = asked(BOX, tokens=[2])
    vector = write_query_vector(wrong, CAMERA, CONFIG.focal_virtual)
    best = np.log(np.sqrt(2) * sum(errors(vector).values()))
    assert total(best) < min(total(best - 0.1), total(best + 0.1))


def test_points_are_lifted_along_their_rays():
    plane = torch.tensor([[0.1, -0.2]])
    np.testing.assert_allclose(lift(plane, torch.tensor([3.0])), [[0.3, -0.6, 3.0]], rtol=1e-6)


def llmi3d(**changes) -> Ide3dNetwork:
    return Ide3dNetwork(replace(CONFIG, branch="local", branch_options={"channels": 8}, **changes)).eval()


@pytest.mark.parametrize("focal_virtual", [200.0, None])
def test_the_coarse_depth_is_held_against_the_depth_of_its_virtual_camera(focal_virtual):
    network = llmi3d(focal_virtual=focal_virtual)
    supervision = CoarseDepthSupervision(network)
    intrinsics = torch.tensor(CAMERA.K, dtype=torch.float32)[None]
    network.vision(torch.zeros(1, 48, 64, 3, dtype=torch.uint8), intrinsics)
    cells = network.vision.branch.depth(network.vision.branch.cells(-torch.ones(1, 3, 48, 64)))[0, 0]
    metric = cells.exp() * (1.0 if focal_virtual is None else CAMERA.focal / focal_virtual)
    depth = metric.repeat_interleave(16, 0).repeat_interleave(16, 1)[None].detach()
    depth[0, :16, :16] = 0.0  # unknown
    assert float(supervision.loss(depth, intrinsics)["coarse_depth"]) < 1e-4
    network.vision(torch.zeros(1, 48, 64, 3, dtype=torch.uint8), intrinsics)
    assert float(supervision.loss(2 * depth, intrinsics)["coarse_depth"]) == pytest.approx(
        np.log(2), abs=1e-3
    )


@pytest.mark.parametrize(
    ("source", "losses", "said"),
    [
        ("token", LossWeights(query_depth=1.0), "set network.box_source to query"),
        ("query", LossWeights(), "no weight of losses.query_"),
        ("token", LossWeights(coarse_depth=1.0), "set network.branch to local"),
    ],
)
def test_terms_without_their_part_of_the_network_are_refused(source, losses, said):
    network = Ide3dNetwork(replace(CONFIG, box_source=source))
    with pytest.raises(ConfigError, match=said):
        SupervisedNetwork(network, TrainConfig(losses=losses))
