# SPDX-License-Identifier: Apache-2.0
"""Write a network and its tokenizer as a sealed model bundle."""

from __future__ import annotations

import shutil
from pathlib import Path

from ide3d_ros.bundle import Bundle, BundleDescription, Category, Limits, NetworkSizes, seal_bundle
from ide3d_ros.bundle.manifest import Precision
from ide3d_ros.bundle.sealing import TOKENIZER_FILE
from ide3d_ros.network import Ide3dNetwork
from ide3d_training.export.graph_files import write_graphs
from ide3d_training.export.onnx_writing import export_graphs
from ide3d_training.export.precision import restate

LIMITS = Limits(max_frames=8, max_text_tokens=64, max_answer_tokens=64)
SINGLE_FRAME = LIMITS.model_copy(update={"max_frames": 1})
"""Of networks whose queries state boxes: the box lies in the one frame that they read."""
SCORE_THRESHOLD = 0.5
OVERLAP_THRESHOLD = 0.3


def describe_network(
    network: Ide3dNetwork,
    name: str,
    training: dict,
    precision: Precision = "float32",
    score_threshold: float = SCORE_THRESHOLD,
) -> BundleDescription:
    """State a network's sizes, categories and provenance as a manifest wants them."""
    config = network.config
    parameters = sum(p.numel() for p in network.parameters())
    limits = LIMITS if config.box_source == "token" else SINGLE_FRAME
    cached = (
        4
        * config.tokens
        * (
            config.dim * 2
            + config.box_code.size
            + 2 * config.language_layers * config.kv_heads * config.head_dim
        )
    )
    return BundleDescription(
        name=name,
        preset=config.preset,
        network=NetworkSizes(
            width=config.width,
            height=config.height,
            tokens=config.tokens,
            grid=(config.rows, config.columns),
            dim=config.dim,
            layers=config.language_layers,
            kv_heads=config.kv_heads,
            head_dim=config.head_dim,
            box_queries=config.box_queries,
            vocab=config.vocabulary,
        ),
        limits=limits,
        precision=precision,
        categories=tuple(
            Category(name=n, extents=tuple(e))
            for n, e in zip(config.categories, config.mean_extents, strict=True)
        ),
        colors=config.colors,
        focal_virtual=config.focal_virtual,
        box_source=config.box_source,
        extra_inputs=config.extra_inputs,
        score_threshold=score_threshold,
        overlap_threshold=OVERLAP_THRESHOLD,
        # Three of the four sessions hold the decoder; activations and the runtime itself take about 120 MiB.
        memory_mb=round(3 * 4 * parameters / 2**20 + limits.max_frames * cached / 2**20 + 120.0, 1),
        training=training,
        licence="LicenseRef-training-data" if "licence" in training else "Apache-2.0",
    )


def export_bundle(
    network: Ide3dNetwork,
    tokenizer_file: Path,
    folder: Path,
    *,
    name: str = "nano",
    training: dict | None = None,
    precision: Precision = "float32",
    score_threshold: float = SCORE_THRESHOLD,
) -> Bundle:
    """Write a bundle.

    Args:
        network: trained weights, float32; put into evaluation mode.
        tokenizer_file: the run's tokenizer.json.
        folder: made if needed; files of an earlier bundle in it are replaced.
        name: name of the bundle.
        training: provenance (data, steps, seed, scores) as JSON values; with a "licence" in it the weights
            are not stated to be under the project's own.
        precision: of the graphs inside.
        score_threshold: probability from which on a box counts, 0.5..1.

    Returns:
        the sealed bundle, opened and checked as a robot would.

    Raises:
        TypeError: if it is not the network alone that is to be exported.
        PrecisionError: if the network cannot be stated in the precision.
    """
    if not isinstance(network, Ide3dNetwork):
        raise TypeError(
            f"{type(network).__name__} cannot be exported: a bundle holds the network alone, without what "
            "only training sees; pass the Ide3dNetwork"
        )
    models = restate(export_graphs(network.eval()), precision)
    folder.mkdir(parents=True, exist_ok=True)
    write_graphs(models, folder)
    shutil.copyfile(tokenizer_file, folder / TOKENIZER_FILE)
    description = describe_network(network, name, training or {}, precision, score_threshold)
    return seal_bundle(folder, description)
