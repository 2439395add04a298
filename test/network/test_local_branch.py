# SPDX-License-Identifier: Apache-2.0
"""The local branch lets each token look at its own piece of the image, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_network import tiny_network_config
from torch import nn

from ide3d_ros.network.branches.local import LocalBranch

CONFIG = replace(tiny_network_config(300), branch="local", branch_options={"channels": 8})
K = torch.tensor([[[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]]])
IMAGE = torch.randint(0, 255, (1, 48, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
TOKENS = torch.randn(1, 12, 32, generator=torch.Generator().manual_seed(1))


def awake() -> LocalBranch:
    """Build a branch whose last layers say something."""
    torch.manual_seed(2)
    branch = LocalBranch(CONFIG).eval()
    for last in (branch.out, branch.mlp[-1]):
        nn.init.normal_(last.weight)
    return branch


def test_a_fresh_branch_leaves_the_tokens_as_they_are():
    torch.manual_seed(2)
    assert torch.equal(LocalBranch(CONFIG).eval()(TOKENS, IMAGE, K), TOKENS)


def test_a_token_hears_the_cells_of_its_own_window_alone():
    branch = awake()
    cells = torch.randn(1, 8, 12, 16)  # 3 x 4 tokens of 4 x 4 cells
    branch.depth = nn.AdaptiveAvgPool2d((3, 4))
    branch.depth.forward = lambda grid: torch.zeros(1, 1, 3, 4)  # one place for all, so cells alone differ

    def heard(grid: torch.Tensor) -> torch.Tensor:
        branch.cells = nn.Identity()
        branch.cells.forward = lambda pixels: grid
        return branch(TOKENS, IMAGE, K)[0]

    other = cells.clone()
    other[0, :, 4:8, 8:12] += 1.0  # row 1, column 2: token 6
    changed = (heard(other) - heard(cells)).abs().amax(-1) > 1e-6
    assert changed.tolist() == [place == 6 for place in range(12)]


def test_the_ray_and_the_coarse_depth_of_a_cell_are_part_of_its_key():
    branch = awake()
    plain = branch(TOKENS, IMAGE, K)
    other_lens = K.clone()
    other_lens[:, 0, 0] *= 1.5
    assert not torch.allclose(branch(TOKENS, IMAGE, other_lens), plain, atol=1e-4)
    # A depth that all cells of a window share would shift all their keys alike; it has to differ.
    branch.depth.forward = lambda cells: torch.linspace(0.0, 3.0, 4).expand(1, 1, 3, 4)
    assert not torch.allclose(branch(TOKENS, IMAGE, K), plain, atol=1e-4)


def test_the_coarse_depth_is_one_a_token():
    branch = awake()
    assert branch.depth(torch.randn(2, 8, 12, 16)).shape == (2, 1, 3, 4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"chanels": 8}, "no option 'chanels'; its options are: channels, stride, frequencies"),
        ({"stride": 16}, "branch_options.stride is 16; use 4 or 8"),
        ({"channels": 7}, "channels must be even"),
    ],
)
def test_an_option_of_no_use_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        LocalBranch(replace(CONFIG, branch_options=options))


def test_cells_of_stride_8_work_as_well():
    branch = LocalBranch(replace(CONFIG, branch_options={"channels": 8, "stride": 8})).eval()
    assert branch.side == 2
    assert branch(TOKENS, IMAGE, K).shape == TOKENS.shape
