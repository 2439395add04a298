# SPDX-License-Identifier: Apache-2.0
"""Wan2.1 is read as VEGA-3D reads it, and what is missing is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ide3d_training.generators.wan import WanGenerator
from ide3d_training.teachers.opening import open_teacher
from ide3d_training.teachers.protocol import TeacherError, fit_frames

FRAMES = torch.randint(
    0, 256, (1, 2, 48, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)
UNKNOWN = torch.full((1, 2, 3, 3), torch.nan)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """Write a Wan of random weights, with three blocks, as diffusers lays it out."""
    diffusers = pytest.importorskip("diffusers")
    folder = tmp_path_factory.mktemp("wan")
    torch.manual_seed(0)
    diffusers.AutoencoderKLWan(
        base_dim=8, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
        latents_mean=[0.1] * 4, latents_std=[0.5] * 4,
    ).save_pretrained(folder / "vae")  # fmt: skip
    diffusers.WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4, text_dim=16, freq_dim=16,
        ffn_dim=32, num_layers=3, rope_max_seq_len=32,
    ).save_pretrained(folder / "transformer")  # fmt: skip
    save_file({"prompt": torch.randn(1, 16)}, folder / "empty_prompt.safetensors")
    return folder


def test_features_are_the_states_behind_the_block_of_each_frame_by_itself(checkpoint: Path):
    generator = WanGenerator(checkpoint, block=1, width=64)
    tokens = generator.tokens(FRAMES, UNKNOWN)
    assert tokens.shape == (1, 2, 3, 4, 24) and generator.channels == 24
    assert torch.equal(generator.tokens(FRAMES, UNKNOWN), tokens)
    torch.testing.assert_close(generator.tokens(FRAMES[:, 1:], UNKNOWN[:, 1:])[0, 0], tokens[0, 1])

    import diffusers

    vae = diffusers.AutoencoderKLWan.from_pretrained(checkpoint, subfolder="vae").eval()
    whole = diffusers.WanTransformer3DModel.from_pretrained(checkpoint, subfolder="transformer").eval()
    seen = []
    whole.blocks[1].register_forward_hook(lambda _, __, states: seen.append(states))
    with torch.no_grad():
        latents = vae.encode(2.0 * fit_frames(FRAMES[0, :1], 64, 16)[:, :, None] - 1.0).latent_dist.mode()
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
        prompt = torch.zeros(1, 512, 16)
        prompt[0, 0] = load_file(checkpoint / "empty_prompt.safetensors")["prompt"][0]
        whole(0.7 * (latents - 0.1) / 0.5 + 0.3 * noise, torch.tensor([300]), prompt)
    torch.testing.assert_close(tokens[0, 0], seen[0][0].unflatten(0, (3, 4)), atol=1e-4, rtol=1e-4)


def test_block_step_and_seed_choose_what_is_read(checkpoint: Path):
    usual = WanGenerator(checkpoint, block=1, width=64).tokens(FRAMES, UNKNOWN)
    for other in ({"block": 2}, {"block": 1, "step": 600}, {"block": 1, "seed": 1}):
        assert not torch.allclose(WanGenerator(checkpoint, width=64, **other).tokens(FRAMES, UNKNOWN), usual)


def test_what_the_checkpoint_lacks_is_named(checkpoint: Path, tmp_path: Path):
    with pytest.raises(TeacherError, match="blocks 0 to 2"):
        open_teacher(f"wan:{checkpoint}")  # block 20 is the published one
    with pytest.raises(TeacherError, match="no vae/config.json in .*; download https://"):
        WanGenerator(tmp_path)
    for part in ("vae", "transformer"):
        (tmp_path / part).symlink_to(checkpoint / part)
    with pytest.raises(TeacherError, match="neither empty_prompt.safetensors nor a usable tokenizer"):
        WanGenerator(tmp_path, block=1)


def test_without_diffusers_it_is_said_what_to_install(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(
        TeacherError, match="diffusers package is not usable .* install it: pip install diffusers"
    ):
        open_teacher(f"wan:{tmp_path}")
