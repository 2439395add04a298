# SPDX-License-Identifier: Apache-2.0
"""Build a full-size network: with random weights, or with those of a checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    LlavaOnevisionForConditionalGeneration,
    PreTrainedModel,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3VLForConditionalGeneration,
)

from ide3d_ros.network.full_size.adapter import Adapter
from ide3d_ros.network.full_size.checkpoint import Checkpoint
from ide3d_ros.network.full_size.errors import NoWeightsError, WrongWeightsError
from ide3d_ros.network.full_size.llava import LlavaAdapter
from ide3d_ros.network.full_size.network import BoxSettings, FullSizeNetwork
from ide3d_ros.network.full_size.qwen import Qwen3Adapter, Qwen25Adapter
from ide3d_ros.network.full_size.second_encoder import SecondEncoder

MODELS: dict[str, type[PreTrainedModel]] = {
    "llava_onevision": LlavaOnevisionForConditionalGeneration,
    "qwen2_5_vl": Qwen2_5_VLForConditionalGeneration,
    "qwen3_vl": Qwen3VLForConditionalGeneration,
}
_QWEN = {"qwen2_5_vl": Qwen25Adapter, "qwen3_vl": Qwen3Adapter}
_UNUSED = ("vision_tower.head.", "vision_tower.post_layernorm.", "rotary_emb.inv_freq")
"""Parts of names that a checkpoint may hold or lack without harm: the adapters never run them."""


def build_random(
    checkpoint: Checkpoint,
    boxes: BoxSettings,
    *,
    dual_encoder: bool = False,
    image: tuple[int, int] | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> FullSizeNetwork:
    """Build a network with random weights.

    Args:
        checkpoint: its sizes.
        boxes: what the box head knows.
        dual_encoder: whether a second encoder adds to the visual tokens.
        image: width and height of the network image, pixels, where the class leaves a choice (Qwen-VL).
        dtype: type of all weights but the box head's.
        device: where it is built; "meta" builds sizes alone.
    """
    with torch.device(device):
        model = MODELS[checkpoint.config.model_type]._from_config(checkpoint.config, dtype=dtype)
    return _with_boxes(model.eval(), checkpoint, boxes, dual_encoder, image, dtype, device)


def load(
    checkpoint: Checkpoint,
    boxes: BoxSettings,
    *,
    dual_encoder: bool = False,
    image: tuple[int, int] | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> FullSizeNetwork:
    """Build a network with a checkpoint's weights; box queries, box head and second encoder stay random.

    Args: as of `build_random`.

    Raises:
        NoWeightsError: if the checkpoint is of sizes alone.
        WrongWeightsError: if its weights are missing, too many, of other shapes or unreadable.
    """
    if not checkpoint.has_weights:
        raise NoWeightsError(checkpoint.name)
    model = _loaded(checkpoint, checkpoint.folder, dtype, device)
    return _with_boxes(model.eval(), checkpoint, boxes, dual_encoder, image, dtype, device)


def _loaded(
    checkpoint: Checkpoint, folder: Path, dtype: torch.dtype, device: torch.device | str
) -> PreTrainedModel:
    # transformers tells every difference in a table on the log; here they become one error.
    log = logging.getLogger("transformers.modeling_utils")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        model, info = MODELS[checkpoint.config.model_type].from_pretrained(
            folder,
            config=checkpoint.config,
            dtype=dtype,
            device_map={"": device},  # straight to where it runs, file by file
            local_files_only=True,
            use_safetensors=True,
            key_mapping=checkpoint.renamed or None,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except (OSError, SafetensorError) as error:
        raise WrongWeightsError(folder, [" ".join(str(error).split())]) from error
    finally:
        log.setLevel(level)
    faults = [
        f"{name} is {tuple(there)} there and {tuple(here)} by the config"
        for name, there, here in sorted(info["mismatched_keys"])
    ]
    for word, key in (("missing", "missing_keys"), ("not part of this network", "unexpected_keys")):
        names = (name for name in sorted(info[key]) if not any(part in name for part in _UNUSED))
        faults += [f"{name} is {word}" for name in names]
    if faults:
        raise WrongWeightsError(folder, faults)
    return model


def _with_boxes(
    model: PreTrainedModel,
    checkpoint: Checkpoint,
    boxes: BoxSettings,
    dual_encoder: bool,
    image: tuple[int, int] | None,
    dtype: torch.dtype,
    device: torch.device | str,
) -> FullSizeNetwork:
    adapter = adapter_of(model, image)
    second = None
    with torch.device(device):
        if dual_encoder:
            with _default_type(dtype):
                second = SecondEncoder(checkpoint.second_encoder, adapter.layout, adapter.dim)
        return FullSizeNetwork(adapter, boxes, second).eval()


@contextmanager
def _default_type(dtype: torch.dtype) -> Iterator[None]:
    """Make new parameters of a type at once: a second copy of them may not fit."""
    former = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(former)


def adapter_of(model: PreTrainedModel, image: tuple[int, int] | None) -> Adapter:
    """Put a model behind its adapter.

    Args:
        model: of one of `MODELS`.
        image: width and height of the network image, pixels, for Qwen-VL; its adapter's own where left out.
    """
    kind = model.config.model_type
    if kind not in _QWEN:
        return LlavaAdapter(model)
    return _QWEN[kind](model, *(image or _QWEN[kind].image))
