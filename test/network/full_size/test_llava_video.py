# SPDX-License-Identifier: Apache-2.0
"""Published LLaVA-Video checkpoints carry other names and another config than transformers' class."""

from __future__ import annotations

import pytest

from ide3d_ros.network.full_size import BoxSettings, build_random, find_checkpoint
from ide3d_ros.network.full_size.llava_video import onevision_config, onevision_name

PUBLISHED = {
    "architectures": ["LlavaQwenForCausalLM"],
    "model_type": "llava",
    "hidden_act": "silu",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "max_position_embeddings": 32768,
    "mm_hidden_size": 1152,
    "mm_newline_position": "grid",
    "mm_projector_type": "mlp2x_gelu",
    "mm_spatial_pool_mode": "bilinear",
    "mm_vision_select_layer": -2,
    "mm_vision_tower": "google/siglip-so400m-patch14-384",
    "num_attention_heads": 28,
    "num_hidden_layers": 28,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "vocab_size": 152064,
}
"""What decides the shapes in the config.json of LLaVA-Video-7B-Qwen2."""


def published_names(language_layers: int, vision_blocks: int) -> list[str]:
    """List the names in a published checkpoint."""
    vision = "model.vision_tower.vision_tower.vision_model"
    names = [
        "lm_head.weight",
        "model.embed_tokens.weight",
        "model.image_newline",
        "model.norm.weight",
        f"{vision}.embeddings.patch_embedding.bias",
        f"{vision}.embeddings.patch_embedding.weight",
        f"{vision}.embeddings.position_embedding.weight",
        *(f"model.mm_projector.{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")),
        *(f"{vision}.post_layernorm.{kind}" for kind in ("weight", "bias")),
    ]
    for layer in range(language_layers):
        norms = ("input_layernorm", "post_attention_layernorm")
        names += [f"model.layers.{layer}.{norm}.weight" for norm in norms]
        names += [f"model.layers.{layer}.mlp.{part}_proj.weight" for part in ("gate", "up", "down")]
        names += [f"model.layers.{layer}.self_attn.{part}_proj.weight" for part in "qkvo"]
        names += [f"model.layers.{layer}.self_attn.{part}_proj.bias" for part in "qkv"]
    parts = ("layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2")
    parts += tuple(f"self_attn.{part}" for part in ("q_proj", "k_proj", "v_proj", "out_proj"))
    for block in range(vision_blocks):
        names += [
            f"{vision}.encoder.layers.{block}.{part}.{kind}" for part in parts for kind in ("weight", "bias")
        ]
    return names


@pytest.mark.parametrize(
    ("published", "here"),
    [
        ("lm_head.weight", "lm_head.weight"),
        ("model.image_newline", "model.image_newline"),
        ("model.embed_tokens.weight", "model.language_model.embed_tokens.weight"),
        ("model.norm.weight", "model.language_model.norm.weight"),
        ("model.layers.3.mlp.up_proj.weight", "model.language_model.layers.3.mlp.up_proj.weight"),
        ("model.mm_projector.0.bias", "model.multi_modal_projector.linear_1.bias"),
        ("model.mm_projector.2.weight", "model.multi_modal_projector.linear_2.weight"),
        (
            "model.vision_tower.vision_tower.vision_model.encoder.layers.5.mlp.fc1.bias",
            "model.vision_tower.encoder.layers.5.mlp.fc1.bias",
        ),
    ],
)
def test_a_published_name_becomes_that_of_transformers(published, here):
    assert onevision_name(published) == here


def test_a_name_that_is_already_right_stays():
    name = "model.language_model.layers.3.mlp.up_proj.weight"
    assert onevision_name(name) == name


def test_the_names_of_the_published_7b_are_exactly_those_of_the_class():
    model = build_random(find_checkpoint("hf:llava-video-7b"), BoxSettings(), device="meta").adapter.model
    renamed = [onevision_name(name) for name in published_names(language_layers=28, vision_blocks=26)]
    assert sorted(renamed) == sorted(model.state_dict())


def test_the_published_config_is_the_one_that_comes_with_the_package():
    published, shipped = onevision_config(PUBLISHED), find_checkpoint("hf:llava-video-7b").config
    assert published.text_config.to_diff_dict() == shipped.text_config.to_diff_dict()
    assert published.vision_config.to_diff_dict() == shipped.vision_config.to_diff_dict()
    assert published.vision_config.num_hidden_layers == 26


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"mm_vision_tower": "openai/clip-vit"}, "vision tower 'openai/clip-vit' is none of siglip"),
        ({"mm_projector_type": "linear"}, "mm_projector_type is 'linear' and not mlp2x_gelu"),
        ({"mm_spatial_pool_mode": "average"}, "mm_spatial_pool_mode is 'average' and not bilinear"),
    ],
)
def test_a_published_config_of_another_make_is_refused(change, told):
    with pytest.raises(ValueError, match=told):
        onevision_config({**PUBLISHED, **change})


def test_a_published_config_without_a_size_is_refused():
    with pytest.raises(ValueError, match="it lacks hidden_size"):
        onevision_config({key: value for key, value in PUBLISHED.items() if key != "hidden_size"})
