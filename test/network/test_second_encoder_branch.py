# SPDX-License-Identifier: Apache-2.0
"""The second encoder speaks to every token, and nothing ever changes it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_network import tiny_network_config
from torch import nn

from ide3d_ros.network.branches.second_encoder import SecondEncoderBranch
from ide3d_ros.network.geometry_network import GeometryConfig, GeometryNetwork

SIZES = GeometryConfig(width=64, height=48, stem_channels=(8, 8, 16), dim=24, pairs=1, heads=4, mlp=32)
CONFIG = replace(
    tiny_network_config(300), branch="second_encoder", branch_options={"encoder": SIZES.to_dict()}
)
K = torch.tensor([[[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]]]).expand(2, 3, 3)
IMAGES = torch.randint(0, 255, (2, 48, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
TOKENS = torch.randn(2, 12, 32, generator=torch.Generator().manual_seed(1))


def awake() -> SecondEncoderBranch:
    torch.manual_seed(2)
    branch = SecondEncoderBranch(CONFIG).eval()
    nn.init.normal_(branch.merger[-1].weight)
    return branch


def test_a_fresh_branch_leaves_the_tokens_as_they_are():
    assert torch.equal(SecondEncoderBranch(CONFIG).eval()(TOKENS, IMAGES, K), TOKENS)


def test_it_adds_what_the_geometry_network_says_of_each_frame_alone():
    torch.manual_seed(3)
    teacher = GeometryNetwork(SIZES).eval()
    branch = awake()
    branch.take_over(teacher.state_dict())
    with torch.no_grad():
        seen = torch.cat([teacher.look(IMAGES[i : i + 1, None], K[i : i + 1, None])[:, 0] for i in (0, 1)])
        wanted = TOKENS + branch.merger(branch.norm(seen))
        torch.testing.assert_close(branch(TOKENS, IMAGES, K), wanted, atol=1e-4, rtol=1e-4)


def test_training_moves_the_merger_and_never_the_encoder():
    branch = awake().train()
    before = {name: value.clone() for name, value in branch.encoder.state_dict().items()}
    learning = [p for p in branch.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=0.1)
    branch(TOKENS, IMAGES, K).square().sum().backward()
    optimizer.step()
    assert all(torch.equal(value, before[name]) for name, value in branch.encoder.state_dict().items())
    assert len(learning) == 5 and all(p.grad is not None for p in learning)


def test_the_encoders_own_head_is_left_out():
    assert not [name for name, _ in awake().named_parameters() if ".head." in name]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "name a run of ide3d-teacher train as second_encoder"),
        ({"encoder": SIZES.to_dict() | {"width": 128}}, "reads frames of 128x48 pixels, the network 64x48"),
    ],
)
def test_an_encoder_that_does_not_fit_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        SecondEncoderBranch(replace(CONFIG, branch_options=options))
