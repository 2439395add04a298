# SPDX-License-Identifier: Apache-2.0
"""VGGT and DINOv2 are read as their authors use them, and what is missing is named."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel

from ide3d_training.teachers.dinov2 import Dinov2Teacher
from ide3d_training.teachers.opening import open_teacher
from ide3d_training.teachers.protocol import TeacherError, fit_frames, pool, weights_digest
from ide3d_training.teachers.vggt import VggtTeacher


class Aggregator(nn.Module):
    """What VGGT's aggregator gives: tokens of all layers, and how many come before the patches."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(3))
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, images: torch.Tensor) -> tuple[list[torch.Tensor], int]:
        self.sizes.append(tuple(images.shape))
        assert 0.0 <= float(images.min()) and float(images.max()) <= 1.0
        patches = (
            images.unflatten(4, (-1, 14)).unflatten(3, (-1, 14)).mean((4, 6))
        )  # (R, F, 3, rows, columns)
        tokens = patches.flatten(3).transpose(2, 3) * self.gain
        before = torch.full((*tokens.shape[:2], 5, 3), 99.0)
        return [torch.zeros_like(torch.cat([before, tokens], 2)), torch.cat([before, tokens], 2)], 5


class VGGT(nn.Module):
    def __init__(self):
        super().__init__()
        self.aggregator = Aggregator()


@pytest.fixture
def vggt_package(monkeypatch) -> None:
    models = ModuleType("vggt.models.vggt")
    models.VGGT = VGGT
    for name in ("vggt", "vggt.models"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "vggt.models.vggt", models)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save(VGGT().state_dict(), tmp_path / "model.pt")
    return tmp_path / "model.pt"


@pytest.fixture
def frames() -> torch.Tensor:
    return torch.randint(0, 256, (1, 2, 192, 256, 3), dtype=torch.uint8)


UNKNOWN = torch.full((1, 2, 3, 3), torch.nan)


def test_vggt_sees_whole_frames_518_wide_and_gives_its_last_layers_patches(vggt_package, checkpoint, frames):
    teacher = open_teacher(f"vggt:{checkpoint}")
    tokens = teacher.tokens(frames, UNKNOWN)
    assert teacher._aggregator.sizes[-1] == (1, 2, 3, 392, 518)  # 388.5 rounded to whole patches
    assert tokens.shape == (1, 2, 28, 37, 3) and teacher.channels == 3 and teacher.name == "vggt"
    assert float(tokens.max()) <= 1.0
    # Each token stands where its pixels do.
    halves = pool(tokens, (1, 2))[0, 0]
    frames[..., 128:, :] = 0
    darker = pool(teacher.tokens(frames, UNKNOWN), (1, 2))[0, 0]
    assert (darker[1] < 0.1 * halves[1]).all() and (darker[0] > 0.9 * halves[0]).all()


def test_vggt_reads_a_folder_and_safetensors_alike(vggt_package, checkpoint, tmp_path):
    folder = tmp_path / "download"
    folder.mkdir()
    save_file(VGGT().state_dict(), folder / "model.safetensors")
    assert VggtTeacher(folder).digest == VggtTeacher(checkpoint).digest


def test_without_the_vggt_package_it_is_said_what_to_install(checkpoint):
    with pytest.raises(TeacherError, match="vggt package is not usable .* install it: pip install"):
        VggtTeacher(checkpoint)


def test_without_a_fitting_vggt_checkpoint_it_is_said_what_to_give(vggt_package, tmp_path):
    with pytest.raises(TeacherError, match="no VGGT checkpoint at .*none; download model.pt"):
        VggtTeacher(tmp_path / "none")
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(TeacherError, match="other.pt does not fit the installed vggt package"):
        VggtTeacher(tmp_path / "other.pt")


SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 70,
    "patch_size": 14,
}


@pytest.mark.parametrize(
    "network",
    [
        Dinov2Model(Dinov2Config(**SIZES)),
        Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**SIZES, num_register_tokens=4)),
    ],
    ids=["plain", "with registers"],
)
def test_dinov2_gives_its_patch_tokens_and_sees_each_frame_alone(network, frames, tmp_path):
    network.save_pretrained(tmp_path)
    teacher = open_teacher(f"dinov2:{tmp_path}")
    tokens = teacher.tokens(frames, UNKNOWN)
    assert tokens.shape == (1, 2, 4, 5, 24) and teacher.channels == 24  # 52.5 rows of pixels make 4 patches
    alone = teacher.tokens(frames[:, 1:], UNKNOWN[:, 1:])
    torch.testing.assert_close(alone[0, 0], tokens[0, 1], atol=1e-2, rtol=1e-2)
    pixels = fit_frames(frames[0], 70, 14)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        states = network.eval()(pixel_values=(pixels - mean[:, None, None]) / std[:, None, None])
    wanted = states.last_hidden_state[:, -20:].unflatten(1, (4, 5))
    torch.testing.assert_close(tokens[0], wanted, atol=5e-2, rtol=5e-2)


def test_a_folder_without_a_dinov2_is_refused(tmp_path):
    with pytest.raises(TeacherError, match="no config.json in"):
        Dinov2Teacher(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(TeacherError, match="a model of type bert, not one of dinov2"):
        Dinov2Teacher(tmp_path)


def test_a_digest_belongs_to_weights_not_to_files():
    network = nn.Linear(3, 2)
    state = network.state_dict()
    assert weights_digest(state) == weights_digest(dict(reversed(state.items())))
    changed = {name: value.clone() for name, value in state.items()}
    changed["bias"][1] += 1e-6
    assert weights_digest(changed) != weights_digest(state)
