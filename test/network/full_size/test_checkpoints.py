# SPDX-License-Identifier: Apache-2.0
"""`hf:NAME` finds a checkpoint and loads its weights, or says what is wrong and what to do."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file
from tiny_checkpoints import (
    BOXES,
    IMAGES,
    SECOND_ENCODER,
    VALUES,
    damage,
    frames,
    save_checkpoint,
    tiny_model,
)
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from ide3d_ros.network.full_size import find_checkpoint, load, shipped_configs
from ide3d_ros.network.full_size.errors import (
    CheckpointNotCachedError,
    CheckpointNotFoundError,
    ConfigUnreadableError,
    NoTokenizerError,
    NoWeightsError,
    UnknownArchitectureError,
    WrongWeightsError,
)
from ide3d_ros.network.full_size.llava_video import TOWERS

KINDS = tuple(VALUES)
LLAVA = "llava_onevision"


def parameters(model) -> dict[str, torch.Tensor]:
    # The norm behind SigLIP's last block is not part of LLaVA; nothing runs it.
    return {name: value for name, value in model.state_dict().items() if "post_layernorm" not in name}


def save_tokenizer(folder):
    words = Tokenizer(models.WordLevel({"chair": 7, "?": 0}, unk_token="?"))
    PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(folder)


def assert_same_weights(loaded, saved):
    assert parameters(loaded).keys() == parameters(saved).keys()
    for name, value in parameters(saved).items():
        torch.testing.assert_close(parameters(loaded)[name], value, rtol=0, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_checkpoint_is_loaded_again(kind, tmp_path):
    saved = save_checkpoint(kind, tmp_path)
    network = load(find_checkpoint(f"hf:{tmp_path}"), BOXES, image=IMAGES[kind])
    assert_same_weights(network.adapter.model, saved)
    assert network.encode(frames(kind)).grid.shape[2] == 32


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_in_several_files_is_loaded(kind, tmp_path):
    saved = save_checkpoint(kind, tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    assert_same_weights(load(find_checkpoint(str(tmp_path)), BOXES, image=IMAGES[kind]).adapter.model, saved)


def test_weights_take_the_type_that_is_asked_for_and_the_box_head_stays_exact(tmp_path):
    save_checkpoint(LLAVA, tmp_path)
    network = load(find_checkpoint(str(tmp_path)), BOXES, dual_encoder=True, dtype=torch.bfloat16)
    assert {value.dtype for value in network.adapter.parameters()} == {torch.bfloat16}
    assert {value.dtype for value in network.second.parameters()} == {torch.bfloat16}
    assert {value.dtype for value in network.box_head.parameters()} == {torch.float32}
    prefix = network.prefix(network.encode(frames(LLAVA)))
    assert prefix.fields.dtype == torch.float32
    assert torch.isfinite(network.prompt(prefix, torch.tensor([1, 2])).pointer).all()


def test_a_published_llava_video_checkpoint_is_loaded(tmp_path, monkeypatch):
    saved = tiny_model(LLAVA)
    save_tokenizer(tmp_path)
    tower, text = saved.config.vision_config, saved.config.text_config
    sizes = ("hidden_size", "intermediate_size", "num_attention_heads", "image_size", "patch_size")
    blocks = {"num_hidden_layers": tower.num_hidden_layers + 1}
    monkeypatch.setitem(TOWERS, "tiny", {**{key: getattr(tower, key) for key in sizes}, **blocks})
    language = {key: value for key, value in text.to_dict().items() if key != "layer_types"}
    config = {**language, "architectures": ["LlavaQwenForCausalLM"], "model_type": "llava"}
    config |= {"mm_vision_tower": "somebody/tiny", "rope_theta": 10000.0}
    (tmp_path / "config.json").write_text(json.dumps(config))
    here = "model.vision_tower.", "model.language_model.", "linear_1", "linear_2", "multi_modal_projector"
    there = "model.vision_tower.vision_tower.vision_model.", "model.", "0", "2", "mm_projector"
    weights = {}
    for name, value in saved.state_dict().items():
        for ours, theirs in zip(here, there, strict=True):
            name = name.replace(ours, theirs)
        weights[name] = value.clone()
    assert "model.layers.0.mlp.up_proj.weight" in weights and "model.mm_projector.2.bias" in weights
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    checkpoint = find_checkpoint(f"hf:{tmp_path}")
    assert_same_weights(load(checkpoint, BOXES).adapter.model, saved)
    assert checkpoint.tokenizer()("chair")["input_ids"] == [7]


def test_a_converted_checkpoint_with_transformers_former_names_is_loaded(tmp_path):
    saved = save_checkpoint(LLAVA, tmp_path)
    former = {}
    for name, value in saved.state_dict().items():
        name = name.replace("model.language_model.", "language_model.model.")
        name = name.replace("lm_head", "language_model.lm_head")
        name = name.replace("model.vision_tower.", "vision_tower.vision_model.")
        name = name.replace("model.multi_modal", "multi_modal").replace("model.image_new", "image_new")
        former[name] = value.clone()
    save_file(former, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert_same_weights(load(find_checkpoint(str(tmp_path)), BOXES).adapter.model, saved)


def test_a_config_states_the_sizes_of_the_second_encoder(tmp_path):
    save_checkpoint(LLAVA, tmp_path)
    assert find_checkpoint(str(tmp_path)).second_encoder.width == SECOND_ENCODER["width"]
    assert find_checkpoint("hf:llava-video-7b").second_encoder.pairs == 24


def test_a_config_file_gives_sizes_without_weights(tmp_path):
    save_checkpoint(LLAVA, tmp_path)
    checkpoint = find_checkpoint(f"hf:{tmp_path / 'config.json'}")
    assert checkpoint.config.text_config.hidden_size == 32 and not checkpoint.has_weights
    with pytest.raises(NoWeightsError, match=r"has no weights .* build the network with random weights"):
        load(checkpoint, BOXES)


def test_a_folder_that_is_not_there_is_named_with_the_shipped_configs():
    with pytest.raises(CheckpointNotFoundError, match="'/nowhere/at/all' is neither .* llava-video-7b"):
        find_checkpoint("hf:/nowhere/at/all")


def test_a_folder_without_a_config_is_refused(tmp_path):
    with pytest.raises(ConfigUnreadableError, match=r"config\.json cannot be used: there is no such file"):
        find_checkpoint(f"hf:{tmp_path}")


def test_a_name_of_the_hub_that_was_not_fetched_is_told_how_to_fetch(tmp_path):
    with pytest.raises(CheckpointNotCachedError, match="hf download lmms-lab/LLaVA-Video-7B-Qwen2$"):
        find_checkpoint("hf:lmms-lab/LLaVA-Video-7B-Qwen2", cache=tmp_path)


def cached(tmp_path, **options):
    """Lay a checkpoint where the hub's client would."""
    repository = tmp_path / "models--somebody--tiny"
    folder = repository / "snapshots" / ("0" * 40)
    folder.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    save_checkpoint(LLAVA, folder, **options)
    return folder


