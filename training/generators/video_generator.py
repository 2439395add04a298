# SPDX-License-Identifier: Apache-2.0
"""The whole generator as it is trained: what a network later reads of it, and what only makes videos."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ide3d_ros.network.convolution import ResidualBlock
from ide3d_ros.network.generator import FlowTrunk, GeneratorConfig, LatentEncoder

KL_WEIGHT = 1e-3
"""Of the latents' divergence from a standard normal: enough to keep them bounded, too little to blur."""


def upsampling(c_in: int, c_out: int) -> nn.Sequential:
    """Double height and width: nearest cells, a 3x3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(),
    )


class VideoGenerator(nn.Module):
    """Autoencoder and flow-matching transformer.

    Its parts `encoder` and `trunk` have the weights that `FrozenGenerator` reads.

    Args:
        config: sizes.
    """

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config
        a, b, c = config.channels
        self.encoder = LatentEncoder(config)
        self.decoder = nn.Sequential(
            nn.Conv2d(config.latent, c, 1), ResidualBlock(c),
            upsampling(c, b), upsampling(b, a), upsampling(a, a), nn.Conv2d(a, 3, 3, padding=1),
        )  # fmt: skip
        self.trunk = FlowTrunk(config, config.blocks)
        self.head = nn.Sequential(
            nn.LayerNorm(config.dim), nn.Linear(config.dim, config.latent * config.patch**2)
        )
        for values in self.head[-1].parameters():
            nn.init.zeros_(values)

    def reconstruct(self, images: torch.Tensor, random: torch.Generator) -> dict[str, torch.Tensor]:
        """Compute the autoencoder's terms on (F, H, W, 3) uint8 frames.

        L = |x - D(m + s e)|, averaged over pixels, and KL(N(m, s) || N(0, 1)), averaged over the latents.

        Returns:
            "reconstruction", a mean absolute difference of values in -1..1, and "divergence", in nats.
        """
        mean, log_variance = self.encoder.distribution(images)
        noise = torch.randn(mean.shape, generator=random).to(mean)
        said = self.decoder(mean + noise * (0.5 * log_variance).exp())
        mean, log_variance = mean.float(), log_variance.float()
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)
        wanted = images.float().permute(0, 3, 1, 2) / 127.5 - 1.0
        return {"reconstruction": (said.float() - wanted).abs().mean(), "divergence": divergence.mean()}

    def velocity(self, latents: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Predict e - z of noised latents (V, T, latent, h, w) at levels (V,); the same shape."""
        rows, columns = self.config.patches
        said = self.head(self.trunk(latents, level)).flatten(0, 1).transpose(1, 2)
        grid = said.unflatten(2, (rows, columns))
        return functional.pixel_shuffle(grid, self.config.patch).view_as(latents)

    def flow(self, latents: torch.Tensor, level: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return the mean squared error of the velocity, each video's (V,).

        Args:
            latents: (V, T, latent, h, w), without noise.
            level: (V,) share of noise to be mixed in.
            noise: shaped as the latents.
        """
        t = level[:, None, None, None, None]
        said = self.velocity((1.0 - t) * latents + t * noise, level)
        return (said.float() - (noise - latents)).square().flatten(1).mean(1)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Turn standardised latents (F, latent, h, w) into (F, H, W, 3) uint8 frames."""
        said = self.decoder(latents * self.encoder.deviation + self.encoder.mean)
        return ((said.float().permute(0, 2, 3, 1) + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)

    @torch.no_grad()
    def sample(self, videos: int, frames: int, seed: int, steps: int = 24) -> torch.Tensor:
        """Make videos from noise, by Euler steps along the velocity from t = 1 to 0.

        Returns:
            (V, T, H, W, 3) uint8 frames.
        """
        random = torch.Generator().manual_seed(seed)
        device = self.head[-1].weight.device
        shape = (videos, frames, self.config.latent, *self.config.cells)
        latents = torch.randn(shape, generator=random).to(device)
        for step in range(steps, 0, -1):
            level = torch.full((videos,), step / steps, device=device)
            latents = latents - self.velocity(latents, level) / steps
        return self.decode(latents.flatten(0, 1)).unflatten(0, (videos, frames))
