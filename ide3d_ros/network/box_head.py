# SPDX-License-Identifier: Apache-2.0
"""Box head: every visual token states the box it lies on; every box query points at a token or at none."""

from __future__ import annotations

import torch
from torch import nn

from ide3d_ros.geometry.box_code import BoxCode


class BoxHead(nn.Module):
    """Read boxes off the last states of the language model.

    Boxes hang on visual tokens and not on queries: a token's box depends on the frame alone, so it is
    computed once for all questions and learns from every object in every frame, asked for or not. A query
    has one decision left, one softmax over all tokens of the window and "none".

    Args:
        dim: width of the language model's states.
        hidden: hidden width of the fields.
        code: layout of a field vector.
    """

    def __init__(self, dim: int, hidden: int, code: BoxCode):
        super().__init__()
        self.fields = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, code.size))
        self.gravity = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, 2))
        self.pointer_key = nn.Linear(dim, dim)
        self.pointer_query = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))
        self.none = nn.Linear(dim, 1)
        self.scale = dim**-0.5
        with torch.no_grad():  # begin at the priors: mean depth of about 2.5 m, mean extents, a level camera
            self.fields[-1].weight *= 0.1
            self.fields[-1].bias.zero_()
            self.fields[-1].bias[code.depth] = 0.9
            self.gravity[-1].weight *= 0.1
            self.gravity[-1].bias.copy_(torch.tensor([0.3, 0.0]))

    def read_frame(self, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Read what a frame says without being asked.

        Args:
            states: (F, N, dim) last states of the visual tokens.

        Returns:
            pointer keys (F, N, dim), fields (F, N, P) laid out by `BoxCode`, gravity (F, 2): pitch and roll
            of each camera in radians.
        """
        return self.pointer_key(states), self.fields(states), self.gravity(states.mean(1))

    def point(self, queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """Let box queries choose among tokens.

        Args:
            queries: (..., K, dim) last states of the box queries.
            keys: (..., S, dim) pointer keys of every token in the window.

        Returns:
            (..., K, S + 1) log-probabilities; the last entry is "none".
        """
        asked = self.pointer_query(queries)
        logits = torch.cat([asked @ keys.transpose(-1, -2) * self.scale, self.none(asked)], -1)
        return torch.log_softmax(logits.float(), -1)
