# SPDX-License-Identifier: Apache-2.0
"""Query head: a box query states its own box (preset `llmi3d`), where other presets only point at one."""

from __future__ import annotations

import torch
from torch import nn

from ide3d_ros.geometry import query_code
from ide3d_ros.network.config import NetworkConfig


class QueryHead(nn.Module):
    """Read boxes off the box queries, a two-layer perceptron for each part.

    Of LLMI3D (arXiv 2408.07422) it is known that the state of a 3D query feeds heads for centre, depth, size
    and rotation in a virtual camera; the parts' coding is Cube R-CNN's (arXiv 2207.10660). The pointer keeps
    saying whether there is such a thing, and in which frame; ours is that a query also reads the tokens it
    points at, without which its state has to learn to carry where they are. Boxes do not teach the pointer.
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        dim, hidden = config.dim, config.field_hidden
        self.pointed = nn.Linear(dim, dim)

        def part(*start: float) -> nn.Sequential:
            read = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, len(start)))
            with torch.no_grad():
                read[-1].weight *= 0.1
                read[-1].bias.copy_(torch.tensor(start))
            return read

        # Begin at a box of half a metre, 2.5 m away in the middle of the image, that faces the camera.
        self.center = part(0.0, 0.0)
        self.depth = part(0.9)
        self.extents = part(-0.7, -0.7, -0.7)
        self.rotation = part(*query_code.FACING)
        self.log_scale = part(0.0)

    def forward(self, states: torch.Tensor, pointer: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """State boxes.

        Args:
            states: (..., K, dim) last states of the box queries.
            pointer: (..., K, S + 1) log-probabilities over the tokens of the window and "none".
            keys: (..., S, dim) pointer keys of those tokens.

        Returns:
            (..., K, SIZE), laid out by `query_code`.
        """
        share = pointer[..., :-1].detach().softmax(-1).to(keys.dtype)
        states = states + self.pointed(share @ keys)
        return torch.cat(
            [
                self.center(states).sigmoid(),
                self.depth(states),
                self.extents(states),
                self.rotation(states),
                self.log_scale(states),
            ],
            -1,
        )
