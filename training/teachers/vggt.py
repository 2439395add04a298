# SPDX-License-Identifier: Apache-2.0
"""VGGT (arXiv 2503.11651) as a teacher, an optional extra: its own package and a checkpoint on disk.

It is used as 3DRS and 3D-IDE use it: frames 518 pixels wide, the last layer's patch tokens. The licences of
package and weights are their authors', not this project's.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import torch

from ide3d_training.schedule import choose_precision
from ide3d_training.teachers.protocol import TeacherError, fit_frames, weights_digest

WIDTH, PATCH = 518, 14


class VggtTeacher:
    """The aggregator of a VGGT; it finds intrinsics by itself.

    Args:
        checkpoint: a file of weights (.pt or .safetensors), or a folder that holds model.pt or
            model.safetensors.
        precision: "float32", "bfloat16", or "auto": the faster one. Ignored where CUDA is, which computes in
            bfloat16.

    Raises:
        TeacherError: if the package or the checkpoint is missing, or they do not fit.
    """

    name = "vggt"

    def __init__(self, checkpoint: Path, precision: str = "auto"):
        try:
            network_class = importlib.import_module("vggt.models.vggt").VGGT
        except (ImportError, AttributeError) as error:
            raise TeacherError(
                f"the vggt package is not usable ({error}); install it: pip install "
                "git+https://github.com/facebookresearch/vggt"
            ) from None
        state = _read(_file(checkpoint))
        network = network_class()
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise TeacherError(
                f"{checkpoint} does not fit the installed vggt package ({str(error).splitlines()[0]}); give "
                "the checkpoint of its release"
            ) from None
        self.digest = weights_digest(state)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._aggregator = network.aggregator.eval().requires_grad_(False).to(self._device)
        on_gpu = self._device.type == "cuda"
        self._precision = torch.bfloat16 if on_gpu else choose_precision(precision)
        blank = torch.zeros(1, 1, PATCH, WIDTH, 3, dtype=torch.uint8)
        self.channels = self.tokens(blank, torch.full((1, 1, 3, 3), torch.nan)).shape[-1]

    def tokens(self, frames: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
        """See `Teacher.tokens`."""
        rooms = frames.shape[0]
        pixels = fit_frames(frames.flatten(0, 1), WIDTH, PATCH).unflatten(0, (rooms, -1))
        grid = pixels.shape[-2] // PATCH, pixels.shape[-1] // PATCH
        enabled = self._precision != torch.float32
        with torch.no_grad(), torch.autocast(self._device.type, self._precision, enabled=enabled):
            layers, first_patch = self._aggregator(pixels.to(self._device))
        # In front of the patches stand the camera token and the registers.
        return layers[-1][:, :, first_patch:].float().cpu().unflatten(2, grid)


def _file(checkpoint: Path) -> Path:
    candidates = (
        [checkpoint / name for name in ("model.safetensors", "model.pt")]
        if checkpoint.is_dir()
        else [checkpoint]
    )
    for path in candidates:
        if path.is_file():
            return path
    raise TeacherError(
        f"no VGGT checkpoint at {checkpoint}; download model.pt or model.safetensors of "
        "https://huggingface.co/facebook/VGGT-1B and give its path as --teacher vggt:PATH"
    )


def _read(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)
