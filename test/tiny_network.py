# SPDX-License-Identifier: Apache-2.0
"""A network small enough for a test, of the same make as the shipped one, and its export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ide3d_ros.bundle import Bundle
from ide3d_ros.network import Ide3dNetwork, NetworkConfig
from ide3d_training.datasets.tokenizer import fit_tokenizer
from ide3d_training.export.bundle_writing import export_bundle


def tiny_network_config(vocabulary: int) -> NetworkConfig:
    """Return sizes of a network of 12 tokens a frame, two categories and two colours."""
    return NetworkConfig(
        preset="rgb",
        vocabulary=vocabulary,
        categories=("chair", "mug"),
        mean_extents=((0.5, 0.5, 0.9), (0.1, 0.1, 0.1)),
        colors=("red", "blue"),
        width=64,
        height=48,
        stem_channels=(8, 8, 16),
        dim=32,
        heads=4,
        vision_layers=1,
        language_layers=2,
        vision_mlp=64,
        language_mlp=64,
        box_queries=3,
        field_hidden=32,
    )


@dataclass(frozen=True)
class TinyExport:
    """Hold a network of random weights, its tokenizer and the bundle exported from it."""

    network: Ide3dNetwork
    tokenizer_file: Path
    bundle: Bundle


def export_tiny(folder: Path) -> TinyExport:
    """Export a tiny network into an existing folder; the weights are the same each time."""
    tokenizer = fit_tokenizer(["where is the red chair", "is there a mug", "yes", "no"], 300)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    network = Ide3dNetwork(tiny_network_config(tokenizer.get_vocab_size())).eval()
    bundle = export_bundle(network, folder / "tokenizer.json", folder / "bundle", name="tiny")
    return TinyExport(network, folder / "tokenizer.json", bundle)
