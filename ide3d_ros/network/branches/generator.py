# SPDX-License-Identifier: Apache-2.0
"""Token-gated fusion with a frozen video generator's features (preset `vega3d`).

VEGA-3D (arXiv 2603.19235): with a visual token s and the generator's features f at the same place,
a = LN(s), b = LN(MLP(f)), g = sigmoid(w . [a; b] + c), one number a token, and the new token is
g a + (1 - g) b. The normalised streams are mixed, as in its code; the paper's formula mixes them before
normalisation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import torch
from torch import nn

from ide3d_ros.network.generator import FrozenGenerator, GeneratorConfig

if TYPE_CHECKING:
    from ide3d_ros.network.config import NetworkConfig


@dataclass(frozen=True)
class GeneratorOptions:
    """`NetworkConfig.branch_options` of this branch; the defaults are VEGA-3D's, scaled to the depth here.

    Attributes:
        features: "generator", or "autoencoder" for the control without a generator.
        level: share of noise in the latents; VEGA-3D has step 300 of 1000.
        block: whose output is read, counted from 0; VEGA-3D reads number 20 of 30 blocks.
        seed: of the noise, which is the same for every frame.
        generator: sizes, as `GeneratorConfig.to_dict` states them; training takes them from its run.
    """

    features: str = "generator"
    level: float = 0.3
    block: int = 3
    seed: int = 0
    generator: dict = field(default_factory=dict)


class GeneratorBranch(nn.Module):
    """Mix each visual token with what a frozen generator says of its place.

    Args:
        config: sizes; its `branch_options` are `GeneratorOptions`.

    Raises:
        ValueError: if an option is unknown or of no use, or the generator reads frames of another size.
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        known = [entry.name for entry in fields(GeneratorOptions)]
        if unknown := sorted(set(config.branch_options) - set(known)):
            raise ValueError(
                f"branch 'generator' has no option {unknown[0]!r}; its options are: {', '.join(known)}"
            )
        options = GeneratorOptions(**config.branch_options)
        sizes = GeneratorConfig(width=config.width, height=config.height)
        if options.generator:
            sizes = GeneratorConfig.from_dict(options.generator)
        if (sizes.width, sizes.height) != (config.width, config.height):
            raise ValueError(
                f"the generator was made for frames of {sizes.width}x{sizes.height}, the network reads "
                f"{config.width}x{config.height}; train a generator on rooms of that size"
            )
        try:
            self.frozen = FrozenGenerator(sizes, options.features, options.level, options.block, options.seed)
        except ValueError as error:
            raise ValueError(f"branch_options: {error}") from None
        dim = config.dim
        self.generative = nn.Sequential(nn.Linear(self.frozen.channels, dim), nn.GELU(), nn.Linear(dim, dim))
        self.semantic_norm, self.generative_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.gate = nn.Linear(2 * dim, 1)

    def forward(
        self,
        tokens: torch.Tensor,
        images: torch.Tensor,
        intrinsics: torch.Tensor,
        extra: tuple[torch.Tensor, ...] = (),
    ) -> torch.Tensor:
        """Return new tokens (F, N, dim); see `Branch`."""
        semantic = self.semantic_norm(tokens)
        generative = self.generative_norm(self.generative(self.frozen(images)))
        gate = torch.sigmoid(self.gate(torch.cat([semantic, generative], -1)))  # (F, N, 1)
        return gate * semantic + (1.0 - gate) * generative
