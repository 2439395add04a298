# SPDX-License-Identifier: Apache-2.0
"""LLaVA-Video checkpoints as lmms-lab publishes them, read as transformers' LLaVA-OneVision.

The parts are the same (SigLIP without its last block, a two-layer projector, Qwen2), only the names and the
config differ: the published config is the language model's, with a few words about the rest.
"""

from __future__ import annotations

import re

from transformers import LlavaOnevisionConfig

ARCHITECTURE = "LlavaQwenForCausalLM"

RENAMED = {
    r"^model\.vision_tower\.vision_tower\.vision_model\.": "model.vision_tower.",
    r"^model\.mm_projector\.0\.": "model.multi_modal_projector.linear_1.",
    r"^model\.mm_projector\.2\.": "model.multi_modal_projector.linear_2.",
    r"^model\.(?=layers\.|embed_tokens\.|norm\.)": "model.language_model.",
}
"""Patterns of published names and what stands for them in transformers; all other names are the same."""

TOWERS = {
    "siglip-so400m-patch14-384": {
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_attention_heads": 16,
        "num_hidden_layers": 27,
        "image_size": 384,
        "patch_size": 14,
    }
}
"""Sizes of vision towers by name, all blocks counted; the published config gives the name alone."""
_LANGUAGE = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "max_position_embeddings",
    "rms_norm_eps",
    "hidden_act",
    "vocab_size",
)


def onevision_name(published: str) -> str:
    """Return the name in `LlavaOnevisionForConditionalGeneration` of a published parameter."""
    for pattern, replacement in RENAMED.items():
        published, found = re.subn(pattern, replacement, published)
        if found:
            break
    return published


def onevision_config(values: dict) -> LlavaOnevisionConfig:
    """Read a published config.json; the last block of the tower is dropped, as LLaVA-Video drops it.

    Raises:
        ValueError: if the config lacks a size or is of another make.
    """
    name = str(values.get("mm_vision_tower", ""))
    tower = TOWERS.get(name.rsplit("/", 1)[-1])
    if tower is None:
        raise ValueError(f"its vision tower '{name}' is none of {', '.join(TOWERS)}")
    for key, known in (("mm_projector_type", "mlp2x_gelu"), ("mm_spatial_pool_mode", "bilinear")):
        if values.get(key, known) != known:
            raise ValueError(f"its {key} is '{values[key]}' and not {known}")
    missing = [key for key in _LANGUAGE if key not in values]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    return LlavaOnevisionConfig(
        vision_config={
            "model_type": "siglip_vision_model",
            "vision_use_head": False,
            **tower,
            "num_hidden_layers": tower["num_hidden_layers"] - 1,
        },
        text_config={
            "model_type": "qwen2",
            "use_sliding_window": False,
            "rope_parameters": {"rope_type": "default", "rope_theta": values.get("rope_theta", 1e6)},
            **{key: values[key] for key in _LANGUAGE},
        },
        tie_word_embeddings=bool(values.get("tie_word_embeddings", False)),
    )
