# SPDX-License-Identifier: Apache-2.0
"""A second, frozen encoder that knows geometry adds to the visual tokens (preset `dual_encoder`).

The design of VG-LLM (arXiv 2505.24625), re-implemented, with the geometry network that is the teacher of
other presets in the place of VGGT. Its last layer is normalised (RMS), mapped by two layers to the tokens'
width and added; only those layers are trained. Three things are not as published. Each frame is encoded by
itself, so that a window stays a concatenation of its frames; VGGT looks at all frames jointly. Both encoders
cut a frame into the same grid, so that there are no four neighbours to merge into one token. And the camera's
intrinsics are read, as everywhere in this network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ide3d_ros.network.branches.options import read_options
from ide3d_ros.network.geometry_network import GeometryConfig, GeometryNetwork

if TYPE_CHECKING:
    from ide3d_ros.network.config import NetworkConfig


@dataclass(frozen=True)
class SecondEncoderOptions:
    """`NetworkConfig.branch_options` of this branch.

    Attributes:
        encoder: sizes of the geometry network, as `GeometryConfig.to_dict` states them.
    """

    encoder: dict[str, Any]


class SecondEncoderBranch(nn.Module):
    """Add what the frozen geometry network says of each token's cell.

    The merger's last layer begins at zero: a fresh branch leaves the tokens as they are. The encoder never
    learns and never follows the statistics of its batches, whatever mode the network is in.

    Args:
        config: sizes; its `branch_options` are `SecondEncoderOptions`.

    Raises:
        ValueError: if the encoder's sizes are missing, unknown, or not those of the network's frames.
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        if not config.branch_options.get("encoder"):
            raise ValueError(
                "branch 'second_encoder' has no encoder; name a run of ide3d-teacher train as second_encoder "
                "in the training configuration"
            )
        options = read_options(SecondEncoderOptions, config.branch, config.branch_options)
        sizes = GeometryConfig.from_dict(options.encoder)
        if (sizes.width, sizes.height) != (config.width, config.height):
            raise ValueError(
                f"the second encoder reads frames of {sizes.width}x{sizes.height} pixels, the network "
                f"{config.width}x{config.height}; train a teacher on rooms of that size"
            )
        encoder = GeometryNetwork(sizes)
        encoder.head = nn.Identity()  # depth and points are not asked for
        self.encoder = encoder.eval().requires_grad_(False)
        self.norm = nn.RMSNorm(sizes.dim)
        self.merger = nn.Sequential(
            nn.Linear(sizes.dim, config.dim), nn.GELU(), nn.Linear(config.dim, config.dim)
        )
        nn.init.zeros_(self.merger[-1].weight)
        nn.init.zeros_(self.merger[-1].bias)

    def train(self, mode: bool = True) -> SecondEncoderBranch:
        """Switch the merger alone; see the class."""
        super().train(mode)
        self.encoder.eval()
        return self

    def take_over(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Load the encoder's weights.

        Args:
            weights: state of a `GeometryNetwork` of these sizes; its head is left out.
        """
        self.encoder.load_state_dict({k: v for k, v in weights.items() if not k.startswith("head.")})

    def forward(
        self,
        tokens: torch.Tensor,
        images: torch.Tensor,
        intrinsics: torch.Tensor,
        extra: tuple[torch.Tensor, ...] = (),
    ) -> torch.Tensor:
        """Return new tokens (F, N, dim); see `Branch`."""
        with torch.no_grad():
            features = self.encoder.look(images[:, None], intrinsics[:, None])[:, 0]  # (F, N, encoder's dim)
        return tokens + self.merger(self.norm(features))
