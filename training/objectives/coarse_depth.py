# SPDX-License-Identifier: Apache-2.0
"""Supervise the coarse depth that the local branch gives its keys, with depth that only training sees."""

from __future__ import annotations

import torch

from ide3d_ros.geometry.box_code import coded_depth_scale
from ide3d_ros.network import Ide3dNetwork
from ide3d_training.config import ConfigError
from ide3d_training.objectives.validator import shrink_depth


class CoarseDepthSupervision:
    """Listen to the coarse depth of a network's local branch from outside.

    Args:
        network: with the branch.

    Raises:
        ConfigError: if its branch predicts no coarse depth.
    """

    def __init__(self, network: Ide3dNetwork):
        head = getattr(network.vision.branch, "depth", None)
        if head is None:
            raise ConfigError(
                "losses.coarse_depth supervises the depth of the local branch; set network.branch to local "
                "or the weight to 0"
            )
        self._config = network.config
        self._said: torch.Tensor | None = None
        head.register_forward_hook(self._keep)

    def _keep(self, _module: torch.nn.Module, _inputs: tuple, output: torch.Tensor) -> None:
        self._said = output

    def loss(self, depth: torch.Tensor, intrinsics: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compare the log depths of the last pass: L = mean |log D - log D*| over cells of known depth.

        LLMI3D (arXiv 2408.07422) has a depth branch, but how it is trained is not known; this is the plainest
        choice.

        Args:
            depth: (B, H, W) metres at the network size; 0 or not finite where unknown.
            intrinsics: (B, 3, 3) of the network image.

        Returns:
            {"coarse_depth": scalar}; zero, with gradients of zero, if no depth is known.
        """
        said, self._said = self._said[:, 0].float(), None  # (B, rows, columns)
        truth = shrink_depth(depth, self._config.stride)
        known = torch.isfinite(truth) & (truth > 0)
        if not known.any():
            return {"coarse_depth": said.sum() * 0.0}
        focal = (intrinsics[:, 0, 0] * intrinsics[:, 1, 1]).sqrt()[:, None, None]
        coded = (truth * coded_depth_scale(focal, self._config.focal_virtual))[known].log()
        return {"coarse_depth": (said[known] - coded).abs().mean()}
