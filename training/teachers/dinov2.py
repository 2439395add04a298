# SPDX-License-Identifier: Apache-2.0
"""DINOv2 (arXiv 2304.07193) as a teacher that looks at each frame alone: the control for what 3D adds."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel

from ide3d_training.schedule import choose_precision
from ide3d_training.teachers.protocol import TeacherError, fit_frames, weights_digest

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TYPES = ("dinov2", "dinov2_with_registers", "dinov3_vit")


class Dinov2Teacher:
    """The patch tokens of a DINOv2's (or DINOv3's) last layer.

    Args:
        folder: config.json and weights as transformers writes them; nothing is downloaded.
        precision: "float32", "bfloat16", or "auto": the faster one.

    Raises:
        TeacherError: if the folder holds no such model.
    """

    name = "dinov2"

    def __init__(self, folder: Path, precision: str = "auto"):
        if not (folder / "config.json").is_file():
            raise TeacherError(
                f"no config.json in {folder}; give a folder with a DINOv2 as transformers saves it, for "
                "example a download of https://huggingface.co/facebook/dinov2-small"
            )
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            if config.model_type not in _TYPES:
                raise ValueError(f"a model of type {config.model_type}, not one of {', '.join(_TYPES)}")
            network = AutoModel.from_pretrained(folder, config=config, local_files_only=True)
        except (OSError, ValueError) as error:
            raise TeacherError(f"{folder} holds no usable DINOv2: {str(error).splitlines()[0]}") from None
        self._network = network.eval().requires_grad_(False)
        self.digest = weights_digest(self._network.state_dict())
        self.channels = config.hidden_size
        self._patch = config.patch_size
        self._width = config.image_size // config.patch_size * config.patch_size
        self._before = 1 + getattr(config, "num_register_tokens", 0)  # class token, registers
        self._precision = choose_precision(precision)

    def tokens(self, frames: torch.Tensor, intrinsics: torch.Tensor) -> torch.Tensor:
        """See `Teacher.tokens`."""
        pixels = fit_frames(frames.flatten(0, 1), self._width, self._patch)
        grid = pixels.shape[-2] // self._patch, pixels.shape[-1] // self._patch
        mean, std = (torch.tensor(values)[:, None, None] for values in (_MEAN, _STD))
        enabled = self._precision != torch.float32
        with torch.no_grad(), torch.autocast("cpu", self._precision, enabled=enabled):
            states = self._network(pixel_values=(pixels - mean) / std).last_hidden_state
        tokens = states[:, self._before :].float().unflatten(1, grid)
        return tokens.unflatten(0, frames.shape[:2])
