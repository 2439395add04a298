# SPDX-License-Identifier: Apache-2.0
"""The generator branch mixes each token by a gate of its own, and what it reads is frozen and repeatable."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_network import tiny_network_config
from torch.nn import functional

from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_ros.network.branches.generator import GeneratorBranch
from ide3d_ros.network.generator import FrozenGenerator, GeneratorConfig

SIZES = GeneratorConfig(
    width=64, height=48, channels=(4, 8, 8), latent=3, dim=16, blocks=3, heads=2, mlp=16, frames=2
)
K = torch.tensor([[[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]]]).repeat(2, 1, 1)
IMAGES = torch.randint(0, 255, (2, 48, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
TOKENS = torch.randn(2, 12, 32, generator=torch.Generator().manual_seed(1))


def config(**options) -> NetworkConfig:
    chosen = {"block": 1, "generator": SIZES.to_dict(), **options}
    return replace(tiny_network_config(300), branch="generator", branch_options=chosen)


def branch(seed: int = 2, **options) -> GeneratorBranch:
    torch.manual_seed(seed)
    return GeneratorBranch(config(**options)).eval()


def frozen(features: str = "generator", level: float = 0.3, block: int = 1, seed: int = 0, **sizes):
    torch.manual_seed(3)
    return FrozenGenerator(replace(SIZES, **sizes), features, level, block, seed)


def test_an_open_gate_gives_the_normalised_token_and_a_shut_one_what_the_generator_says():
    fusion = branch()
    for bias, wanted in (
        (50.0, functional.layer_norm(TOKENS, (32,))),
        (-50.0, functional.layer_norm(fusion.generative(fusion.frozen(IMAGES)), (32,))),
    ):
        with torch.no_grad():
            fusion.gate.weight.zero_()
            fusion.gate.bias.fill_(bias)
        torch.testing.assert_close(fusion(TOKENS, IMAGES, K), wanted)


def test_each_token_has_a_gate_of_its_own():
    fusion = branch()
    with torch.no_grad():
        fusion.gate.weight.zero_()
        fusion.gate.bias.zero_()
        fusion.gate.weight[0, 0] = 100.0  # the sign of a token's first channel decides
    open_gates = functional.layer_norm(TOKENS, (32,))[..., 0] > 0.1
    same = (fusion(TOKENS, IMAGES, K) - functional.layer_norm(TOKENS, (32,))).abs().amax(-1) < 1e-2
    assert open_gates.any() and not open_gates.all()
    assert same[open_gates].all() and not same[~open_gates].all()


def test_a_frames_features_depend_on_it_alone_and_are_the_same_each_time():
    generator = frozen()
    both = generator(IMAGES)
    assert both.shape == (2, 12, 16)
    assert torch.equal(generator(IMAGES), both)
    torch.testing.assert_close(generator(IMAGES[1:]), both[1:])
    copy = frozen(seed=99)  # the noise is a part of the weights
    copy.load_state_dict(generator.state_dict())
    assert torch.equal(copy(IMAGES), both)


@pytest.mark.parametrize("other", [{"level": 0.6}, {"block": 2}, {"seed": 1}, {"features": "autoencoder"}])
def test_level_block_seed_and_kind_choose_what_is_read(other: dict):
    assert not torch.equal(frozen(**other)(IMAGES)[..., :12], frozen()(IMAGES)[..., :12])


def test_blocks_behind_the_one_that_is_read_are_not_there():
    assert len(frozen(block=1).trunk.blocks) == 2
    assert frozen(features="autoencoder").trunk is None


def test_finer_patches_are_averaged_onto_the_tokens():
    generator = frozen(patch=1)
    latents = generator.encoder(IMAGES)
    noised = 0.7 * latents + 0.3 * generator.noise
    states = generator.trunk(noised[:, None], generator.level)[:, 0].unflatten(1, (6, 8))
    torch.testing.assert_close(generator(IMAGES)[:, 5], states[:, 2:4, 2:4].mean((1, 2)))  # row 1, column 1


def test_the_autoencoder_control_reads_the_latents_of_a_tokens_four_cells():
    generator = frozen(features="autoencoder")
    latents = generator.encoder(IMAGES)
    assert generator(IMAGES).shape == (2, 12, 12)
    torch.testing.assert_close(generator(IMAGES)[:, 5].unflatten(1, (3, 2, 2)), latents[:, :, 2:4, 2:4])


def test_frames_of_one_video_see_one_another():
    generator = frozen()
    latents = torch.randn(1, 2, 3, 6, 8)
    other = latents.clone()
    other[:, 1] += 1.0
    with torch.no_grad():
        for block in generator.trunk.blocks:
            block.table.fill_(0.5)
        first, changed = (generator.trunk(x, generator.level)[:, 0] for x in (latents, other))
    assert not torch.allclose(first, changed)


def test_the_generator_stays_frozen_while_the_network_around_it_learns():
    torch.manual_seed(0)
    network = Ide3dNetwork(config()).train()
    part = network.vision.branch.frozen
    assert not any(module.training for module in part.modules())
    before = {name: value.clone() for name, value in part.state_dict().items()}
    network.vision(IMAGES, K).square().sum().backward()
    assert all(value.grad is None for value in part.parameters())
    assert network.vision.branch.generative[0].weight.grad is not None
    for name, value in part.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"pooling": 2}, "no option 'pooling'; its options are: features, level"),
        ({"features": "both"}, "use one of: generator, autoencoder"),
        ({"level": 1.5}, "branch_options: level is 1.5"),
        ({"block": 3}, "the generator has blocks 0 to 2"),
        (
            {"generator": replace(SIZES, width=128).to_dict()},
            "made for frames of 128x48, the network reads 64x48",
        ),
    ],
)
def test_options_of_no_use_are_refused(options: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        branch(**options)
