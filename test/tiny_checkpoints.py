# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the full-size classes, with the classes' own parts and sizes for a test."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from ide3d_ros.network.full_size import BoxSettings
from ide3d_ros.network.full_size.building import MODELS
from ide3d_ros.network.full_size.checkpoint import CONFIGS

BOXES = BoxSettings(
    categories=("chair", "mug"),
    mean_extents=((0.5, 0.5, 0.9), (0.1, 0.1, 0.1)),
    colors=("red", "blue"),
    queries=3,
    hidden=16,
)
SECOND_ENCODER = {"width": 32, "heads": 4, "image_layers": 1, "pairs": 3}
IMAGES = {"llava_onevision": None, "qwen2_5_vl": (140, 84), "qwen3_vl": (96, 64)}
"""Width and height of the network image of each kind; LLaVA's follows from its config."""

_TEXT = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
_ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}
_MARKS = {"image_token_id": 60, "video_token_id": 61, "vision_start_token_id": 62, "vision_end_token_id": 63}
VALUES = {
    "llava_onevision": {
        "vision_config": {
            "model_type": "siglip_vision_model",
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 4,
            "num_attention_heads": 2,
            "image_size": 44,
            "patch_size": 8,
            "vision_use_head": False,
        },
        "text_config": {"model_type": "qwen2", **_TEXT},
        "image_token_index": 60,
        "video_token_index": 61,
    },
    "qwen2_5_vl": {
        "vision_config": {
            "depth": 4,
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_heads": 2,
            "out_hidden_size": 32,
            "window_size": 56,
            "fullatt_block_indexes": [3],
        },
        "text_config": {**_TEXT, "rope_parameters": dict(_ROPE)},
        **_MARKS,
    },
    "qwen3_vl": {
        "vision_config": {
            "depth": 4,
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_heads": 2,
            "out_hidden_size": 32,
            "num_position_embeddings": 16,
            "deepstack_visual_indexes": [0, 1],
        },
        "text_config": {**_TEXT, "head_dim": 8, "rope_parameters": {**_ROPE, "mrope_interleaved": True}},
        **_MARKS,
    },
}


def tiny_model(kind: str, seed: int = 0) -> PreTrainedModel:
    """Build a tiny model of a class that has an adapter, by its `model_type`."""
    torch.manual_seed(seed)
    return MODELS[kind](CONFIGS[kind].from_dict(VALUES[kind])).eval()


def save_checkpoint(kind: str, folder: Path, max_shard_size: str = "50GB") -> PreTrainedModel:
    """Save a tiny model as transformers does, and the sizes of a second encoder with it."""
    model = tiny_model(kind)
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "second_encoder": SECOND_ENCODER}))
    return model


def frames(kind: str, number: int = 2, seed: int = 0) -> torch.Tensor:
    """Return (number, height, width, 3) uint8 frames of noise at the network size of a kind."""
    width, height = IMAGES[kind] or (44, 44)
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (number, height, width, 3), generator=generator, dtype=torch.uint8)


def damage(folder: Path, name: str, value: torch.Tensor | None) -> None:
    """Replace a tensor in a checkpoint of one file, or leave it out (None)."""
    file = folder / "model.safetensors"
    tensors = load_file(file)
    del tensors[name]
    save_file({**tensors, **({} if value is None else {name: value})}, file, metadata={"format": "pt"})