def test_a_fetched_checkpoint_is_found_by_its_name_on_the_hub(tmp_path):
    folder = cached(tmp_path)
    checkpoint = find_checkpoint("hf:somebody/tiny", cache=tmp_path)
    assert checkpoint.folder == folder and checkpoint.has_weights


def test_a_checkpoint_that_was_fetched_in_part_names_what_is_missing(tmp_path):
    folder = cached(tmp_path, max_shard_size="20KB")
    last = sorted(folder.glob("*.safetensors"))[-1]
    last.unlink()
    told = f"does not hold {last.name} of .* hf download somebody/tiny"
    with pytest.raises(CheckpointNotCachedError, match=told):
        find_checkpoint("hf:somebody/tiny", cache=tmp_path)


def test_a_network_without_an_adapter_is_refused_by_name(tmp_path):
    config = {"architectures": ["MistralForCausalLM"], "model_type": "mistral"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnknownArchitectureError, match="MistralForCausalLM network.*llava_onevision, qwen"):
        find_checkpoint(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "Expecting property name"),
        ("[]", "it holds no JSON object"),
        ('{"architectures": ["LlavaQwenForCausalLM"]}', "vision tower '' is none of"),
        ('{"model_type": "qwen3_vl", "text_config": {"hidden_size": "wide"}}', "hidden_size"),
        ('{"model_type": "qwen3_vl", "second_encoder": {"depth": 3}}', "depth"),
        ('{"model_type": "qwen3_vl", "second_encoder": {"heads": 7}}', "width 1024 and heads 7"),
    ],
)
def test_a_config_that_cannot_be_read_is_refused_with_the_cause(text, told, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigUnreadableError, match=told):
        find_checkpoint(str(tmp_path))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (torch.zeros(5), r"image_newline is \(5,\) there and \(32,\) by the config"),
        (None, "image_newline is missing"),
    ],
)
def test_weights_that_are_not_those_of_the_config_are_refused_by_name(value, told, tmp_path):
    save_checkpoint(LLAVA, tmp_path)
    damage(tmp_path, "image_newline", value)
    with pytest.raises(WrongWeightsError, match=told):
        load(find_checkpoint(str(tmp_path)), BOXES)


def test_weights_that_belong_to_nothing_are_refused(tmp_path):
    save_checkpoint("qwen3_vl", tmp_path)
    file = tmp_path / "config.json"
    config = json.loads(file.read_text())
    config["text_config"]["num_hidden_layers"] = 2
    file.write_text(json.dumps(config))
    with pytest.raises(WrongWeightsError, match=r"layers\.2\.\S+ is not part of this network .*and \d+ more"):
        load(find_checkpoint(str(tmp_path)), BOXES)


def test_weights_that_are_cut_off_are_refused(tmp_path):
    save_checkpoint(LLAVA, tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(WrongWeightsError, match="fetch the checkpoint again"):
        load(find_checkpoint(str(tmp_path)), BOXES)


def test_the_tokenizer_of_a_checkpoint_is_loaded(tmp_path):
    save_checkpoint(LLAVA, tmp_path)
    save_tokenizer(tmp_path)
    assert find_checkpoint(str(tmp_path)).tokenizer()("chair")["input_ids"] == [7]


def test_a_checkpoint_without_a_tokenizer_says_so(tmp_path):
    save_checkpoint(LLAVA, tmp_path)
    with pytest.raises(NoTokenizerError, match=r"neither tokenizer\.json nor vocab\.json in"):
        find_checkpoint(str(tmp_path)).tokenizer()
    with pytest.raises(NoTokenizerError, match="'llava-video-7b' has no tokenizer"):
        find_checkpoint("hf:llava-video-7b").tokenizer()


def test_a_tokenizer_that_cannot_be_read_says_so(tmp_path):
    save_checkpoint(LLAVA, tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(NoTokenizerError):
        find_checkpoint(str(tmp_path)).tokenizer()


@pytest.mark.parametrize("name", shipped_configs())
def test_every_shipped_config_is_one_of_a_class_that_has_an_adapter(name):
    assert find_checkpoint(f"hf:{name}").config.model_type in VALUES
