# SPDX-License-Identifier: Apache-2.0
"""Each visual token is told the mean point of its own cell, as far as it is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_network import tiny_network_config

from ide3d_ros.geometry import Camera
from ide3d_ros.network.branches.camera_position import CameraPositionBranch
from ide3d_ros.network.branches.world_position import WorldPositionBranch

CONFIG = replace(tiny_network_config(300), branch="world_position")
CAMERA = Camera.from_fov(64, 48, 1.1)
K = torch.tensor(CAMERA.K, dtype=torch.float32)[None]
IMAGE = torch.zeros(1, 48, 64, 3, dtype=torch.uint8)
TOKENS = torch.randn(1, 12, 32, generator=torch.Generator().manual_seed(1))
TURNED = torch.tensor([[[0.0, 0, 1, 2], [-1, 0, 0, -3], [0, -1, 0, 1.5], [0, 0, 0, 1]]])


def depths(seed: int = 0) -> torch.Tensor:
    return 1 + 3 * torch.rand(1, 48, 64, generator=torch.Generator().manual_seed(seed))


def branch(**options) -> WorldPositionBranch:
    return WorldPositionBranch(replace(CONFIG, branch_options=options))


def test_a_cell_lies_at_the_mean_of_its_unprojected_pixels():
    depth = depths()
    depth[0, 16:32, 16:24] = 0.0  # half of token 5 is unknown
    points, known = branch().cell_points(depth, K, TURNED)
    v, u = np.mgrid[16:32, 24:32].reshape(2, -1)
    seen = CAMERA.unproject(np.stack([u, v], 1), depth[0].numpy()[v, u])
    pose = TURNED[0].numpy()
    wanted = (seen @ pose[:3, :3].T + pose[:3, 3]).mean(0)
    np.testing.assert_allclose(points[0, 5], wanted, atol=1e-4)
    assert known.all()


def test_unmasked_unknown_pixels_count_as_the_cameras_own_place_as_published():
    depth = torch.full((1, 48, 64), 2.0)
    depth[0, 16:32, 16:24] = 0.0
    masked, _ = branch().cell_points(depth, K, torch.eye(4)[None])
    parity, _ = branch(mask_unknown=False).cell_points(depth, K, torch.eye(4)[None])
    assert masked[0, 5, 2] == pytest.approx(2.0) and parity[0, 5, 2] == pytest.approx(1.0)


@pytest.mark.parametrize("broken", ["no depth", "infinite depth", "no pose"])
def test_a_token_of_which_nothing_is_known_stays_as_it_is(broken):
    depth, pose = depths(), TURNED.clone()
    if broken == "no pose":
        pose[0, 0, 3] = torch.nan
        untouched = list(range(12))
    else:
        depth[0, 16:32, 16:32] = torch.inf if broken == "infinite depth" else 0.0
        untouched = [5]
    changed = (branch()(TOKENS, IMAGE, K, (depth, pose)) - TOKENS).abs().amax(-1)[0]
    assert torch.isfinite(changed).all()
    assert [place for place in range(12) if changed[place] == 0] == untouched


def test_places_one_step_apart_differ_and_within_a_step_do_not():
    said = branch().encode(torch.tensor([[[0.02, 0, 0], [0.04, 0, 0], [0.12, 0, 0], [0, 0.12, 0]]]))[0]
    assert torch.equal(said[0], said[1])
    assert (said[0] - said[2]).abs().max() > 0.1 and (said[2] - said[3]).abs().max() > 0.1
    assert said.shape == (4, 32) and (said[:, 30:] == 0).all()  # 32 channels have room for 3 x 10


def test_what_lies_beyond_the_known_world_is_moved_to_its_border():
    said = branch().encode(torch.tensor([[[99.0, -99, 99], [15, -15, 5]]]))[0]
    assert torch.equal(said[0], said[1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": 1}, "branch 'world_position' has no option 'steps'"),
        ({"step_m": 0.0}, "use metres above 0"),
    ],
)
def test_an_option_of_no_use_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        branch(**options)


def test_a_place_before_the_camera_is_one_in_the_world_of_a_camera_at_its_origin():
    depth = depths()
    depth[0, 16:32, 16:32] = 0.0  # token 5
    before = CameraPositionBranch(replace(CONFIG, branch="camera_position"))
    said = before(TOKENS, IMAGE, K, (depth,)) - TOKENS
    points, known = branch().cell_points(depth, K, torch.eye(4)[None])
    assert torch.allclose(said[0, known[0]], before.encode(points)[0, known[0]], atol=1e-5)
    assert (said[0, 5] == 0).all() and not known[0, 5]
